"""The box convention and its arithmetic.

A box is `x0, y0, x1, y1`, float, half-open, in pixels: the box of one pixel has area 1. Plain IoU
of such boxes equals the ILSVRC devkit's IoU of inclusive corners, which adds 1 to every side.
A size is `height, width`.
"""

import torch
from torch import Tensor


def box_area(boxes: Tensor) -> Tensor:
    """Area in square pixels; `(..., 4)` -> `(...)`. Empty and inverted boxes have area 0."""
    width = (boxes[..., 2] - boxes[..., 0]).clamp(min=0)
    height = (boxes[..., 3] - boxes[..., 1]).clamp(min=0)
    return width * height


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union, element by element, with broadcasting.

    Args:
        a: `(..., 4)`.
        b: `(..., 4)`, broadcastable against `a`.

    Returns:
        `(...)` in 0..1; 0 where either box is empty.

    Example:
        >>> box_iou(torch.tensor([0.0, 0, 2, 2]), torch.tensor([[1.0, 0, 3, 2], [5, 5, 6, 6]]))
        tensor([0.3333, 0.0000])
    """
    corner_low = torch.maximum(a[..., :2], b[..., :2])
    corner_high = torch.minimum(a[..., 2:], b[..., 2:])
    overlap = box_area(torch.cat([corner_low, corner_high], dim=-1))
    union = box_area(a) + box_area(b) - overlap
    return torch.where(overlap > 0, overlap / union, torch.zeros_like(overlap))


def are_real(boxes_NG4: Tensor, counts_N: Tensor) -> Tensor:
    """Which boxes of padded lists `(N, G, 4)` are real, `(N, G)` bool, by their number `(N,)`."""
    return torch.arange(boxes_NG4.shape[1], device=counts_N.device) < counts_N[:, None]


def best_iou(boxes_BM4: Tensor, truth_BG4: Tensor, counts_B: Tensor) -> Tensor:
    """IoU of each box with the true box it fits best: a match with any true box counts.

    Args:
        boxes_BM4: `(B, M, 4)` predicted boxes.
        truth_BG4: `(B, G, 4)` true boxes, padded to the longest list of the batch.
        counts_B: `(B,)` how many of the G true boxes are real.

    Returns:
        `(B, M)` in 0..1; 0 for an image without a true box.
    """
    if truth_BG4.shape[1] == 0:
        return boxes_BM4.new_zeros(boxes_BM4.shape[:2])
    iou_BMG = box_iou(boxes_BM4[:, :, None], truth_BG4[:, None])
    is_real_BG = are_real(truth_BG4, counts_B)
    return torch.where(is_real_BG[:, None], iou_BMG, torch.zeros_like(iou_BMG)).amax(-1)


def clip_boxes(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Cut boxes `(..., 4)` off at the border of an image; one outside becomes empty."""
    limits = boxes.new_tensor([size[1], size[0], size[1], size[0]])
    return torch.minimum(boxes.clamp(min=0), limits)


def centred_boxes(sizes_B2: Tensor, sides: Tensor) -> Tensor:
    """Boxes around the image's centre: what a method that looks at nothing can reach.

    Args:
        sizes_B2: `(B, 2)` height and width of the images.
        sides: `(S,)` the boxes' sides as fractions of the image's sides; 1 is the whole image.

    Returns:
        `(B, S, 4)` in pixels of the images.
    """
    height_B1, width_B1 = sizes_B2.to(sides)[:, :1], sizes_B2.to(sides)[:, 1:]
    low, high = (1 - sides) / 2, (1 + sides) / 2
    return torch.stack([width_B1 * low, height_B1 * low, width_B1 * high, height_B1 * high], dim=-1)
