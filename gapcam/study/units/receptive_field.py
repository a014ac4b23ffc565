"""What a unit sees: in theory, by the layers before it, and in truth, by what disturbs it."""

from collections.abc import Sequence
from itertools import chain
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator
from torch import nn

from gapcam.arch.gap_module import GAPModule
from gapcam.arch.layers import Branches
from gapcam.cam.views import Size

Field = NDArray[np.float32]
"""Importance of pixels by their offset from a unit's cell, `(2 * H - 1, 2 * W - 1)`: offset
`(y, x)` stands at `[H - 1 + y, W - 1 + x]`."""

_POINTWISE = (nn.ReLU, nn.BatchNorm2d, nn.Dropout, nn.Identity, nn.LocalResponseNorm)


class Cells(NamedTuple):
    """Where the cells of a map lie in a picture, in pixels; the first pixel's centre is 0.

    `first` is the centre of the first cell, `step` the way to the next one, both down and across.
    `reach` is the side of the square that a cell can depend on (its theoretical receptive field);
    None where the layers do not tell.
    """

    first: tuple[float, float]
    step: tuple[float, float]
    reach: int | None

    def centre(self, row: int, column: int) -> tuple[float, float]:
        """Centre of a cell, down and across."""
        return self.first[0] + row * self.step[0], self.first[1] + column * self.step[1]


def cells_of(network: GAPModule, resolution: Size) -> Cells:
    """Cells of the maps that a network pools.

    Layers that follow each other, and side by side in blocks of this package, tell exactly; of any
    other network the cells are taken to divide the picture evenly.

    Args:
        network: its trunk and added layers.
        resolution: height and width of its maps.
    """
    layers = _in_a_row(nn.ModuleList([network.trunk, network.added]))
    if layers is None:
        down, across = (side / count for side, count in zip(network.size, resolution, strict=True))
        return Cells(((down - 1) / 2, (across - 1) / 2), (down, across), None)
    first, step, reach = 0.0, 1, 1
    for kernel, stride, padding in layers:
        first += step * ((kernel - 1) / 2 - padding)
        reach += step * (kernel - 1)
        step *= stride
    return Cells((first, first), (step, step), reach)


def average_field(
    maps: Sequence[NDArray[np.float32]],
    centres: Sequence[tuple[float, float]],
    rows: NDArray[np.floating],
    columns: NDArray[np.floating],
    size: Size,
) -> Field:
    """The receptive field of a unit: the average of discrepancy maps, each centred at its cell.

    At each offset those maps are averaged whose pictures have a pixel there; 0 where none has.

    Args:
        maps: `(R, C)` each, of some pictures.
        centres: of the unit's cell in each of them, in pixels.
        rows: pixels that the rows of the maps stand at, `(R,)`, R > 1.
        columns: likewise, `(C,)`, C > 1.
        size: height and width of the pictures.
    """
    height, width = size
    total = np.zeros((2 * height - 1, 2 * width - 1))
    count = np.zeros_like(total)
    for values, centre in zip(maps, centres, strict=True):
        places = [
            np.arange(1 - side, side) + middle for side, middle in zip(size, centre, strict=True)
        ]
        # A patch's centre stays off the border by half a patch; pixels there have the nearest's.
        near = [p.clip(grid[0], grid[-1]) for p, grid in zip(places, (rows, columns), strict=True)]
        is_inside = np.logical_and.outer(
            *((p >= -0.5) & (p < side - 0.5) for p, side in zip(places, size, strict=True))
        )
        at = RegularGridInterpolator((rows, columns), values)(
            tuple(np.meshgrid(*near, indexing="ij"))
        )
        total += np.where(is_inside, at, 0)
        count += is_inside
    return (total / np.maximum(count, 1)).astype(np.float32)


def field_size(field: Field) -> float:
    """Side of a square as large as the area above half of the field's maximum, in pixels."""
    return sqrt(np.count_nonzero(field > field.max() / 2))


def _in_a_row(module: nn.Module) -> list[tuple[int, int, int]] | None:
    """Kernel, stride and padding of layers, in order; None if some module is none of those."""
    if isinstance(module, nn.Sequential | nn.ModuleList):
        parts = [_in_a_row(child) for child in module]
        known = [part for part in parts if part is not None]
        return list(chain(*known)) if len(known) == len(parts) else None
    if isinstance(module, nn.Conv2d | nn.MaxPool2d):
        kernel, stride, padding, dilation = (
            _side(value)
            for value in (module.kernel_size, module.stride, module.padding, module.dilation)
        )
        return [(dilation * (kernel - 1) + 1, stride, padding)]
    if isinstance(module, Branches):
        # Side by side, with stride 1 and kept resolution; of each branch one layer is the widest.
        kinds = nn.Conv2d | nn.MaxPool2d
        widest = max(_side(m.kernel_size) for m in module.children() if isinstance(m, kinds))
        return [(widest, 1, widest // 2)]
    return [] if isinstance(module, _POINTWISE) else None


def _side(value: object) -> int:
    return int(value[0]) if isinstance(value, tuple) else int(value)  # type: ignore[call-overload]
