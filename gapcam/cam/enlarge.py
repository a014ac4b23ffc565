"""Enlarging maps: one definition, the same to the last bit on every device and in every engine.

An enlarged pixel is a weighted sum of a few cells in each direction, first across, then down, each
sum from left to right and without fused multiply-adds. `taps` says which cells with which weights;
all engines take it from here.
"""

from functools import lru_cache
from math import ceil
from typing import NamedTuple

import torch
from torch import Tensor

INTERPOLATIONS = ("bilinear", "cubic", "matlab")
"""`bilinear`: as `torch.nn.functional.interpolate`. `cubic`: as `cv2.resize` with `INTER_CUBIC`
(Keys' kernel with a = -0.75, edges repeated). `matlab`: as MATLAB's `imresize` (a = -0.5, edges
mirrored, wider where it shrinks). All align pixel areas, not corners."""


class Taps(NamedTuple):
    """Cells `(k, n)` int64 and weights `(k, n)` of the n enlarged pixels along one side."""

    cells: Tensor
    weights: Tensor


@lru_cache(maxsize=64)
def taps(cells: int, pixels: int, interpolation: str = "bilinear") -> Taps:
    """Which cells make up each pixel when a side of `cells` is resized to `pixels`.

    Returns:
        Taps on the CPU, with float32 weights (`matlab`: float64).

    Raises:
        ValueError: if a side is empty or the interpolation is unknown.
    """
    if cells < 1 or pixels < 1:
        raise ValueError(f"a side must have 1 cell or more; got {cells} cells to {pixels} pixels")
    check_interpolation(interpolation)
    make = {"bilinear": _bilinear, "cubic": _cubic, "matlab": _matlab}[interpolation]
    # They are kept, and may be asked for again outside of inference mode or on another device.
    with torch.inference_mode(False), torch.device("cpu"):
        return make(cells, pixels)


@lru_cache(maxsize=64)
def taps_for(
    cells: int, pixels: int, interpolation: str, dtype: torch.dtype, device: torch.device
) -> Taps:
    """The same on a device, with weights of the maps' precision.

    Copied there once: every copy to a GPU makes the host wait, and none may be made while a CUDA
    graph is captured.
    """
    near, weights = taps(cells, pixels, interpolation)
    with torch.inference_mode(False):
        return Taps(near.to(device), weights.to(dtype).to(device))


def check_interpolation(interpolation: str) -> None:
    """Raise a ValueError if there is no such interpolation."""
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"interpolation must be one of {', '.join(INTERPOLATIONS)}; got {interpolation!r}"
        )


def enlarge(maps: Tensor, size: tuple[int, int], interpolation: str = "bilinear") -> Tensor:
    """Resize maps to `size` (height, width).

    Args:
        maps: `(..., h, w)`, float32 or float64; the sums are made in that precision.
        size: height and width wanted, in pixels.
        interpolation: one of `INTERPOLATIONS`.

    Returns:
        `(..., height, width)`, of the same type.

    Example:
        >>> enlarge(torch.tensor([[0.0, 4.0]]), (1, 4))
        tensor([[0., 1., 3., 4.]])
    """
    height, width = maps.shape[-2:]
    across = taps_for(width, size[1], interpolation, maps.dtype, maps.device)
    down = taps_for(height, size[0], interpolation, maps.dtype, maps.device)
    return _weighted_sum(_weighted_sum(maps, across, -1), down, -2)


def _weighted_sum(maps: Tensor, side: Taps, dim: int) -> Tensor:
    weights = side.weights[..., None] if dim == -2 else side.weights
    total = maps.index_select(dim, side.cells[0]) * weights[0]
    for cells, weight in zip(side.cells[1:], weights[1:], strict=True):
        total = total + maps.index_select(dim, cells) * weight
    return total


def _bilinear(cells: int, pixels: int) -> Taps:
    scale = torch.tensor(cells, dtype=torch.float32) / pixels
    place = (scale * (torch.arange(pixels, dtype=torch.float32) + 0.5) - 0.5).clamp(min=0)
    low = place.long()
    # At the last cell nothing lies above; weights that almost add up to 1 would bend a flat edge.
    above = torch.where(low < cells - 1, (place - low).clamp(max=1), 0.0)
    return Taps(torch.stack([low, (low + 1).clamp(max=cells - 1)]), torch.stack([1 - above, above]))


def _cubic(cells: int, pixels: int) -> Taps:
    a = -0.75
    exact = (torch.arange(pixels, dtype=torch.float64) + 0.5) * (cells / pixels) - 0.5
    place = exact.float()
    low = place.floor().long()
    x = place - low
    # OpenCV's order of operations, in single precision.
    before = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a
    left = ((a + 2) * x - (a + 3)) * x * x + 1
    right = ((a + 2) * (1 - x) - (a + 3)) * (1 - x) * (1 - x) + 1
    after = 1 - before - left - right
    near = torch.stack([low - 1, low, low + 1, low + 2]).clamp(0, cells - 1)
    return Taps(near, torch.stack([before, left, right, after]))


def _matlab(cells: int, pixels: int) -> Taps:
    shrink = max(1.0, cells / pixels)  # widens the kernel against aliasing
    place = (torch.arange(pixels, dtype=torch.float64) + 0.5) * (cells / pixels) - 0.5
    count = ceil(4 * shrink) + 2
    first = (place - 2 * shrink).floor().long()
    near = first + torch.arange(count)[:, None]
    weights = _keys((place - near) / shrink)
    weights = weights / weights.sum(0)
    used = (weights != 0).any(1)
    mirrored = near.remainder(2 * cells)
    mirrored = torch.minimum(mirrored, 2 * cells - 1 - mirrored)
    return Taps(mirrored[used], weights[used])


def _keys(distance: Tensor) -> Tensor:
    """Keys' cubic kernel with a = -0.5."""
    x = distance.abs()
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x <= 1, near, torch.where(x <= 2, far, 0.0))
