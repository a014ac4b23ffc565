"""Sweeps over all thresholds, compiled: see `gapcam.cam.sweep`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapcam.cam.compiled import compiled
from gapcam.cam.levels import Masks, cut, room_for_map
from gapcam.cam.map_tree import list_with_largest
from gapcam.cam.scores import score_nodes

Array = NDArray[Any]


@compiled
def sweep_maps(
    first: int,
    last: int,
    maps_Nhw: Array,
    masks: Masks,
    truth_NG4: Array,
    counts_N: Array,
    boxes_NT4: Array,
    any_NT: Array,
) -> None:
    """Fill in the box of the largest component, and the best IoU of any unless `any_NT` is empty.

    Both come filled with 0.
    """
    room = room_for_map(maps_Nhw, masks)
    weights_HW = np.ones(room.levels_HW.shape, np.uint8)
    for n in range(first, last):
        low, high = cut(maps_Nhw[n], masks, room)
        if not high > low:
            continue
        count = list_with_largest(
            room.values_HW,
            room.levels_HW,
            weights_HW,
            masks.reach,
            True,
            room.nodes,
            boxes_NT4[n],
        )
        if any_NT.size > 0:
            truth_G4 = truth_NG4[n, : counts_N[n]]
            score_nodes(room.nodes, count, 0, 0, weights_HW.shape, truth_G4, any_NT[n])
