"""The procedure of wsolevaluation (Choe et al., CVPR 2020), written by us, to be compared with.

For each map and each of T thresholds it cuts an 8-bit mask, asks OpenCV for all contours, takes the
box of the largest (MaxBoxAcc, "V1") or of every contour (MaxBoxAccV2), and keeps the best IoU with
any true box. Two faults make most of its time at its default of 1000 thresholds, and can be mended
without changing a number: 8 bits have 255 different masks, and all are cut again for each
threshold; and the best true box of every contour is searched again for each threshold.
"""

from collections.abc import Sequence
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]
Boxes = NDArray[np.int64]
Ious = NDArray[np.float64]
Scores = NDArray[np.float64]

NO_CONTOUR = [0, 0, 0, 0]


def enlarged(map_hw: Map, size: tuple[int, int]) -> Scores:
    """Cubic to `size` (height, width) in double precision, then 0..1; zeros if constant or NaN."""
    large: Any = cv2.resize(map_hw.astype(np.float64), size[::-1], interpolation=cv2.INTER_CUBIC)
    if np.isnan(large).any() or large.min() == large.max():
        large[:] = 0
        return cast(Scores, large)
    large -= large.min()
    large /= large.max()
    return cast(Scores, large)


def contour_boxes(grey: NDArray[np.uint8], threshold: int, every: bool) -> Boxes:
    """Inclusive corners `(K, 4)` of one mask's contours, one pixel too large as published."""
    _, mask = cv2.threshold(grey, threshold, 255, cv2.THRESH_BINARY)
    contours, _ = cv2.findContours(mask, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return np.array([NO_CONTOUR])
    if not every:
        contours = [max(contours, key=cv2.contourArea)]
    boxes = []
    for contour in contours:
        x, y, width, height = cv2.boundingRect(contour)
        right, bottom = min(x + width, grey.shape[1] - 1), min(y + height, grey.shape[0] - 1)
        boxes.append([x, y, right, bottom])
    return np.array(boxes)


def all_ious(boxes_K4: Boxes, truth_G4: Boxes) -> Ious:
    """IoU `(K, G)` of inclusive corners."""
    low = np.maximum(boxes_K4[:, None, :2], truth_G4[:, :2])
    high = np.minimum(boxes_K4[:, None, 2:], truth_G4[:, 2:])
    overlap = np.maximum(high - low + 1, 0).prod(2)
    areas = (boxes_K4[:, 2:] - boxes_K4[:, :2] + 1).prod(1)
    truth_areas = (truth_G4[:, 2:] - truth_G4[:, :2] + 1).prod(1)
    ious: Ious = overlap / (areas[:, None] + truth_areas - overlap)
    return ious


def as_published(
    map_hw: Map, size: tuple[int, int], thresholds: Sequence[float], truth_G4: Boxes, every: bool
) -> Ious:
    """Best IoU at each threshold, as it is computed there."""
    grey = (enlarged(map_hw, size) * 255).astype(np.uint8)
    boxes = [contour_boxes(grey, int(t * grey.max()), every) for t in thresholds]
    ious = all_ious(np.concatenate(boxes), truth_G4)
    best, start = [], 0
    for found in boxes:
        best.append(max(ious.max(1)[start : start + len(found)]))
        start += len(found)
    return np.array(best)


def mended(
    map_hw: Map, size: tuple[int, int], thresholds: Sequence[float], truth_G4: Boxes, every: bool
) -> Ious:
    """The same numbers with each mask cut once, and each contour's best true box searched once."""
    grey = (enlarged(map_hw, size) * 255).astype(np.uint8)
    greys, which = np.unique([int(t * grey.max()) for t in thresholds], return_inverse=True)
    boxes = [contour_boxes(grey, int(t), every) for t in greys]
    ious = all_ious(np.concatenate(boxes), truth_G4).max(1)
    starts = np.cumsum([0, *(len(found) for found in boxes[:-1])])
    best: Ious = np.maximum.reduceat(ious, starts)[which]
    return best
