"""Hills, basins and passes: the large pieces that a smooth map consists of.

A hill is a stretch of a row that rises to one peak and falls again; a smooth map has a few in a
row. Where a peak touches a higher pixel of the row above or below, it is only the flank of a hill
there. So hills chain up to the map's summits, and all hills below one summit are its basin: from
any pixel of a basin a path that never descends leads to the summit. Two basins meet at passes. The
components of all masks follow from basins and passes, with no need to look at pixels one by one.

Of two pixels with equal values the later one in raster order is the higher.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapcam.cam.compiled import compiled
from gapcam.cam.union_find import root

Array = NDArray[Any]

HILL = np.dtype(
    [
        *(("start", np.int32), ("peak", np.int32), ("end", np.int32)),  # columns; end: one past it
        ("uphill", np.int32),  # a higher hill that the peak touches, or itself; -1: does not count
        ("basin", np.int32),  # -1: does not count
    ]
)
PASS = np.dtype([("one", np.int32), ("other", np.int32), ("height", np.float64)])

_EIGHT_RISES = np.uint64(0x0101010101010101)


@compiled
def find_hills(values_HW: Array, row_ends: Array) -> Array:
    """List the hills row by row; `row_ends` `(H+1,)` becomes the number of hills above each row."""
    height, width = values_HW.shape
    hills = np.empty(height * (width // 2 + 1), HILL)
    turns = np.empty(width + 1, np.int32)
    rises = np.zeros(width // 8 * 8 + 8, np.uint8)  # a row begins rising and ends falling
    rises[0] = 1
    eights = rises.view(np.uint64)
    count = 0
    for y in range(height):
        row_ends[y] = count
        found = _find_turns(values_HW[y], rises, eights, turns)
        turns[found] = width
        start = 0
        for turn in range(0, found, 2):
            hills[count].start = start
            hills[count].peak = turns[turn] - 1
            hills[count].end = start = turns[turn + 1]
            count += 1
    row_ends[height] = count
    return hills[:count]


@compiled
def _find_turns(values: Array, rises: Array, eights: Array, turns: Array) -> int:
    """List where a row begins to fall, to rise, to fall, ...; return how many turns there are."""
    for x in range(1, len(values)):
        rises[x] = values[x] >= values[x - 1]
    count = 0
    is_rising = rises[0]
    for eight in range(len(eights)):
        if eights[eight] == is_rising * _EIGHT_RISES:  # most, on a smooth map
            continue
        for x in range(8 * eight, 8 * eight + 8):
            turns[count] = x  # stays if this is a turn; a branch would be guessed wrong too often
            count += rises[x] ^ is_rising
            is_rising = rises[x]
    return count


@compiled
def find_basins(
    values_HW: Array, counts_HW: Array, reach: int, row_ends: Array, hills: Array
) -> int:
    """Fill in `uphill` and `basin`; return the number of basins.

    A hill does not count if `counts_HW` is 0 at its peak. `reach` is 1 if diagonal neighbours
    touch, 0 if not.
    """
    uphill = np.empty(len(hills), np.int64)
    for y in range(values_HW.shape[0]):
        for hill in range(row_ends[y], row_ends[y + 1]):
            uphill[hill] = -1
            if counts_HW[y, hills[hill].peak] > 0:
                uphill[hill] = _uphill(values_HW, y, hill, reach, row_ends, hills)
    count = 0
    for hill in range(len(hills)):
        hills[hill].uphill = uphill[hill]
        hills[hill].basin = -1
        if uphill[hill] == hill:
            hills[hill].basin = count
            count += 1
    for hill in range(len(hills)):
        if uphill[hill] >= 0:
            hills[hill].basin = hills[root(uphill, hill)].basin
    return count


@compiled
def _uphill(values_HW: Array, y: int, hill: int, reach: int, row_ends: Array, hills: Array) -> int:
    peak = hills[hill].peak
    height = values_HW[y, peak]
    for x in range(max(peak - reach, 0), min(peak + reach + 1, values_HW.shape[1])):
        if y > 0 and values_HW[y - 1, x] > height:
            return _hill_at(row_ends[y - 1], x, hills)
        if y + 1 < values_HW.shape[0] and values_HW[y + 1, x] >= height:
            return _hill_at(row_ends[y + 1], x, hills)
    return hill


@compiled
def _hill_at(hill: int, x: int, hills: Array) -> int:
    while hills[hill].end <= x:
        hill += 1
    return hill


@compiled
def find_passes(heights_HW: Array, reach: int, row_ends: Array, hills: Array) -> Array:
    """List where hills of different basins touch, each time with the highest way across."""
    # Rows of m and n hills touch in less than m + n + min(m, n) places.
    passes = np.empty(4 * len(hills), PASS)
    count: Any = np.int64(0)  # Numba would compile what it is passed to twice for a plain 0
    for y in range(heights_HW.shape[0]):
        below = row_ends[y + 1]
        end_below = row_ends[min(y + 2, heights_HW.shape[0])]
        for hill in range(row_ends[y], row_ends[y + 1]):
            start, end = hills[hill].start, hills[hill].end
            if hill + 1 < row_ends[y + 1] and _differ(hill, hill + 1, hills):
                _set(passes, count, hill, hill + 1, hills)
                passes[count].height = min(heights_HW[y, end - 1], heights_HW[y, end])
                count += 1
            while below < end_below and hills[below].end + reach <= start:
                below += 1
            other = below
            while other < end_below and hills[other].start < end + reach:
                if _differ(hill, other, hills):
                    _set(passes, count, hill, other, hills)
                    passes[count].height = _highest_step(
                        heights_HW, y, start, end, hills[other].start, hills[other].end, reach
                    )
                    count += 1
                other += 1
    return passes[:count]


@compiled
def _differ(one: int, other: int, hills: Array) -> bool:
    basin, other_basin = hills[one].basin, hills[other].basin
    return bool(basin != other_basin and basin >= 0 and other_basin >= 0)


@compiled
def _set(passes: Array, number: int, one: int, other: int, hills: Array) -> None:
    passes[number].one = hills[one].basin
    passes[number].other = hills[other].basin


@compiled
def _highest_step(
    heights_HW: Array, y: int, start: int, end: int, start_below: int, end_below: int, reach: int
) -> Any:
    """The lower pixel of the best step from a stretch of row y to one of the row below."""
    first = max(start, start_below - reach)
    best = min(heights_HW[y, first], heights_HW[y + 1, max(start_below, first - reach)])
    for x in range(first, min(end, end_below + reach)):
        for step in range(max(start_below, x - reach), min(end_below, x + reach + 1)):
            best = max(best, min(heights_HW[y, x], heights_HW[y + 1, step]))
    return best
