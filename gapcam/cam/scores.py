"""IoU of many boxes with an image's true boxes, compiled."""

from typing import Any

from numpy.typing import NDArray

from gapcam.cam.compiled import compiled

Array = NDArray[Any]


@compiled
def score_boxes(
    first: int, last: int, boxes_NT4: Array, truth_NG4: Array, counts_N: Array, ious_NT: Array
) -> None:
    """Fill in the IoU of each box with the true box it fits best; all are half-open."""
    for n in range(first, last):
        truth_G4 = truth_NG4[n, : counts_N[n]]
        for t in range(boxes_NT4.shape[1]):
            x0, y0, x1, y1 = boxes_NT4[n, t]
            ious_NT[n, t] = best_iou(float(x0), float(y0), float(x1), float(y1), truth_G4)


@compiled
def score_nodes(
    nodes: Array,
    count: int,
    margin: int,
    excess: int,
    size: tuple[int, ...],
    truth_G4: Array,
    best_T: Array,
) -> None:
    """Raise `best_T` to the best IoU of any node's box with any true box, at each level.

    Boxes lie `margin` pixels further out than their nodes, and do not count where that would be
    outside of the map; then they end `excess` pixels later, but inside it.
    """
    height, width = size
    for number in range(count):
        node = nodes[number]
        x0, x1 = node.x0 - margin, node.x1 + margin
        y0, y1 = node.y0 - margin, node.y1 + margin
        if x0 < 0 or y0 < 0 or x1 >= width or y1 >= height:
            continue
        end_x, end_y = min(x1 + excess, width - 1) + 1, min(y1 + excess, height - 1) + 1
        iou = best_iou(x0, y0, end_x, end_y, truth_G4)
        for level in range(node.bottom - 1, node.top):
            best_T[level] = max(best_T[level], iou)


@compiled
def best_iou(x0: float, y0: float, x1: float, y1: float, truth_G4: Array) -> float:
    """IoU of a half-open box with the true box it fits best, as `gapcam.cam.boxes.best_iou`."""
    best = 0.0
    for true in range(len(truth_G4)):
        left, top, right, bottom = truth_G4[true]
        width = min(x1, right) - max(x0, left)
        height = min(y1, bottom) - max(y0, top)
        if width > 0 and height > 0:
            overlap = width * height
            both = (x1 - x0) * (y1 - y0) + (right - left) * (bottom - top)
            best = max(best, overlap / (both - overlap))
    return best
