from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from splits import Boxes

from gapcam.arch.evaluation import Evaluation
from gapcam.data.index import Entry, SplitIndex
from gapcam.map_scores import Maps, needs_scores, score_maps, truth_of, without_scores
from gapcam.protocol import PUBLISHED

PROTOCOLS = {
    "paper": PUBLISHED["paper"],
    "released": PUBLISHED["released"],
    "exact": replace(PUBLISHED["exact"], steps=20),
}
BOXES = [[[8, 8, 40, 40]], [], [[0, 0, 64, 64], [16, 16, 24, 24]], [[32, 0, 64, 16]]]


def right_maps(rows: list[int], cells: int = 16) -> Maps:
    """Ones on the first true box, where there is one."""
    maps, side = torch.zeros(len(rows), cells, cells), 64 // cells
    for place, row in enumerate(rows):
        for x0, y0, x1, y1 in BOXES[row][:1]:
            maps[place, y0 // side : y1 // side, x0 // side : x1 // side] = 1
    maps[:, -1, -1] -= 0.01  # the whole image would be a constant
    return Maps(rows, maps)


def test_truth() -> None:
    batch = truth_of(Boxes(BOXES, size=(64, 80)), [3, 2, 1])
    assert batch.images.shape == (3, 3, 0, 0)
    assert batch.labels.tolist() == [0, 2, 1]
    assert batch.counts.tolist() == [1, 2, 0]
    assert batch.boxes.tolist() == [[*BOXES[3], [0] * 4], BOXES[2], [[0] * 4] * 2]
    assert batch.sizes.tolist() == [[64, 80]] * 3
    assert batch.regions.tolist() == [[0, 0, 80, 64]] * 3
    assert batch.index.tolist() == [3, 2, 1]


def test_sizes_that_the_annotation_states_are_taken() -> None:
    dataset = Boxes([])
    entries = [Entry("a.jpg", 0, np.array([[1, 2, 3, 4]], np.float32), (30, 50))]
    dataset.index = SplitIndex.of(entries)
    batch = truth_of(dataset, [0])
    assert batch.sizes.tolist() == [[30, 50]]
    assert batch.boxes.tolist() == [[[1, 2, 3, 4]]]
    assert dataset.opened == 0


def batches(*rows: list[int]) -> Iterator[Maps]:
    return (right_maps(some, cells) for some, cells in zip(rows, (16, 8, 32), strict=False))


def test_maps_are_scored_in_any_order_and_of_any_shape() -> None:
    told: list[int] = []
    evaluation = Evaluation(PROTOCOLS, (32, 32))
    found = score_maps(evaluation, Boxes(BOXES), batches([3, 0], [1], [2]), told.append)
    assert told == [2, 1, 1]
    assert found["loc_gt_known"] == found["released/loc_gt_known"] == 0
    assert found["exact/max_box_acc"] == found["exact/max_box_acc_v2"] == 1
    assert found["floor_whole_image"] == pytest.approx(2 / 3)
    again = score_maps(evaluation, Boxes(BOXES), batches([0, 1, 2, 3]), told.append)
    assert again == found


def test_maps_alone_know_no_class() -> None:
    evaluation = Evaluation(PROTOCOLS, (32, 32), num_classes=3)
    evaluation.choose(
        {"exact": dict.fromkeys(evaluation.sweeps["exact"].best_thresholds(), 0.5)}, "a test"
    )
    found = score_maps(evaluation, Boxes(BOXES), batches([0, 1, 2, 3]), lambda _: None)
    assert not [name for name in found if "cls_" in name or "loc_top" in name]
    assert {"exact/oracle_loc_gt_known", "released/loc_gt_known_tight"} <= set(found)
    evaluation.gather_details()
    for name, full in evaluation.details.items():
        details = without_scores(full)
        assert details.rows is not None
        assert full.rows is not None
        assert details.rows.classes.tolist() == [[0], [1], [2], [0]]
        assert details.rows.iou.tolist() == full.rows.iou[:, 1:].tolist()
        assert details.rows.boxes.shape[1] == 1
        assert "wrong_class" not in details.kinds
        assert sum(details.kinds.values()) == pytest.approx(1)
        for numbers in (details.intervals, *(part.numbers for part in details.slices.values())):
            assert "loc_gt_known" in numbers, name
            assert not [number for number in numbers if needs_scores(number)]


@pytest.mark.parametrize(
    ("number", "needs"),
    [
        ("loc_gt_known", False),
        ("cls_top1", True),
        ("exact/loc_top5", True),
        ("exact/oracle_loc_top1", True),
        ("oracle_max_box_acc", False),
        ("released/loc_top5_heuristic", True),
        ("released/loc_gt_known_tight", False),
    ],
)
def test_numbers_that_need_scores(number: str, needs: bool) -> None:
    assert needs_scores(number) == needs
