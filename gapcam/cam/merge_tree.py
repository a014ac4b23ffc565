"""The tree of a smooth map, from its basins and passes: see `gapcam.cam.hills`.

Per basin we count its pixels at each level, and note the highest level in each column and row.
Going down, basins unite at the highest pass between them, and their counts and heights unite. Until
then each grows by itself: its area by the counts, its box column by column and row by row, because
a connected region leaves no column out between its first and last.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gapcam.cam.compiled import compiled
from gapcam.cam.hills import find_basins, find_hills, find_passes
from gapcam.cam.tree_nodes import NODE, by_falling_level
from gapcam.cam.union_find import root

Array = NDArray[Any]

PIXELS_PER_HILL = 6
"""With smaller hills pixel by pixel is faster."""
MOST_COUNTS = 2**21
"""Of all basins at all levels: 8 MB."""


class Basins(NamedTuple):
    """What is known of B basins. A basin that others joined stands for all of them.

    `areas` `(B, T+1)`: weight of the pixels at each level; `columns` `(B, W)`, `rows` `(B, H)`: the
    highest level there; `regions` `(B,)`: nodes that stand for the basin as far down as it was
    looked at.
    """

    areas: Array
    columns: Array
    rows: Array
    regions: Array


@compiled
def merge_tree(
    values_HW: Array, levels_HW: Array, weights_HW: Array, levels: int, reach: int, nodes: Array
) -> int:
    """List the nodes of a map's tree into `nodes`; return their number.

    Args:
        values_HW: the map; says which of two pixels of equal level is higher.
        levels_HW: uint16 levels, which never fall where values rise; 0 is above no threshold.
        weights_HW: uint8, what each pixel adds to an area.
        levels: how many levels there are above 0.
        reach: 1 if diagonal neighbours touch, 0 if not.
        nodes: room for as many nodes as there are pixels.

    Returns:
        The number of nodes, or -1 if the map is so rugged that `pixel_tree` is better.
        `first` is not known of any node.
    """
    height, width = levels_HW.shape
    row_ends = np.empty(height + 1, np.int32)
    hills = find_hills(values_HW, row_ends)
    if PIXELS_PER_HILL * len(hills) > levels_HW.size:
        return -1
    count = find_basins(values_HW, levels_HW, reach, row_ends, hills)
    if count * (levels + 1) > MOST_COUNTS:
        return -1
    basins = Basins(
        np.zeros((count, levels + 1), np.int32),
        np.zeros((count, width), np.uint16),
        np.zeros((count, height), np.uint16),
        np.empty(count, NODE),
    )
    _describe(levels_HW, weights_HW, row_ends, hills, basins)
    passes = find_passes(levels_HW, reach, row_ends, hills)
    return _unite(passes, levels, basins, nodes)


@compiled
def _describe(
    levels_HW: Array, weights_HW: Array, row_ends: Array, hills: Array, basins: Basins
) -> None:
    for y in range(levels_HW.shape[0]):
        for number in range(row_ends[y], row_ends[y + 1]):
            hill = hills[number]
            basin = hill.basin
            if basin < 0:
                continue
            levels = levels_HW[y, hill.start : hill.end]
            _count(levels, weights_HW[y, hill.start : hill.end], basins.areas[basin])
            _raise(basins.columns[basin, hill.start : hill.end], levels)
            top = levels_HW[y, hill.peak]
            basins.rows[basin, y] = max(basins.rows[basin, y], top)
            if hill.uphill == number:  # the summit
                region = basins.regions[basin]
                region.x0 = region.x1 = hill.peak
                region.y0 = region.y1 = y
                region.area = 0
                region.first = -1
                region.bottom = top + 1


@compiled
def _count(levels: Array, weights: Array, areas: Array) -> None:
    for x in range(len(levels)):
        areas[levels[x]] += weights[x]


@compiled
def _raise(profile: Array, levels: Array) -> None:
    for x in range(len(profile)):
        profile[x] = max(profile[x], levels[x])


@compiled
def _unite(passes: Array, levels: int, basins: Basins, nodes: Array) -> int:
    heights = passes["height"].astype(np.int64)
    order = np.empty(len(passes), np.int64)
    found = by_falling_level(heights, levels, order)
    parents = np.arange(len(basins.regions))
    # Numba would compile what they are passed to twice for plain numbers.
    count: Any = np.int64(0)
    lowest: Any = np.int64(1)
    for number in range(found):
        crossing = passes[order[number]]
        level = heights[order[number]]
        one, other = root(parents, crossing.one), root(parents, crossing.other)
        if one == other:
            continue
        count = _descend(one, level + 1, basins, nodes, count)
        count = _descend(other, level + 1, basins, nodes, count)
        parents[other] = one
        basins.regions[one].area += basins.regions[other].area
        _add(basins.areas[one, : level + 1], basins.areas[other])
        _raise(basins.columns[one], basins.columns[other])
        _raise(basins.rows[one], basins.rows[other])
    for basin in range(len(parents)):
        if parents[basin] == basin:
            count = _descend(basin, lowest, basins, nodes, count)
    return int(count)


@compiled
def _add(areas: Array, others: Array) -> None:
    for level in range(len(areas)):
        areas[level] += others[level]


@compiled
def _descend(basin: int, bottom: int, basins: Basins, nodes: Array, count: int) -> int:
    """Append the nodes of a region from the level last looked at down to `bottom`."""
    areas, columns, rows = basins.areas[basin], basins.columns[basin], basins.rows[basin]
    region = basins.regions[basin]
    top = region.bottom - 1
    for level in range(top, bottom - 1, -1):
        has_grown = level == top or areas[level] > 0
        region.area += areas[level]
        while region.x0 > 0 and columns[region.x0 - 1] >= level:
            region.x0 -= 1
            has_grown = True
        while region.x1 + 1 < len(columns) and columns[region.x1 + 1] >= level:
            region.x1 += 1
            has_grown = True
        while region.y0 > 0 and rows[region.y0 - 1] >= level:
            region.y0 -= 1
            has_grown = True
        while region.y1 + 1 < len(rows) and rows[region.y1 + 1] >= level:
            region.y1 += 1
            has_grown = True
        if has_grown:
            nodes[count] = region
            nodes[count].top = level
            count += 1
        nodes[count - 1].bottom = level
    region.bottom = min(region.bottom, bottom)
    return count
