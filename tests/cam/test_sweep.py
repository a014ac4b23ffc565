from typing import Any

import numpy as np
import pytest
import torch
from masks import NASTY, generated_maps, random_masks
from scipy import ndimage
from torch import Tensor

from gapcam.cam.boxes import best_iou
from gapcam.cam.components import largest_component, largest_component_above
from gapcam.cam.enlarge import enlarge
from gapcam.cam.sweep import Sweep, sweep_boxes, sweep_iou
from gapcam.cam.threshold import usable_maps

TRUTH = torch.tensor([[[3.5, 2.0, 20.25, 30.0], [-8.0, 10.0, 25.0, 90.0], [0.0, 0.0, 5.0, 5.0]]])


def slow_sweep(
    maps: Tensor,
    size: tuple[int, int],
    thresholds: Tensor,
    truth: Tensor,
    counts: Tensor,
    *,
    normalise: str = "max",
    interpolation: str = "bilinear",
    grey: bool = False,
    connectivity: int = 8,
) -> tuple[Tensor, Sweep]:
    """Cut and label every mask by itself: boxes, and IoU of the largest and of any."""
    values = enlarge(usable_maps(maps), size, interpolation)
    high = values.amax((1, 2), keepdim=True)
    low = values.amin((1, 2), keepdim=True) if normalise == "minmax" else torch.zeros_like(high)
    boxes, every = [], []
    for threshold in thresholds.tolist():
        if grey:
            image = ((values - low) / (high - low) * 255).clamp(min=0).nan_to_num().floor()
            masks = (image > int(threshold * 255)) & (high > low)
        else:
            level = low + torch.tensor(threshold, dtype=values.dtype) * (high - low)
            masks = (values > level) & (high > low)
        boxes.append(largest_component(masks, connectivity).boxes_N4)
        rows = zip(masks, truth, counts, strict=True)
        every.append(torch.stack([slow_any(*row, connectivity) for row in rows]))
    boxes_NT4 = torch.stack(boxes, 1)
    largest = best_iou(boxes_NT4.double(), truth.double(), counts)
    return boxes_NT4, Sweep(largest, torch.stack(every, 1))


def slow_any(mask: Tensor, truth: Tensor, count: Tensor, connectivity: int) -> Tensor:
    labels, number = ndimage.label(mask.numpy(), np.ones((3, 3)) if connectivity == 8 else None)
    found = [
        [columns.start, rows.start, columns.stop, rows.stop]
        for rows, columns in ndimage.find_objects(labels, number)
    ]
    boxes = torch.tensor(found or [[0] * 4], dtype=torch.float64)
    return best_iou(boxes[None], truth[None].double(), count[None]).amax()


def assert_equals_slow(
    maps: Tensor, size: tuple[int, int], thresholds: Tensor, **rule: Any
) -> None:
    truth = TRUTH.expand(len(maps), -1, -1)
    counts = torch.arange(len(maps)) % 4
    boxes, expected = slow_sweep(maps, size, thresholds, truth, counts, **rule)
    found = sweep_iou(maps, size, thresholds, truth, counts, **rule)
    assert torch.equal(found.largest_NT, expected.largest_NT)
    assert torch.equal(found.any_NT, expected.any_NT)
    assert torch.equal(sweep_boxes(maps, size, thresholds, **rule), boxes)


def even(count: int) -> Tensor:
    return torch.arange(count, dtype=torch.float64) / count


THRESHOLDS = {
    "one": torch.tensor([0.0]),
    "ten": even(10),
    "a hundred": even(100),
    "repeated": torch.tensor([0.0, 0.0, 0.2, 0.2, 0.2, 0.9]),
    "uneven": even(60) ** 3,
}


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("normalise", ["max", "minmax"])
@pytest.mark.parametrize("name", THRESHOLDS)
def test_equals_cutting_every_mask(name: str, normalise: str, connectivity: int) -> None:
    maps = generated_maps(4, (6, 5), 0.2)
    rule = {"normalise": normalise, "connectivity": connectivity}
    assert_equals_slow(maps, (40, 33), THRESHOLDS[name], **rule)


