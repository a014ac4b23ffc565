"""What a finished run leaves behind: which pictures, threshold curves, boxes for later."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from support import compose_config, type_in
from twins import make_cub200

from gapcam.cam.max_box import Curves
from gapcam.errors import UserError
from gapcam.metrics.localization import LocalizationRows
from gapcam.results import gallery_choice, write_curves
from gapcam.run import resolve


def rows(iou: list[float], counts: list[int] | None = None) -> LocalizationRows:
    """Images of the indices 10, 11, ... in reversed order, with the IoU of their best guess."""
    n = len(iou)
    order = torch.arange(n).flip(0)
    return LocalizationRows(
        index=10 + order,
        labels=torch.zeros(n, dtype=torch.long),
        classes=torch.zeros(n, 2, dtype=torch.long),
        boxes=torch.zeros(n, 2, 1, 4),
        iou=torch.tensor(iou)[order].reshape(n, 1, 1).expand(n, 2, 1),
        floor_iou=torch.zeros(n, 1),
        counts=torch.tensor([1] * n if counts is None else counts)[order],
        object_sizes=torch.zeros(n),
        kinds=torch.zeros(n, dtype=torch.long),
    )


TWELVE = [0.0, 0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.6, 0.4, 0.5, 0.95, 0.05]


@pytest.mark.parametrize(
    ("given", "images", "count", "expected"),
    [
        (None, 5, 0, {"examples": []}),
        (None, 5, 3, {"examples": [0, 2, 4]}),
        (rows([0.1, 0.2], [0, 0]), 2, 4, {"examples": [11, 10]}),
        (rows([0.1, 0.9]), 2, 2, {"best": [11, 10]}),
        # 10, 15 and 21 are the same whatever was found; of the others three best, median, worst.
        (
            rows(TWELVE),
            12,
            12,
            {
                "same": [10, 15, 21],
                "best": [20, 11, 13],
                "median": [17, 19, 18],
                "worst": [12, 14, 16],
            },
        ),
        (rows(TWELVE), 12, 3, {"best": [20], "median": [19], "worst": [10]}),
    ],
)
def test_pictures_chosen(
    given: LocalizationRows | None, images: int, count: int, expected: dict[str, list[int]]
) -> None:
    assert gallery_choice(given, images, count) == expected


def test_the_same_pictures_whatever_was_found() -> None:
    turned = [1 - iou for iou in TWELVE]
    assert (
        gallery_choice(rows(TWELVE), 12, 12)["same"] == gallery_choice(rows(turned), 12, 12)["same"]
    )


def test_curves_in_a_file(tmp_path: Path) -> None:
    largest, every = torch.tensor([[1, 2], [0, 1]]), torch.tensor([[3, 2], [1, 1]])
    found = Curves(torch.tensor([0.0, 0.5]), (0.3, 0.5), largest, every, 3)
    write_curves(tmp_path / "curve.csv", found)
    with (tmp_path / "curve.csv").open() as lines:
        table = list(csv.DictReader(lines))
    assert list(table[0]) == ["threshold", "v1_30", "v1_50", "v2_30", "v2_50"]
    assert [float(row["threshold"]) for row in table] == [0, 0.5]
    assert [np.float32(row["v1_30"]) for row in table] == [np.float32(1 / 3), np.float32(2 / 3)]
    assert [float(row["v2_30"]) for row in table] == pytest.approx([1, 2 / 3])


@pytest.mark.parametrize("value", ["all", "[train,tset]", "1"])
def test_boxes_of_unknown_splits(value: str) -> None:
    with pytest.raises(UserError, match="boxes must be a list of train, val, test; got"):
        resolve(compose_config(f"boxes={value}"))


SMALL = (
    *("arch=small_gap", "arch.units=4", "data=cub200", "data.num_workers=0", "trainer=debug"),
    *("gallery=2", "trainer.enable_progress_bar=false", "trainer.limit_test_batches=null"),
)


@pytest.mark.slow
def test_pictures_are_cut_to_the_boxes_of_an_earlier_run(tmp_path: Path) -> None:
    root = make_cub200(tmp_path / "cub")
    words = (*SMALL, f"data.root={root}", f"runs={tmp_path / 'runs'}")
    first = type_in(*words, "boxes=[train,test]", "name=full")
    assert first.returncode == 0, first.stdout + first.stderr
    run = tmp_path / "runs" / "full" / "trim0" / "seed0"
    with (run / "boxes.csv").open() as lines:
        boxes = {
            row["name"]: [float(row[key]) for key in ("x0", "y0", "x1", "y1")]
            for row in csv.DictReader(lines)
        }
    pictures = {str(path.relative_to(root / "images")) for path in root.rglob("*.jpg")}
    assert set(boxes) == pictures
    with (run / "rows.csv").open() as lines:
        for row in csv.DictReader(lines):
            of_guess = [float(row[f"guess_1_{key}"]) for key in ("x0", "y0", "x1", "y1")]
            assert boxes[row["image"]] == of_guess
    second = type_in(*words, f"data.crop={run / 'boxes.csv'}", "name=crop")
    assert second.returncode == 0, second.stdout + second.stderr
