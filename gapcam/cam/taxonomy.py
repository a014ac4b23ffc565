"""What is wrong with a guess that is wrong: every guess is of exactly one kind."""

import torch
from torch import Tensor

from gapcam.cam.boxes import are_real, box_area, box_iou

KINDS = (
    "right",
    "wrong_class",
    "nothing_found",
    "several_merged",
    "part",
    "too_large",
    "elsewhere",
)
"""In the order of the tests; the first that holds gives the kind:

- `right`: the true class is guessed, and IoU with any true box reaches the protocol's.
- `wrong_class`: another class is guessed, wherever the box lies.
- `nothing_found`: the box is empty.
- `several_merged`: `MOST` or more of each of several true boxes lies in the box.
- `part`: the box is no larger than some true box, and `MOST` or more of it lies in that one.
- `too_large`: the box is larger than some true box, and `MOST` or more of that one lies in it.
- `elsewhere`: anything else: beside the object, or mostly so.
"""

MOST = 0.5
"""Smallest share of an area that is called most of it."""


def kinds_of_guesses(
    boxes_B4: Tensor,
    is_class_right_B: Tensor,
    truth_BG4: Tensor,
    counts_B: Tensor,
    iou_threshold: float = 0.5,
) -> Tensor:
    """Sort guesses by what is wrong with them.

    Args:
        boxes_B4: `(B, 4)` a box for each image.
        is_class_right_B: `(B,)` bool, whether it is said to show the true class.
        truth_BG4: `(B, G, 4)` true boxes, padded.
        counts_B: `(B,)` how many of them are real.
        iou_threshold: smallest IoU that counts as found.

    Returns:
        `(B,)` uint8, places in `KINDS`; of an image without a true box it says little.

    Example:
        >>> box, truth = torch.tensor([[2.0, 2, 5, 5]]), torch.tensor([[[0.0, 0, 9, 9]]])
        >>> kind = kinds_of_guesses(box, torch.tensor([True]), truth, torch.tensor([1]))
        >>> KINDS[kind]
        'part'
    """
    boxes_B14 = boxes_B4[:, None]
    is_real_BG = are_real(truth_BG4, counts_B)
    low = torch.maximum(boxes_B14[..., :2], truth_BG4[..., :2])
    high = torch.minimum(boxes_B14[..., 2:], truth_BG4[..., 2:])
    overlap_BG = box_area(torch.cat([low, high], dim=-1))
    area_B1, true_area_BG = box_area(boxes_B14), box_area(truth_BG4)
    is_smaller_BG = area_B1 <= true_area_BG
    # An overlap of nothing is not most of an empty box.
    holds_true_BG = is_real_BG & (overlap_BG > 0) & (overlap_BG >= MOST * true_area_BG)
    lies_in_true_BG = is_real_BG & (overlap_BG > 0) & (overlap_BG >= MOST * area_B1)
    is_placed_B = (is_real_BG & (box_iou(boxes_B14, truth_BG4) >= iou_threshold)).any(1)
    tests = {
        "right": is_class_right_B & is_placed_B,
        "wrong_class": ~is_class_right_B,
        "nothing_found": area_B1[:, 0] == 0,
        "several_merged": holds_true_BG.sum(1) > 1,
        "part": (lies_in_true_BG & is_smaller_BG).any(1),
        "too_large": (holds_true_BG & ~is_smaller_BG).any(1),
    }
    kinds_B = torch.full_like(counts_B, KINDS.index("elsewhere"), dtype=torch.uint8)
    for name, holds_B in reversed(list(tests.items())):
        kinds_B = kinds_B.masked_fill(holds_B, KINDS.index(name))
    return kinds_B


def shares_of_kinds(kinds_N: Tensor, has_box_N: Tensor) -> dict[str, Tensor]:
    """Share of each kind among the images that have a true box; the shares add up to 1.

    Returns:
        0-d float32 in 0..1 by name, NaN over no image.
    """
    return {
        name: ((kinds_N == place) & has_box_N).sum() / has_box_N.sum()
        for place, name in enumerate(KINDS)
    }