@pytest.mark.parametrize("normalise", ["max", "minmax"])
@pytest.mark.parametrize("interpolation", ["bilinear", "cubic", "matlab"])
@pytest.mark.parametrize("grey", [False, True])
def test_every_rule(grey: bool, interpolation: str, normalise: str) -> None:
    rule = {"grey": grey, "interpolation": interpolation, "normalise": normalise}
    assert_equals_slow(generated_maps(4, (7, 7), 0.1), (30, 41), even(20), **rule)


@pytest.mark.parametrize(
    ("shape", "size"),
    [((1, 1), (3, 3)), ((1, 9), (1, 50)), ((9, 1), (70, 1)), ((12, 12), (12, 12))],
)
def test_any_shape(shape: tuple[int, int], size: tuple[int, int]) -> None:
    assert_equals_slow(generated_maps(4, shape, 0.5), size, even(15), normalise="minmax")


@pytest.mark.parametrize("name", NASTY)
def test_nasty_masks_and_ties(name: str) -> None:
    mask = torch.from_numpy(NASTY[name].copy()).float()
    terraces = mask + mask.flip(0) / 2 + mask.flip(1) / 4
    maps = torch.stack([mask, 1 - mask, terraces, terraces.max() - terraces])
    assert_equals_slow(maps, (mask.shape[0], mask.shape[1]), even(7))


def test_equal_hills_on_one_row() -> None:
    """A smooth map, where the first pixel of the first row alone decides which one is larger."""
    hill = generated_maps(1, (5, 5), 0)
    pair = torch.cat([hill, torch.zeros(1, 5, 3), hill], 2)
    assert_equals_slow(torch.cat([pair, pair.flip(2), pair.flip(1)]), (60, 156), even(50))


def test_a_cup_and_what_is_in_it() -> None:
    """Equal areas, the same first row, shared columns: only the first pixels tell them apart."""
    maps = torch.zeros(2, 60, 60)
    maps[0, 10:31, [10, 40]] = maps[0, 30, 10:41] = 1
    maps[0, 10:20, 20:27] = maps[0, 10, 27] = 1
    maps[1] = maps[0].flip(1)
    assert maps[0].sum() == 2 * maps[0, 10:20, 20:28].sum()
    assert_equals_slow(maps, (60, 60), even(3))


@pytest.mark.parametrize(
    "map_hw",
    [
        torch.full((4, 4), 0.3),
        torch.zeros(4, 4),
        torch.eye(4) * torch.nan,
        torch.eye(4).masked_fill(torch.eye(4) > 0, torch.inf),
        -torch.eye(4) - 1,  # nothing above zero
    ],
)
def test_maps_that_show_nothing(map_hw: Tensor) -> None:
    truth, counts = torch.tensor([[[0.0, 0.0, 8.0, 8.0]]]), torch.tensor([1])
    for ious in sweep_iou(map_hw[None], (8, 8), even(5), truth, counts):
        assert ious.tolist() == [[0.0] * 5]
    assert not sweep_boxes(map_hw[None], (8, 8), even(5)).any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_any_precision(dtype: torch.dtype) -> None:
    assert_equals_slow(generated_maps(2, (7, 7), 0.1).to(dtype), (64, 64), even(30))


def test_equals_largest_component_above() -> None:
    maps = generated_maps(20, (14, 14), 0.1)
    boxes = sweep_boxes(maps, (224, 224), torch.tensor([0.2, 0.5]))
    for number, threshold in enumerate((0.2, 0.5)):
        expected = largest_component_above(maps, (224, 224), threshold)
        assert torch.equal(boxes[:, number], expected.boxes_N4)


