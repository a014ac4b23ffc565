"""OpenCV's contours at all thresholds, compiled and without OpenCV: see `gapcam.cam.contours`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapcam.cam.compiled import compiled
from gapcam.cam.filled import count_half_windows, fill_holes
from gapcam.cam.levels import Masks, cut, find_grey_levels, room_for_map
from gapcam.cam.map_tree import list_nodes, list_with_largest
from gapcam.cam.scores import best_iou, score_nodes

Array = NDArray[Any]


@compiled
def box_contours(first: int, last: int, maps_Nhw: Array, masks: Masks, boxes_NT4: Array) -> None:
    """Fill in the half-open box of the largest contour; `boxes_NT4` comes filled with 0.

    A contour's area holds its holes, so those of holes and of what lies in them never win. Of
    equals the last in raster order does: `cv2.findContours` lists outermost contours from the last
    to the first, and Python's `max` takes the first it sees.
    """
    room = room_for_map(maps_Nhw, masks)
    values_HW, levels_HW = room.values_HW, room.levels_HW
    halves_HW = np.empty(levels_HW.shape, np.uint8)
    for n in range(first, last):
        low, high = cut(maps_Nhw[n], masks, room)
        if not high > low:
            continue
        fill_holes(values_HW, 1 - masks.reach)
        find_grey_levels(values_HW, low, high, masks.below_256, levels_HW)
        count_half_windows(values_HW, halves_HW)
        list_with_largest(
            values_HW, levels_HW, halves_HW, masks.reach, False, room.nodes, boxes_NT4[n]
        )


@compiled
def score_contours(
    first: int,
    last: int,
    maps_Nhw: Array,
    masks: Masks,
    truth_NG4: Array,
    counts_N: Array,
    any_NT: Array,
) -> None:
    """Fill in the best IoU of any contour, without one that of the pixel in the corner.

    Outer contours are those of the mask's 8-connected regions, the others those of its holes.
    Holes are 4-connected regions of the negative; their contours run one pixel further out. Boxes
    end another pixel later, as published.
    """
    room = room_for_map(maps_Nhw, masks)
    values_HW, levels_HW = room.values_HW, room.levels_HW
    size = levels_HW.shape
    weights_HW = np.ones(size, np.uint8)
    levels = any_NT.shape[1]
    for n in range(first, last):
        low, high = cut(maps_Nhw[n], masks, room)
        truth_G4 = truth_NG4[n, : counts_N[n]]
        if not high > low:
            any_NT[n] = best_iou(0, 0, 1, 1, truth_G4)
            continue
        for margin in range(2):
            if margin > 0:
                _turn_over(values_HW, levels_HW, levels)
            reach, order = 1 - margin, 1 - 2 * margin
            count = list_nodes(values_HW, levels_HW, weights_HW, levels, reach, False, room.nodes)
            score_nodes(room.nodes, count, margin, 1, size, truth_G4, any_NT[n, ::order])


@compiled
def _turn_over(values_HW: Array, levels_HW: Array, levels: int) -> None:
    for y in range(values_HW.shape[0]):
        for x in range(values_HW.shape[1]):
            values_HW[y, x] = -values_HW[y, x]
            levels_HW[y, x] = levels - levels_HW[y, x]
