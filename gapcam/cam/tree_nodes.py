"""Components of all masks of a map at once: a tree, as a list of its nodes.

The masks at rising thresholds are nested, so their components form a tree: a component keeps its
pixels for some thresholds, grows, or joins others. A node is one component that is the same set of
pixels at all levels from `bottom` to `top` (`top < bottom`: at none). A component begins a new node
only where it gained pixels, so there are never more nodes than pixels, whatever the number of
thresholds. `pixel_tree` and `merge_tree` list the same nodes, in different orders.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapcam.cam.compiled import compiled

Array = NDArray[Any]

NODE = np.dtype(
    [
        *(
            ("x0", np.int32),
            ("y0", np.int32),
        ),  # the tight box; its last column and row belong to it
        *(("x1", np.int32), ("y1", np.int32)),
        ("area", np.int32),  # sum of the weights of its pixels
        ("first", np.int32),  # raster index of its first pixel, -1 if not known
        *(("top", np.int32), ("bottom", np.int32)),
    ]
)


@compiled
def by_falling_level(levels_K: Array, levels: int, order: Array) -> int:
    """Order 0..K-1 by level, highest first, without those of level 0; return how many remain."""
    starts = np.zeros(levels + 2, np.int32)
    for level in levels_K:
        starts[level] += 1
    start = 0
    for level in range(levels, -1, -1):
        start, starts[level] = start + starts[level], start
    for number in range(len(levels_K)):
        level = levels_K[number]
        if level > 0:
            order[starts[level]] = number
            starts[level] += 1
    remaining: int = starts[0]
    return remaining


@compiled
def find_largest(nodes: Array, count: int, is_first_better: bool, largest_T: Array) -> bool:
    """Put the number of the node of largest area at each level into `largest_T`, -1 if none.

    A tie goes to the component whose first pixel comes first, or last. Returns False where nodes
    tie whose first pixels are not known well enough.
    """
    sign = 1 if is_first_better else -1
    areas_T = np.full(len(largest_T), -1, np.int32)
    is_tied_T = np.zeros(len(largest_T), np.uint8)
    for level in range(len(largest_T)):
        largest_T[level] = -1
    for number in range(count):
        node = nodes[number]
        area = node.area
        for level in range(node.bottom - 1, node.top):
            if area > areas_T[level]:
                areas_T[level] = area
                largest_T[level] = number
                is_tied_T[level] = 0
            elif area == areas_T[level]:
                order = sign * _order(node, nodes[largest_T[level]])
                if order < 0:
                    largest_T[level] = number
                is_tied_T[level] = order == 0 or (order > 0 and is_tied_T[level])
    return not is_tied_T.any()


@compiled
def _order(one: Any, other: Any) -> Any:
    """Whose first pixel comes first: negative for `one`, positive for `other`, 0 if unknown."""
    if one.y0 != other.y0:
        return one.y0 - other.y0
    if one.first >= 0 and other.first >= 0:
        return one.first - other.first
    if one.x1 < other.x0 or other.x1 < one.x0:
        return one.x0 - other.x0
    return 0