def test_only_what_is_asked_for_and_no_image() -> None:
    maps, truth, counts = (
        generated_maps(2, (5, 5), 0.1),
        TRUTH.expand(2, -1, -1),
        torch.tensor([3, 0]),
    )
    both = sweep_iou(maps, (30, 40), even(7), truth, counts)
    assert both.largest_NT[0].any()
    assert not both.largest_NT[1].any()
    first = sweep_iou(maps, (30, 40), even(7), truth, counts, every=False)
    second = sweep_iou(maps, (30, 40), even(7), truth, counts, largest=False)
    assert torch.equal(first.largest_NT, both.largest_NT)
    assert torch.equal(second.any_NT, both.any_NT)
    assert first.any_NT.shape == second.largest_NT.shape == (2, 0)
    for ious in sweep_iou(maps[:0], (30, 40), even(7), truth[:0], counts[:0]):
        assert ious.shape == (0, 7)
    assert sweep_boxes(maps[:0], (30, 40), even(7)).shape == (0, 7, 4)


MAPS, COUNTS = torch.rand(2, 5, 5), torch.ones(2, dtype=torch.int64)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"maps_Nhw": MAPS[0]}, r"maps must be floats \(N, h, w\).*got \(5, 5\)"),
        ({"maps_Nhw": MAPS.long()}, "got .* of torch.int64"),
        ({"maps_Nhw": MAPS[:, :0]}, r"h and w at least 1; got \(2, 0, 5\)"),
        ({"size": (0, 5)}, r"size must be height and width.*got \(0, 5\)"),
        ({"thresholds_T": torch.zeros(0)}, r"thresholds must be \(T,\), 1 to 32767.*got \(0,\)"),
        ({"thresholds_T": torch.zeros(40_000)}, r"got \(40000,\)"),
        ({"thresholds_T": torch.tensor([0.2, 0.1])}, "must be ascending; got .*0.2000, 0.1000"),
        ({"thresholds_T": torch.tensor([0.2, torch.nan])}, "must be ascending"),
        ({"thresholds_T": torch.tensor([-0.2, 0.1])}, r"must lie in \[0, 1\); got -0.2"),
        ({"thresholds_T": torch.tensor([0.2, 1.0])}, r"must lie in \[0, 1\); got 1.0"),
        ({"truth_NG4": TRUTH}, r"truth must be \(2, G, 4\); got \(1, 3, 4\)"),
        ({"counts_N": COUNTS[:1]}, r"counts must be \(2,\) whole numbers; got \(1,\)"),
        ({"counts_N": COUNTS.float()}, "whole numbers; got .* of torch.float32"),
        ({"counts_N": COUNTS * 4}, r"counts must be 0\.\.3, .* got 4\.\.4"),
        ({"normalise": "sum"}, "normalise must be one of max, minmax; got 'sum'"),
        ({"interpolation": "nearest"}, "interpolation must be one of .*; got 'nearest'"),
        ({"connectivity": 6}, "connectivity must be 4 or 8; got 6"),
    ],
)
def test_wrong_input_is_named(changed: dict[str, Any], message: str) -> None:
    given = {
        "maps_Nhw": MAPS,
        "size": (20, 20),
        "thresholds_T": even(3),
        "truth_NG4": TRUTH.expand(2, -1, -1),
        "counts_N": COUNTS,
    }
    with pytest.raises(ValueError, match=message):
        sweep_iou(**{**given, **changed})


@pytest.mark.slow
def test_tens_of_thousands_of_masks() -> None:
    for seed in range(200):
        shape = tuple(np.random.default_rng(seed).integers(2, 40, 2))
        masks = torch.from_numpy(random_masks(24, shape, seed)).float()
        maps = torch.cumsum(masks.view(6, 4, *shape), 1).flatten(0, 1) + masks / 8
        assert_equals_slow(maps, shape, even(10), connectivity=4 + 4 * (seed % 2))


@pytest.mark.slow
def test_full_size_and_a_thousand_thresholds() -> None:
    for noise in (0.05, 1):
        assert_equals_slow(
            generated_maps(2, (14, 14), noise), (224, 224), even(1000), normalise="minmax"
        )
        assert_equals_slow(generated_maps(1, (224, 224), noise), (224, 224), even(100))
