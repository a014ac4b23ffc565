"""From values to levels: how many of the thresholds lie below each pixel.

The mask at threshold number i (from 0, ascending) is then `levels > i`, and all that follows works
with small whole numbers. Level 0 is above no threshold.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gapcam.cam.compiled import compiled
from gapcam.cam.enlarge_numba import Enlarging, enlarge_into, value_range
from gapcam.cam.tree_nodes import NODE

Array = NDArray[Any]


class Masks(NamedTuple):
    """How maps become masks.

    `thresholds_T`: in the maps' precision, ascending. `below_256`: how many of them lie below each
    grey of an 8-bit image; empty if values are not rounded. `is_minmax`: whether the range begins
    at a map's minimum, not at zero. `reach`: 1 if diagonal neighbours touch, 0 if not.
    """

    enlarging: Enlarging
    thresholds_T: Array
    below_256: Array
    is_minmax: bool
    reach: int


class MapRoom(NamedTuple):
    """Room for one map: enlarged across, enlarged, its levels, and the nodes of its tree."""

    wide_hW: Array
    values_HW: Array
    levels_HW: Array
    nodes: Array


@compiled
def room_for_map(maps_Nhw: Array, masks: Masks) -> MapRoom:
    """Room for one of the maps at a time."""
    height = masks.enlarging.down.cells.shape[1]
    width = masks.enlarging.across.cells.shape[1]
    return MapRoom(
        np.empty((maps_Nhw.shape[1], width), maps_Nhw.dtype),
        np.empty((height, width), maps_Nhw.dtype),
        np.empty((height, width), np.uint16),
        np.empty(height * width, NODE),
    )


@compiled
def cut(map_hw: Array, masks: Masks, room: MapRoom) -> tuple[float, float]:
    """Enlarge a map and find its levels; return the range that thresholds are fractions of.

    There are no levels if the range is empty, its end not above its beginning.
    """
    enlarge_into(map_hw, masks.enlarging, room.wide_hW, room.values_HW)
    low, high = value_range(room.values_HW)
    if not masks.is_minmax:
        low = room.values_HW.dtype.type(0)
    if high > low and len(masks.below_256) > 0:
        find_grey_levels(room.values_HW, low, high, masks.below_256, room.levels_HW)
    elif high > low:
        find_levels(room.values_HW, low, high, masks.thresholds_T, room.levels_HW)
    return low, high


@compiled
def find_levels(
    values_HW: Array, low: float, high: float, thresholds_T: Array, levels_HW: Array
) -> None:
    """Count the thresholds with `value > low + threshold * (high - low)`, in the values' precision.

    The range is cut into twice as many equal pieces as there are thresholds. A table says how many
    bounds lie in the pieces below a value's own piece; the bounds in it are compared one by one.
    Evenly spaced thresholds never have two in one piece.
    """
    count = len(thresholds_T)
    bounds = np.empty(count + 1, values_HW.dtype)
    for number in range(count):
        bounds[number] = low + thresholds_T[number] * (high - low)
    bounds[count] = np.inf
    first, zero, pieces = bounds[0], values_HW.dtype.type(0), values_HW.dtype.type(2 * count)
    scale = pieces / (bounds[count - 1] - first)
    if not np.isfinite(scale):
        scale = zero
    below = np.zeros(2 * count + 2, np.uint16)
    most = _count_below(bounds[:count], scale, pieces, below)
    for y in range(values_HW.shape[0]):
        values, levels = values_HW[y], levels_HW[y]
        for x in range(len(values)):  # by itself: many pixels at once
            levels[x] = np.int32(min(max((values[x] - first) * scale, zero), pieces))
        for x in range(len(values)):
            level = below[levels[x]]
            levels[x] = level + (values[x] > bounds[level])
        if most > 1:
            _count_on(values, bounds, levels)


@compiled
def _count_below(bounds: Array, scale: float, pieces: float, below: Array) -> int:
    """Count the bounds below each piece into `below`; return the most that lie in one piece."""
    for bound in bounds:
        below[np.int32(min(max((bound - bounds[0]) * scale, pieces - pieces), pieces)) + 1] += 1
    most = 0
    for piece in range(1, len(below)):
        most = max(most, below[piece])
        below[piece] += below[piece - 1]
    return most


@compiled
def _count_on(values: Array, bounds: Array, levels: Array) -> None:
    for x in range(len(values)):
        while values[x] > bounds[levels[x]]:
            levels[x] += 1


@compiled
def find_grey_levels(
    values_HW: Array, low: float, high: float, below_256: Array, levels_HW: Array
) -> None:
    """Count the thresholds below each pixel of an 8-bit image.

    A value's grey is `floor((value - low) / (high - low) * 255)`, or 0 if that is negative;
    `below_256` says how many thresholds lie below each grey.
    """
    zero, white = values_HW.dtype.type(0), values_HW.dtype.type(255)
    for y in range(values_HW.shape[0]):
        values, levels = values_HW[y], levels_HW[y]
        for x in range(len(values)):  # by itself: many pixels at once
            levels[x] = np.int32(max((values[x] - low) / (high - low) * white, zero))
        for x in range(len(values)):
            levels[x] = below_256[levels[x]]
