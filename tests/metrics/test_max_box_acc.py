import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from metric_samples import EXACT, KINDS, VIEW, Batch, plain, samples, take, updated
from torch import Tensor

from gapcam.cam.boxes import box_iou
from gapcam.cam.enlarge import enlarge
from gapcam.cam.localization import GUESSES
from gapcam.metrics import LocalizationError, MaxBoxAcc
from gapcam.protocol import PUBLISHED

ERRORS = ("loc_top1", "loc_top5", "loc_gt_known", "cls_top1", "cls_top5")


def accuracy(batch: Batch, **more: Any) -> MaxBoxAcc:
    metric = MaxBoxAcc(EXACT, VIEW, **more)
    metric.update(**KINDS["max_box_acc"].inputs(batch))
    return metric


def components(mask: Tensor) -> list[Tensor]:
    """Pixels of each 8-connected component, by flooding."""
    left, found = {tuple(place) for place in mask.nonzero().tolist()}, []
    while left:
        edge, region = [left.pop()], []
        while edge:
            y, x = edge.pop()
            region.append((y, x))
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            edge += near
        found.append(torch.tensor(region))
    return found


def slow_iou(batch: Batch) -> tuple[Tensor, Tensor]:
    """IoU of the largest component, and the best of all, `(B, T)`, of images with a box."""
    rows = [row for row in range(len(batch["maps"])) if batch["counts"][row]]
    largest, every = torch.zeros(2, len(rows), EXACT.steps)
    for place, row in enumerate(rows):
        heat = enlarge(batch["maps"][row, -1], VIEW)
        height, width = batch["sizes"][row].tolist()
        scale = torch.tensor([width / VIEW[1], height / VIEW[0]] * 2)
        truth = batch["boxes"][row, : int(batch["counts"][row])]
        for step in range(EXACT.steps):
            level = heat.min() + step / EXACT.steps * (heat.max() - heat.min())
            scores = [(0, 0, 0.0)]
            for region in components(heat > level):
                low, high = region.min(0).values, region.max(0).values + 1
                box = torch.cat([low.flip(0), high.flip(0)]) * scale
                first = -int((region[:, 0] * VIEW[1] + region[:, 1]).min())
                iou = max(float(box_iou(box, true)) for true in truth)
                scores.append((len(region), first, iou))
            largest[place, step] = max(scores)[2]
            every[place, step] = max(iou for *_, iou in scores)
    return largest, every


def test_equals_the_slow_loop() -> None:
    batch = samples(7)
    largest, every = slow_iou(batch)
    metric = accuracy(batch)
    numbers, found = metric.compute(), metric.curve()
    assert 0 < numbers["max_box_acc"] < 1
    assert found.images == len(largest)
    for row, (ending, least) in enumerate((("30", 0.3), ("50", 0.5), ("70", 0.7))):
        counts = (largest >= least).sum(0), (every >= least).sum(0)
        assert found.largest[row].tolist() == counts[0].tolist()
        assert found.every[row].tolist() == counts[1].tolist()
        for kind, count in zip(("", "_v2"), counts, strict=True):
            best = float(count.max() / len(largest))
            assert float(numbers[f"max_box_acc{kind}_{ending}"]) == pytest.approx(best)
            place = counts[0 if not kind else 1].argmax() / EXACT.steps
            assert float(numbers[f"threshold{kind}_{ending}"]) == pytest.approx(float(place))


def test_errors_are_those_of_the_error_metric_at_the_same_threshold() -> None:
    batch = samples(80)
    is_true = batch["classes"][:, :-1] == batch["labels"][:, None]
    batch["ranks"] = torch.where(is_true.any(1), is_true.int().argmax(1), GUESSES)
    metric = accuracy(batch)
    best = metric.best_thresholds()
    error = LocalizationError(EXACT.at(best["threshold"]), VIEW)
    # Every class has the same map here, so the guesses' boxes are those of the true class.
    batch["maps"] = batch["maps"][:, -1:].expand(-1, 6, -1, -1)
    error.update(**KINDS["localization"].inputs(batch))
    numbers, expected = metric.compute(), error.compute()
    assert expected["loc_top1"] < 1
    for name in (*ERRORS, "floor_whole_image", "floor_best_centred", "floor_centred_side"):
        assert numbers[name] == expected[name], name
    assert plain(metric.running_errors()) == {name: float(numbers[name]) for name in ERRORS}


def test_without_ranks_there_are_no_ranked_errors() -> None:
    batch, metric = samples(9), MaxBoxAcc(EXACT, VIEW)
    inputs = KINDS["max_box_acc"].inputs(batch)
    inputs.pop("ranks")
    metric.update(**inputs)
    numbers, expected = plain(metric.compute()), plain(accuracy(batch).compute())
    missing = {name for name, value in numbers.items() if value is None}
    assert missing == set(ERRORS) - {"loc_gt_known"}
    assert {name: expected[name] for name in numbers if name not in missing} == {
        name: value for name, value in numbers.items() if name not in missing
    }


