from dataclasses import replace
from typing import Any

import pytest
import torch
from metric_samples import KINDS, VIEW, Batch, plain, samples, take, updated

from gapcam.cam.boxes import box_iou
from gapcam.cam.taxonomy import KINDS as GUESSES
from gapcam.metrics import LocalizationError
from gapcam.metrics.localization import LocalizationRows
from gapcam.protocol import PUBLISHED, Protocol


def error(batch: Batch, protocol: Protocol | str = "paper", **more: Any) -> LocalizationError:
    metric = LocalizationError(protocol, VIEW, **more)
    metric.update(**KINDS["localization"].inputs(batch))
    return metric


def slow_errors(batch: Batch, least: float = 0.5) -> dict[str, float]:
    """One image and one class at a time, in pixels of the view, squashed back."""
    wrong = dict.fromkeys(("loc_top1", "loc_top5", "loc_gt_known", "cls_top1", "cls_top5"), 0)
    located = 0
    for i in range(len(batch["labels"])):
        height, width = batch["sizes"][i].tolist()
        maps, region = batch["maps"][i : i + 1], batch["regions"][i : i + 1]
        boxes = PUBLISHED["paper"].boxes(maps, VIEW, region, batch["sizes"][i : i + 1])[0, :, 0]
        truth = batch["boxes"][i, : int(batch["counts"][i])]
        named = [int(c) == int(batch["labels"][i]) for c in batch["classes"][i]]
        wrong["cls_top1"] += not named[0]
        wrong["cls_top5"] += not any(named[:-1])
        if not len(truth):
            continue
        located += 1
        assert (boxes <= torch.tensor([width, height] * 2) + 1e-3).all()
        placed = [max(float(box_iou(box, t)) for t in truth) >= least for box in boxes]
        wrong["loc_top1"] += not (placed[0] and named[0])
        wrong["loc_top5"] += not any(p and n for p, n in zip(placed[:-1], named[:-1], strict=True))
        wrong["loc_gt_known"] += not placed[-1]
    images = len(batch["labels"])
    return {name: n / (located if name[:3] == "loc" else images) for name, n in wrong.items()}


def test_equals_the_slow_loop() -> None:
    batch = samples(60)
    expected = slow_errors(batch)
    assert 0 < expected["loc_gt_known"] < 1
    numbers = plain(error(batch).compute())
    assert {name: numbers[name] for name in expected} == pytest.approx(expected)
    assert set(numbers) - set(expected) == {
        "floor_whole_image",
        "floor_best_centred",
        "floor_centred_side",
    }


def test_the_only_iou_of_a_protocol_is_meant() -> None:
    batch = samples(60)
    numbers = plain(error(batch, replace(PUBLISHED["paper"], iou=(0.3,))).compute())
    expected = slow_errors(batch, 0.3)
    assert {name: numbers[name] for name in expected} == pytest.approx(expected)
    among_several = replace(PUBLISHED["paper"], iou=(0.3, 0.5, 0.7))
    assert plain(error(batch, among_several).compute()) == plain(error(batch).compute())


def test_rows_are_in_order_and_each_once() -> None:
    batch, parts = samples(9), LocalizationError("paper", VIEW)
    for rows in ([8, 0, 3], [5], [1, 2, 4, 6, 7], [0, 8, 8]):
        parts.update(**KINDS["localization"].inputs(take(batch, rows)))
    whole = error(batch).rows()
    assert all(torch.equal(a, b) for a, b in zip(parts.rows(), whole, strict=True))
    assert whole.boxes.shape == (9, 6, 1, 4)
    assert whole.iou.shape == (9, 6, 1)
    assert whole.index.tolist() == list(range(9))


def test_running_errors_are_the_errors_so_far() -> None:
    metric = error(samples(20))
    numbers = metric.compute()
    assert plain(metric.running_errors()) == {
        name: numbers[name].item() for name in numbers if not name.startswith("floor")
    }


def test_images_without_boxes_count_for_classification_alone() -> None:
    batch = samples(40)
    batch["counts"] = batch["counts"].clamp(min=1)
    everything = plain(error(batch).compute())
    batch["counts"][30:] = 0
    with_boxes = plain(error(take(batch, slice(0, 30))).compute())
    for name, value in plain(error(batch).compute()).items():
        assert value == (everything if name.startswith("cls") else with_boxes)[name], name


