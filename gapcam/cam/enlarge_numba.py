"""Enlarging one map at a time in compiled code, the same to the last bit as `gapcam.cam.enlarge`.

What is enlarged stays in a thread's own buffer, hot in its cache, and never travels.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gapcam.cam.compiled import compiled
from gapcam.cam.enlarge import taps

Array = NDArray[Any]


class Side(NamedTuple):
    """Cells and weights `(k, n)` of the n pixels along one side, as `gapcam.cam.enlarge.Taps`."""

    cells: Array
    weights: Array


class Enlarging(NamedTuple):
    """How maps `(h, w)` become `(H, W)`."""

    across: Side
    down: Side


def enlarging(maps_Nhw: Array, size: tuple[int, int], interpolation: str) -> Enlarging:
    """Prepare to enlarge maps to `size` (height, width), in the maps' precision."""

    def side(count: int, pixels: int) -> Side:
        found = taps(count, pixels, interpolation)
        cells = found.cells.numpy().astype(np.uintp)
        return Side(cells, found.weights.numpy().astype(maps_Nhw.dtype))

    return Enlarging(side(maps_Nhw.shape[2], size[1]), side(maps_Nhw.shape[1], size[0]))


@compiled
def enlarge_into(map_hw: Array, how: Enlarging, wide_hW: Array, large_HW: Array) -> None:
    """Enlarge across into `wide_hW`, then down into `large_HW`."""
    # Tap by tap, because a processor takes a row many pixels at once.
    cells, weights = how.across
    for y in range(wide_hW.shape[0]):
        source, row = map_hw[y], wide_hW[y]
        for x in range(len(row)):
            row[x] = source[cells[0, x]] * weights[0, x]
        for tap in range(1, len(cells)):
            for x in range(len(row)):
                row[x] += source[cells[tap, x]] * weights[tap, x]
    cells, weights = how.down
    for y in range(large_HW.shape[0]):
        row = large_HW[y]
        source, weight = wide_hW[cells[0, y]], weights[0, y]
        for x in range(len(row)):
            row[x] = source[x] * weight
        for tap in range(1, len(cells)):
            source, weight = wide_hW[cells[tap, y]], weights[tap, y]
            for x in range(len(row)):
                row[x] += source[x] * weight


@compiled
def value_range(values_HW: Array) -> tuple[float, float]:
    """Smallest and largest of finite values."""
    height, width = values_HW.shape
    lowest, highest = values_HW[0].copy(), values_HW[0].copy()
    for y in range(1, height, 2):
        row, next_row = values_HW[y], values_HW[min(y + 1, height - 1)]
        for x in range(width):  # columns apart: a processor takes a row many pixels at once
            lowest[x] = min(lowest[x], row[x], next_row[x])
            highest[x] = max(highest[x], row[x], next_row[x])
    low, high = lowest[0], highest[0]
    for x in range(1, width):
        low, high = min(low, lowest[x]), max(high, highest[x])
    return low, high
