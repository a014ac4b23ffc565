from pathlib import Path

import pytest
from recipes_support import log_numbers, make_job

from gapcam.recipes.logged import latest_logged
from gapcam.viz.curves import read_curves


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], {}),
        (["epoch,step,val/loc_top1"], {}),
        (
            ["epoch,step,train/loss,val/loc_top1", "0,9,2.5,", "0,9,,0.75", "1,19,1.5,"],
            {"epoch": 1, "step": 19, "train/loss": 1.5, "val/loc_top1": 0.75},
        ),
        (
            ["epoch,step,val/loc_top1", "0,9,0.75", "1,19"],
            {"epoch": 1, "step": 19, "val/loc_top1": 0.75},
        ),
        (["epoch,step,val/loc_top1", "0,9,0.5,7", "nonsense"], {"epoch": 0, "step": 9,
                                                              "val/loc_top1": 0.5}),
    ],
)  # fmt: skip
def test_the_last_value_of_each_number(
    tmp_path: Path, lines: list[str], expected: dict[str, float]
) -> None:
    job = make_job(tmp_path)
    if lines:
        log_numbers(job, *lines)
    assert latest_logged(job.directory.path / "csv") == expected


def test_of_a_long_log_the_end_is_read(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    lines = [f"{n // 100},{n},{1 / (n + 1)}," for n in range(9000)]
    log_numbers(job, "epoch,step,train/loss,val/loc_top1", "0,0,,0.75", *lines)
    folder = job.directory.path / "csv"
    latest = latest_logged(folder)
    assert (latest["step"], latest["train/loss"]) == read_curves(folder)["train/loss"][-1]
    assert "val/loc_top1" not in latest


def test_the_latest_start_counts(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    for version, line in ((9, "2,9,0.75,0.5"), (10, "1,8,0.25,")):
        log_numbers(job, "epoch,step,val/loc_top1,val/cls_top1", line, version=version)
    assert latest_logged(job.directory.path / "csv") == {
        "epoch": 1,
        "step": 8,
        "val/loc_top1": 0.25,
        "val/cls_top1": 0.5,
    }
