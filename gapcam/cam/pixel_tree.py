"""The tree of any map, pixel by pixel from the brightest down.

Each pixel joins the components of those neighbours that are already there. What a map looks like
hardly changes the time.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapcam.cam.compiled import compiled
from gapcam.cam.tree_nodes import by_falling_level
from gapcam.cam.union_find import root

Array = NDArray[Any]


@compiled
def pixel_tree(levels_HW: Array, weights_HW: Array, levels: int, reach: int, nodes: Array) -> int:
    """List the nodes of a map's tree into `nodes`; return their number.

    Args:
        levels_HW: uint16 levels; 0 is above no threshold.
        weights_HW: uint8, what each pixel adds to an area.
        levels: how many levels there are above 0.
        reach: 1 if diagonal neighbours touch, 0 if not.
        nodes: room for as many nodes as there are pixels.
    """
    height, width = levels_HW.shape
    row = width + 2  # a border that is never there saves asking where the map ends
    parents = np.full((height + 2) * row, -1, np.int32)  # -1: not there yet
    node_of = np.empty((height + 2) * row, np.int32)
    steps = np.array([-1, 1, -row, row, -row - 1, -row + 1, row - 1, row + 1])
    steps = steps[: 4 + 4 * reach]
    order = np.empty(height * width, np.int32)
    present = by_falling_level(levels_HW.reshape(-1), levels, order)
    count: Any = np.int64(0)  # Numba would compile what it is passed to twice for a plain 0
    for pixel in order[:present]:
        y, x = pixel // width, pixel % width
        here = (y + 1) * row + x + 1
        level = levels_HW[y, x]
        parents[here] = here
        home = here
        for step in steps:
            if parents[here + step] < 0:
                continue
            other = root(parents, here + step)
            if home == here:
                home = other
                parents[here] = home
                count = _open(home, level, node_of, nodes, count)
            elif other != home:
                parents[other] = home
                _join(nodes[node_of[home]], nodes[node_of[other]], level)
        if home == here:
            count = _begin(here, x, y, pixel, level, node_of, nodes, count)
        _grow(nodes[node_of[home]], x, y, pixel, weights_HW[y, x])
    return int(count)


@compiled
def _open(home: int, level: int, node_of: Array, nodes: Array, count: int) -> int:
    """See to it that the component has a node at this level, which may grow."""
    node = nodes[node_of[home]]
    if node.top == level:
        return count
    node.bottom = level + 1
    nodes[count] = node
    nodes[count].top = level
    nodes[count].bottom = 1
    node_of[home] = count
    return count + 1


@compiled
def _begin(
    here: int, x: int, y: int, pixel: int, level: int, node_of: Array, nodes: Array, count: int
) -> int:
    node = nodes[count]
    node.x0 = node.x1 = x
    node.y0 = node.y1 = y
    node.area = 0
    node.first = pixel
    node.top = level
    node.bottom = 1
    node_of[here] = count
    return count + 1


@compiled
def _join(node: Any, other: Any, level: int) -> None:
    node.x0, node.x1 = min(node.x0, other.x0), max(node.x1, other.x1)
    node.y0, node.y1 = min(node.y0, other.y0), max(node.y1, other.y1)
    node.first = min(node.first, other.first)
    node.area += other.area
    other.bottom = level + 1


@compiled
def _grow(node: Any, x: int, y: int, pixel: int, weight: int) -> None:
    node.x0, node.x1 = min(node.x0, x), max(node.x1, x)
    node.y0, node.y1 = min(node.y0, y), max(node.y1, y)
    node.first = min(node.first, pixel)
    node.area += weight
