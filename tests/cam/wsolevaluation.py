"""The rules of wsolevaluation (Choe et al., CVPR 2020), with OpenCV: a reference, mask by mask."""

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Boxes = list[list[int]]
"""Inclusive corners."""


def grey_image(map_hw: NDArray[np.floating], size: tuple[int, int]) -> Grey:
    """Black for a map that shows nothing: not finite, or the same everywhere."""
    map_hw = map_hw.astype(np.float64)
    if not np.isfinite(map_hw).all() or map_hw.min() == map_hw.max():
        return np.zeros(size, np.uint8)
    large = cv2.resize(map_hw, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    large = large.reshape(size) - large.min()
    return (large / large.max() * 255).astype(np.uint8)


def contour_boxes(grey: Grey, threshold: float, every: bool) -> Boxes:
    """Boxes `x, y, x + width, y + height` of all contours, or of that with the largest area."""
    mask = (grey > int(threshold * 255)).astype(np.uint8)
    contours = cv2.findContours(mask, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)[0]
    if not every and contours:
        contours = [max(contours, key=cv2.contourArea)]
    rectangles = [cv2.boundingRect(contour) for contour in contours]
    return [[x, y, x + width, y + height] for x, y, width, height in rectangles]


def iou(a: list[int], b: list[int]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    overlap = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return overlap / (sum(areas) - overlap)


def best_iou(grey: Grey, threshold: float, truth: Boxes, every: bool) -> float:
    """The best IoU of any box with any true box; of the pixel in the corner without a contour."""
    height, width = grey.shape
    boxes = contour_boxes(grey, threshold, every) or [[0, 0, 0, 0]]
    clipped = [[x0, y0, min(x1, width - 1), min(y1, height - 1)] for x0, y0, x1, y1 in boxes]
    return max((iou(box, true) for box in clipped for true in truth), default=0.0)


def sweep(
    map_hw: NDArray[np.floating],
    size: tuple[int, int],
    thresholds: NDArray[np.float64],
    truth: Boxes,
    every: bool,
) -> NDArray[np.float64]:
    """Best IoU at each threshold; a mask that several thresholds share is looked at once."""
    grey = grey_image(map_hw, size)
    of_mask = {int(t * 255): t for t in thresholds}
    found = {mask: best_iou(grey, t, truth, every) for mask, t in of_mask.items()}
    return np.array([found[int(t * 255)] for t in thresholds])
