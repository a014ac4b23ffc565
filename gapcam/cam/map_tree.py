"""The tree of a map, by the way that is fast for it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapcam.cam.compiled import compiled
from gapcam.cam.merge_tree import merge_tree
from gapcam.cam.pixel_tree import pixel_tree
from gapcam.cam.tree_nodes import find_largest

Array = NDArray[Any]


@compiled
def list_nodes(
    values_HW: Array,
    levels_HW: Array,
    weights_HW: Array,
    levels: int,
    reach: int,
    by_pixels: bool,
    nodes: Array,
) -> int:
    """List the nodes of a map's tree; return their number. For arguments see `merge_tree`.

    `by_pixels` asks for the way that knows the first pixel of each component.
    """
    count = -1
    if not by_pixels:
        count = merge_tree(values_HW, levels_HW, weights_HW, levels, reach, nodes)
    if count < 0:
        count = pixel_tree(levels_HW, weights_HW, levels, reach, nodes)
    return count


@compiled
def list_with_largest(
    values_HW: Array,
    levels_HW: Array,
    weights_HW: Array,
    reach: int,
    is_first_better: bool,
    nodes: Array,
    boxes_T4: Array,
) -> int:
    """List the nodes of a map's tree; fill in the largest one's half-open box at each level."""
    largest_T = np.empty(len(boxes_T4), np.int32)
    count = 0
    for by_pixels in (False, True):
        count = list_nodes(values_HW, levels_HW, weights_HW, len(boxes_T4), reach, by_pixels, nodes)
        if find_largest(nodes, count, is_first_better, largest_T):
            break
    for level in range(len(boxes_T4)):
        if largest_T[level] >= 0:
            node, box_4 = nodes[largest_T[level]], boxes_T4[level]
            box_4[0], box_4[1], box_4[2], box_4[3] = node.x0, node.y0, node.x1 + 1, node.y1 + 1
    return count
