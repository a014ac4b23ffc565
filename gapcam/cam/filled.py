"""What OpenCV's contours measure, for all masks at once: areas with holes filled.

A contour runs through the centres of a region's outermost pixels, and `cv2.contourArea` is the area
of that polygon: holes count as filled. Filling the holes of every mask of a map is the same as
filling the map: a hole holds water up to the lowest level at which it drains to the border. The
polygon's area then is the region's area in windows of 2x2 pixels: 1 where all four belong to
it, 1/2 where three do.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapcam.cam.compiled import compiled
from gapcam.cam.hills import find_basins, find_hills, find_passes

Array = NDArray[Any]


@compiled
def fill_holes(values_HW: Array, reach: int) -> None:
    """Raise what lies lower than every way to the border to the lowest way.

    The basins of the negative are the map's hollows. A hollow drains over the lowest pixel of the
    border that it holds, or over a pass into another that drains.
    """
    height, width = values_HW.shape
    depths_HW = np.empty((height, width), values_HW.dtype)
    for y in range(height):
        for x in range(width):
            depths_HW[y, x] = -values_HW[y, x]
    row_ends = np.empty(height + 1, np.int32)
    hills = find_hills(depths_HW, row_ends)
    every_HW = np.ones((height, width), np.uint16)
    drains = np.full(find_basins(depths_HW, every_HW, reach, row_ends, hills), -np.inf)
    _drain_border(depths_HW, row_ends, hills, drains)
    _run_off(find_passes(depths_HW, reach, row_ends, hills), drains)
    for y in range(height):
        for hill in range(row_ends[y], row_ends[y + 1]):
            level = -drains[hills[hill].basin]
            values = values_HW[y, hills[hill].start : hills[hill].end]
            for x in range(len(values)):
                values[x] = max(values[x], level)


@compiled
def _drain_border(depths_HW: Array, row_ends: Array, hills: Array, drains: Array) -> None:
    height, width = depths_HW.shape
    for y in range(height):
        is_border_row = y == 0 or y == height - 1
        for hill in range(row_ends[y], row_ends[y + 1]):
            basin, start, end = hills[hill].basin, hills[hill].start, hills[hill].end
            for x in range(start, end if is_border_row else min(end, 1)):
                drains[basin] = max(drains[basin], depths_HW[y, x])
            if end == width:
                drains[basin] = max(drains[basin], depths_HW[y, width - 1])


@compiled
def _run_off(passes: Array, drains: Array) -> None:
    """Let water run over passes, forth and back through their list, until nothing moves."""
    is_moving = True
    while is_moving:
        is_moving = False
        for turn in range(2 * len(passes)):
            the_pass = passes[min(turn, 2 * len(passes) - 1 - turn)]
            one, other = the_pass.one, the_pass.other
            level = min(max(drains[one], drains[other]), the_pass.height)
            if drains[one] < level or drains[other] < level:
                drains[one], drains[other] = max(drains[one], level), max(drains[other], level)
                is_moving = True


@compiled
def count_half_windows(values_HW: Array, halves_HW: Array) -> None:
    """How many half windows each pixel completes when pixels come from the highest down.

    The third pixel of a window gives a half, the fourth another. So a pixel counts each of the four
    windows around it of whose other three pixels two or more are higher.
    """
    height, width = values_HW.shape
    framed = np.full((height + 2, width + 2), -np.inf, values_HW.dtype)
    for y in range(height):
        for x in range(width):  # Numba compiles loops faster than slices
            framed[y + 1, x + 1] = values_HW[y, x]
    for y in range(height):
        above, row, below = framed[y], framed[y + 1], framed[y + 2]
        halves = halves_HW[y]
        for x in range(width):
            value = row[x + 1]
            west, east = row[x] > value, row[x + 2] >= value
            north, south = above[x + 1] > value, below[x + 1] >= value
            halves[x] = (
                _two_of(west, above[x] > value, north)
                + _two_of(north, above[x + 2] > value, east)
                + _two_of(east, below[x + 2] >= value, south)
                + _two_of(south, below[x] >= value, west)
            )


@compiled
def _two_of(one: bool, two: bool, three: bool) -> int:
    return np.uint8((one & two) | (three & (one | two)))  # type: ignore[return-value]
