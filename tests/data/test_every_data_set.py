"""`python -m gapcam.run data=<each>` trains and evaluates what the data set allows."""

import csv
from pathlib import Path

import pytest
from all_twins import MAKERS, make_twin
from support import compose_config

from gapcam.config_dir import CONFIG_DIR
from gapcam.run import run

WITH_BOXES = {"action40", "cub200", "ilsvrc", "svt", "tiny_imagenet"}
FAST = (
    "arch=small_gap",
    "arch.size=[32,32]",
    "arch.units=8",
    "data.batch_size=2",
    "data.eval_batch_size=3",
    "data.num_workers=0",
    "trainer.max_epochs=1",
    "trainer.enable_progress_bar=false",
    "gallery=3",
)


def test_every_data_set_has_a_twin() -> None:
    options = {path.stem for path in (CONFIG_DIR / "data").glob("*.yaml")}
    assert options == MAKERS.keys() | {"digits"}


@pytest.mark.slow
@pytest.mark.parametrize("option", MAKERS)
def test_trains_and_evaluates(option: str, tmp_path: Path) -> None:
    config = compose_config(*make_twin(option, tmp_path), *FAST, f"runs={tmp_path / 'runs'}")
    found = run(config)
    errors = found["metrics"]
    assert 0 <= errors["test/cls_top1"] <= 1
    has_boxes = option in WITH_BOXES
    for name in ("loc_top1", "loc_gt_known", "floor_whole_image", "floor_best_centred"):
        assert (f"test/{name}" in errors) == has_boxes
    assert ("no true boxes: localization is not scored" in found["data"]["notes"]) != has_boxes
    home = Path(config["run_dir"])
    with (home / "rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert f"{len(rows)} images" in found["data"]["evaluated_on"]
    report = (home / "report.html").read_text()
    assert ("GT-known" in report) == has_boxes
    shown = [row for row in rows if not has_boxes or int(row["true_boxes"])]
    assert len(list((home / "cams").glob("*.png"))) == min(3, len(shown))
    assert all(bool(row["label_iou"]) == bool(int(row["true_boxes"])) for row in rows)
    assert (home / "checkpoints" / "best.ckpt").is_file()
