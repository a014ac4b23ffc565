from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from gapcam.cam.max_box import (
    UNRANKED,
    Hits,
    best_places,
    curves,
    hits,
    max_box_outcomes,
    outcomes_so_far,
    places_of,
)
from gapcam.cam.outcomes import rates

IOU = (0.3, 0.5, 0.7)
THRESHOLDS = torch.arange(20, dtype=torch.float64) / 20


class Swept(NamedTuple):
    largest: Tensor
    every: Tensor
    ranks: Tensor
    has_box: Tensor

    @property
    def hits(self) -> Hits:
        return Hits(hits(self.largest, IOU), hits(self.every, IOU))


def swept(images: int) -> Swept:
    """IoU at every threshold, without true boxes zero."""
    generator = torch.Generator().manual_seed(images)
    largest = torch.rand(images, len(THRESHOLDS), dtype=torch.float64, generator=generator)
    every = largest + torch.rand(largest.shape, dtype=torch.float64, generator=generator) / 5
    has_box = torch.rand(images, generator=generator) < 0.8
    largest[~has_box], every[~has_box] = 0, 0
    ranks = torch.randint(8, (images,), generator=generator).to(torch.uint8)
    return Swept(largest, every.clamp(max=1), ranks, has_box)


def published(iou: np.ndarray, least: float) -> tuple[float, int]:
    """Maximum over thresholds of the share of images that are found, and its place."""
    counts = np.zeros(iou.shape[1])
    for row in iou:
        counts[np.where(row >= least)[0]] += 1
    return counts.max() / len(iou), int(np.argmax(counts))


def test_equals_the_published_loop() -> None:
    found = swept(60)
    tally = curves(found.hits, found.has_box, THRESHOLDS, IOU)
    places = best_places(tally, main=0.5)
    numbers = rates(max_box_outcomes(found.hits, found.ranks, found.has_box, places, IOU, main=0.5))
    counted = found.has_box.numpy()
    means = []
    for least, ending in zip(IOU, ("30", "50", "70"), strict=True):
        accuracy, place = published(found.largest.numpy()[counted], least)
        assert float(numbers[f"max_box_acc_{ending}"]) == pytest.approx(accuracy)
        assert places[f"threshold_{ending}"] == place
        accuracy, place = published(found.every.numpy()[counted], least)
        assert float(numbers[f"max_box_acc_v2_{ending}"]) == pytest.approx(accuracy)
        assert places[f"threshold_v2_{ending}"] == place
        means.append(accuracy)
    assert float(numbers["max_box_acc_v2"]) == pytest.approx(np.mean(means))
    assert torch.equal(tally.v1, tally.largest / int(counted.sum()))
    assert float(tally.v2.max()) == pytest.approx(max(means))
    assert numbers["max_box_acc"] == numbers["max_box_acc_50"]
    assert places["threshold"] == places["threshold_50"]


def test_one_threshold_for_all_iou() -> None:
    found = swept(60)
    places = best_places(curves(found.hits, found.has_box, THRESHOLDS, IOU), main=0.5)
    numbers = rates(max_box_outcomes(found.hits, found.ranks, found.has_box, places, IOU, 0.5))
    every = found.every[found.has_box]
    means = torch.stack([(every >= least).double().mean(0) for least in IOU]).mean(0)
    assert float(numbers["max_box_acc_v2_one_threshold"]) == pytest.approx(float(means.max()))
    assert float(means[places["threshold_v2"]]) == pytest.approx(float(means.max()))
    assert numbers["max_box_acc_v2_one_threshold"] <= numbers["max_box_acc_v2"]


def test_ranks_give_top1_and_top5() -> None:
    found = swept(60)
    found.ranks[:5] = UNRANKED
    places = dict.fromkeys(best_places(curves(found.hits, found.has_box, THRESHOLDS, IOU), 0.5), 4)
    numbers = rates(max_box_outcomes(found.hits, found.ranks, found.has_box, places, IOU, 0.5))
    totals = dict.fromkeys(("loc_top1", "loc_top5", "cls_top1", "cls_top5"), 0)
    for iou, rank in zip(found.largest[5:, 4].tolist(), found.ranks[5:].tolist(), strict=True):
        totals["loc_top1"] += iou > 0 and not (iou >= 0.5 and rank == 0)
        totals["loc_top5"] += iou > 0 and not (iou >= 0.5 and rank < 5)
        totals["cls_top1"] += rank != 0
        totals["cls_top5"] += rank >= 5
    boxes = int(found.has_box[5:].sum())
    for name, total in totals.items():
        images = boxes if name.startswith("loc") else 55
        assert float(numbers[name]) == pytest.approx(total / images), name
    assert float(numbers["loc_gt_known"]) == pytest.approx(1 - float(numbers["max_box_acc"]))


def test_errors_so_far_need_one_iou_alone() -> None:
    found = swept(60)
    places = best_places(curves(found.hits, found.has_box, THRESHOLDS, IOU), main=0.5)
    numbers = rates(max_box_outcomes(found.hits, found.ranks, found.has_box, places, IOU, 0.5))
    so_far = outcomes_so_far(found.hits.largest[:, 1], found.ranks, found.has_box, len(THRESHOLDS))
    assert rates(so_far) == {name: numbers[name] for name in so_far}


def test_of_equal_thresholds_the_lowest_is_chosen() -> None:
    iou = torch.zeros(2, 20, dtype=torch.float64)
    iou[0, 3:9], iou[1, 11:] = 0.8, 0.8
    both = Hits(hits(iou, IOU), hits(iou, IOU))
    places = best_places(curves(both, torch.tensor([True, True]), THRESHOLDS, IOU), main=0.5)
    assert set(places.values()) == {3}


def test_no_image_has_no_accuracy() -> None:
    found = swept(0)
    tally = curves(found.hits, found.has_box, THRESHOLDS, IOU)
    assert tally.images == 0
    assert tally.largest.shape == tally.every.shape == (3, 20)
    assert tally.v1.isnan().all()
    assert tally.v2.isnan().all()
    places = best_places(tally, main=0.5)
    numbers = rates(max_box_outcomes(found.hits, found.ranks, found.has_box, places, IOU, 0.5))
    assert all(number.isnan() for number in numbers.values())


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ({}, "thresholds must name a, b, .* a, b is missing"),
        ({"a": 0.1}, "b is missing"),
        ({"a": 0.1, "b": 0.125}, r"\['b'\] must be one of the 20 .* from 0 to 0.95; got 0.125"),
        ({"a": 0.1, "b": 1.5}, "must be one of the 20 .* got 1.5"),
        ({"a": float("nan"), "b": 0.1}, "must be one of the 20 .* got nan"),
    ],
)
def test_thresholds_that_were_not_tried(thresholds: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        places_of(thresholds, THRESHOLDS, ["a", "b"])


def test_places_of_thresholds() -> None:
    assert places_of({"a": 0.15, "b": 0.0, "c": 9}, THRESHOLDS, ["a", "b"]) == {"a": 3, "b": 0}