def test_thresholds_of_other_images() -> None:
    batch = samples(60)
    chosen = accuracy(take(batch, slice(0, 30))).best_thresholds()
    metric = accuracy(take(batch, slice(30, 60)))
    reported, oracle = metric.compute_at(chosen), metric.compute()
    assert list(reported) == list(oracle)
    assert {name: reported[name].item() for name in chosen} == pytest.approx(chosen)
    for name, best in oracle.items():
        if name.startswith("max_box_acc"):
            assert reported[name] <= best, name
    assert any(reported[name] != oracle[name] for name in oracle)
    assert plain(metric.compute_at(metric.best_thresholds())) == plain(oracle)
    largest = metric.curve().largest[1]
    place = round(chosen["threshold"] * EXACT.steps)
    expected = largest[place] / metric.curve().images
    assert reported["max_box_acc"] == reported["max_box_acc_50"] == expected


@pytest.mark.parametrize("thresholds", [{"threshold": 0.1}, {}])
def test_thresholds_that_are_missing(thresholds: dict[str, float]) -> None:
    with pytest.raises(
        ValueError, match=r"thresholds must name threshold, threshold_30, .* missing"
    ):
        accuracy(samples(3)).compute_at(thresholds)


def test_thresholds_outside_of_those_tried() -> None:
    metric = accuracy(samples(3))
    wrong = {**metric.best_thresholds(), "threshold_v2": 1.2}
    with pytest.raises(ValueError, match=r"\['threshold_v2'\] must be one of the 20 .*; got 1.2"):
        metric.compute_at(wrong)


def test_without_boxes_there_is_no_threshold() -> None:
    batch = samples(5)
    batch["counts"].zero_()
    metric = accuracy(batch)
    assert all(math.isnan(threshold) for threshold in metric.best_thresholds().values())
    numbers = plain(metric.compute())
    known = {name for name, value in numbers.items() if value is not None}
    assert known == {"cls_top1", "cls_top5"}
    assert set(plain(metric.running_errors())) == set(ERRORS)


def test_the_only_iou_gives_the_names() -> None:
    batch = samples(20)
    metric = MaxBoxAcc(replace(EXACT, iou=(0.7,)), VIEW)
    metric.update(**KINDS["max_box_acc"].inputs(batch))
    numbers = metric.compute()
    expected = accuracy(batch).compute()["max_box_acc_70"]
    assert numbers["max_box_acc"] == numbers["max_box_acc_70"] == expected
    assert "threshold_50" not in numbers


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0])
def test_a_map_without_a_region_is_found_at_no_threshold(value: float) -> None:
    batch = samples(4)
    batch["counts"] = batch["counts"].clamp(min=1)
    batch["boxes"][0, :, 2:] = batch["boxes"][0, :, :2]  # empty true boxes
    batch["maps"] = torch.full_like(batch["maps"], value)
    assert accuracy(batch).compute()["max_box_acc_v2_30"] == 0


def test_slices_and_intervals_at_thresholds() -> None:
    metric = accuracy(samples(60))
    numbers, best = metric.compute(), metric.best_thresholds()
    slices, intervals = metric.slices(), metric.confidence(resamples=200)
    assert (
        set(slices["size"].numbers)
        == set(intervals)
        == set(numbers) - set(best) - {"floor_centred_side"}
    )
    for name, (low, high) in intervals.items():
        assert low <= float(numbers[name]) <= high, name
    found = slices["boxes"]
    total = (found.numbers["max_box_acc_v2"].nan_to_num() * found.with_boxes).sum()
    assert float(total / found.with_boxes.sum()) == pytest.approx(float(numbers["max_box_acc_v2"]))
    elsewhere = dict.fromkeys(best, 0.95)
    at = metric.compute_at(elsewhere)
    low, high = metric.confidence(resamples=200, thresholds=elsewhere)["max_box_acc_30"]
    assert low <= float(at["max_box_acc_30"]) <= high
    at_95 = metric.slices(thresholds=elsewhere)["boxes"].numbers["max_box_acc_30"]
    assert not torch.equal(at_95.nan_to_num(), found.numbers["max_box_acc_30"].nan_to_num())


def test_memory_is_bits() -> None:
    columns = MaxBoxAcc()._empty
    assert columns["largest"].shape[1:] == columns["every"].shape[1:] == (3, 125)
    assert columns["largest"].dtype == columns["every"].dtype == torch.uint8


def test_the_published_benchmark_is_the_default() -> None:
    assert MaxBoxAcc().protocol == PUBLISHED["wsolevaluation"]
    assert updated("max_box_acc", samples(2)).protocol.steps == 20
