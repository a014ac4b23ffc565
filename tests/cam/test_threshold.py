import math

import numpy as np
import pytest
import torch
from masks import generated_maps

from gapcam.cam.threshold import above, check_threshold, level, usable_maps

nan, inf = math.nan, math.inf


@pytest.mark.parametrize(
    ("values", "is_kept"),
    [
        ([0.0, 0.0], False),
        ([0.1, 0.1], False),
        ([nan, 1.0], False),
        ([nan, nan], False),
        ([inf, 1.0], False),
        ([-inf, inf], False),
        ([-2.0, -1.0], True),
        ([0.0, 1e-45], True),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_maps_without_information_become_zero(
    values: list[float], is_kept: bool, dtype: torch.dtype
) -> None:
    maps = torch.tensor([[values], [[0.0, 1.0]]], dtype=dtype)
    found = usable_maps(maps)
    assert found.dtype == dtype
    assert torch.equal(found[0], maps[0] if is_kept else torch.zeros_like(maps[0]))
    assert torch.equal(found[1], maps[1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_quarter_of_the_largest_float_is_kept(dtype: torch.dtype) -> None:
    quarter = torch.tensor(torch.finfo(dtype).max, dtype=dtype) / 4
    maps = torch.stack([quarter, -quarter, 1.01 * quarter]).view(3, 1, 1) * torch.eye(2)
    assert torch.equal(usable_maps(maps), maps * torch.tensor([1, 1, 0]).view(3, 1, 1))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_single(dtype: torch.dtype) -> None:
    maps = torch.rand(2, 3, 3).to(dtype)
    assert torch.equal(usable_maps(maps), maps.float())


@pytest.mark.parametrize(
    ("low", "high", "threshold", "normalise", "expected"),
    [
        (0.0, 0.0, 0.2, "max", inf),
        (-2.0, -1.0, 0.2, "max", inf),
        (-2.0, -2.0, 0.0, "minmax", inf),
        (-2.0, 10.0, 0.5, "max", 5.0),
        (-2.0, 10.0, 0.5, "minmax", 4.0),
        (-2.0, 10.0, 0.0, "minmax", -2.0),
    ],
)
def test_level(low: float, high: float, threshold: float, normalise: str, expected: float) -> None:
    found = level(torch.tensor([low]), torch.tensor([high]), threshold, normalise)
    assert found.tolist() == [expected]


@pytest.mark.parametrize("percentile", [1.0, 37.5, 90.0, 99.9, 100.0])
@pytest.mark.parametrize("normalise", ["max", "minmax"])
def test_percentile_is_numpys(normalise: str, percentile: float) -> None:
    values = generated_maps(5, (14, 9), 0.2).double()
    masks = above(values, 0.3, normalise, percentile)
    for grid, mask in zip(values.numpy(), masks.numpy(), strict=True):
        low = 0.0 if normalise == "max" else grid.min()
        high = np.percentile(grid, percentile)
        expected = grid > low + 0.3 * (high - low) if high > low else np.zeros_like(mask)
        assert (mask == expected).all()


def test_percentile_of_one_pixel_is_the_pixel() -> None:
    assert above(torch.tensor([[[2.0]]]), 0.5, "max", 90).tolist() == [[[True]]]


@pytest.mark.parametrize(
    ("threshold", "normalise", "message"),
    [
        (1, "max", r"threshold must lie in \[0, 1\); got 1"),
        (nan, "max", r"threshold must lie in \[0, 1\); got nan"),
        (0.2, "softmax", "normalise must be one of max, minmax; got 'softmax'"),
    ],
)
def test_wrong_settings_are_named(threshold: float, normalise: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_threshold(threshold, normalise)


@pytest.mark.parametrize("maps", [torch.zeros(2, 2), torch.zeros(1, 2, 2).int()])
def test_wrong_maps_are_named(maps: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"maps must be floats \(N, h, w\); got"):
        usable_maps(maps)