def test_without_any_box_there_is_no_localization_error() -> None:
    batch = samples(3)
    batch["boxes"], batch["counts"] = torch.zeros(3, 0, 4), torch.zeros(3, dtype=torch.int64)
    numbers = plain(error(batch).compute())
    missing = {name for name, value in numbers.items() if value is None}
    assert missing == set(numbers) - {"cls_top1", "cls_top5"}


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 0.0, -1.0], ids=["nan", "inf", "constant", "negative"]
)
def test_a_map_without_a_box_is_an_error_and_never_a_free_point(value: float) -> None:
    batch = samples(4)
    batch["counts"] = batch["counts"].clamp(min=1)
    batch["boxes"][:, 0] = torch.tensor([0.0, 0, 5, 5])
    batch["boxes"][0, :, 2:] = batch["boxes"][0, :, :2]  # empty true boxes
    batch["classes"][:, 0] = batch["labels"]
    if value in (0.0, -1.0):
        batch["maps"].fill_(value)
    else:
        batch["maps"][..., 1, 1] = value
    metric = error(batch)
    numbers = metric.compute()
    assert numbers["loc_gt_known"] == numbers["loc_top1"] == numbers["loc_top5"] == 1
    assert metric.taxonomy()["nothing_found"] == 1
    assert not metric.rows().boxes.any()


def test_loose_and_tight_boxes() -> None:
    batch = samples(6)
    metric = error(batch, "released")
    numbers, rows = metric.compute(), metric.rows()
    assert rows.boxes.shape == (6, 6, 2, 4)
    tight = {f"loc_{name}_tight" for name in ("top1", "top5", "gt_known")}
    assert set(numbers) - set(error(batch).compute()) == tight | {"loc_top5_heuristic"}
    assert len(metric.errors_by_guesses()) == 5


def test_taxonomy_says_what_is_wrong() -> None:
    batch = samples(60)
    metric = error(batch)
    shares, numbers = metric.taxonomy(), metric.compute()
    assert list(shares) == list(GUESSES)
    assert float(sum(shares.values())) == pytest.approx(1)
    assert float(shares["right"]) == pytest.approx(1 - float(numbers["loc_top1"]))
    assert shares["wrong_class"] > 0


def test_slices_add_up_to_the_numbers() -> None:
    metric = error(samples(60))
    numbers = metric.compute()
    slices = metric.slices()
    assert list(slices) == ["size", "boxes", "class"]
    for found in slices.values():
        assert found.images.sum() == 60
        for name, values in found.numbers.items():
            weights = found.images if name.startswith("cls") else found.with_boxes
            total = (values.nan_to_num() * weights).sum() / weights.sum()
            assert float(total) == pytest.approx(float(numbers[name])), name
    assert slices["boxes"].numbers["loc_top1"][0].isnan()


def test_a_class_without_boxes_is_reported() -> None:
    batch = samples(60)
    batch["counts"][batch["labels"] == 3] = 0
    metric = error(batch, num_classes=9)
    assert metric.classes_without_boxes() == [3, 7, 8]
    by_class = metric.slices()["class"]
    assert by_class.groups == tuple("012345678")
    assert by_class.with_boxes[3] == 0 < by_class.images[3]
    assert by_class.numbers["loc_gt_known"][3].isnan()
    assert not by_class.numbers["cls_top1"][3].isnan()
    assert error(batch).classes_without_boxes() == [3]
    assert LocalizationError("paper", VIEW).classes_without_boxes() == []


def test_confidence_has_an_interval_for_each_number() -> None:
    metric = updated("localization", samples(60))
    numbers, intervals = metric.compute(), metric.confidence(resamples=200)
    assert set(intervals) == set(numbers) - {"floor_centred_side"}
    for name, (low, high) in intervals.items():
        assert low <= float(numbers[name]) <= high, name
    assert intervals["loc_gt_known"].low < intervals["loc_gt_known"].high


def test_rows_name_their_columns() -> None:
    assert LocalizationRows._fields == (
        "index",
        "labels",
        "classes",
        "boxes",
        "iou",
        "floor_iou",
        "counts",
        "object_sizes",
        "kinds",
    )
