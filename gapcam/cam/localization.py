"""Localization errors from ranked classes and the IoU of their boxes.

All numbers are error rates in 0..1, as in the ILSVRC devkit and in the paper: lower is better.
"""

import torch
from torch import Tensor

GUESSES = 5
"""How many ranked classes an image may name: the five of top-5."""


def ranked_classes(logits_BC: Tensor, labels_B: Tensor) -> Tensor:
    """Choose the classes to map: the best five (fewer if C < 5), best first, then the true one.

    Args:
        logits_BC: `(B, C)`.
        labels_B: `(B,)` int64 true classes.

    Returns:
        `(B, M)` int64 with `M = min(5, C) + 1`.
    """
    best = logits_BC.topk(min(GUESSES, logits_BC.shape[1]), dim=1).indices
    return torch.cat([best, labels_B[:, None]], dim=1)


def localization_errors(
    classes_NM: Tensor,
    iou_NM: Tensor,
    labels_N: Tensor,
    has_box_N: Tensor,
    iou_threshold: float = 0.5,
) -> dict[str, Tensor]:
    """Compute the localization and classification errors of N images.

    A guess is right if its class is the true one and its box has IoU >= `iou_threshold` with any
    true box (ILSVRC devkit; Zhou et al. 2016, 3.2). Images without a true box (the devkit's
    blacklist, or a data set that has none) count for classification alone.

    Args:
        classes_NM: `(N, M)` as `ranked_classes` returns: guesses, best first, then the true class.
        iou_NM: `(N, M)` best IoU of each class's box with any true box of the image.
        labels_N: `(N,)` true classes.
        has_box_N: `(N,)` bool, whether any true box is known.
        iou_threshold: smallest IoU that counts.

    Returns:
        0-d float32 error rates, NaN over no image:

        - `loc_top1`: the best guess has a wrong class or a wrong box.
        - `loc_top5`: so have all five guesses.
        - `loc_gt_known`: the box of the true class's map is wrong (the class is given).
        - `cls_top1`, `cls_top5`: the true class is not the best guess, not among the five.
    """
    named_NG = classes_NM[:, :-1] == labels_N[:, None]
    placed_NM = iou_NM >= iou_threshold
    found_NG = named_NG & placed_NM[:, :-1]
    return {
        "loc_top1": _error_rate(found_NG[has_box_N, 0]),
        "loc_top5": _error_rate(found_NG[has_box_N].any(1)),
        "loc_gt_known": _error_rate(placed_NM[has_box_N, -1]),
        "cls_top1": _error_rate(named_NG[:, 0]),
        "cls_top5": _error_rate(named_NG.any(1)),
    }


def _error_rate(right_N: Tensor) -> Tensor:
    # Counted in integers: float32 sums stop counting at 2^24.
    return (~right_N).sum().float() / len(right_N)


FLOOR_SIDES = tuple(side / 100 for side in range(30, 101, 5))
"""Sides of the centred boxes that are tried, as fractions of the image's sides."""


def floor_errors(
    iou_NS: Tensor, has_box_N: Tensor, iou_threshold: float = 0.5
) -> dict[str, Tensor]:
    """GT-known errors of two methods that look at nothing: read every number beside them.

    Args:
        iou_NS: `(N, S)` IoU of each image's true boxes with centred boxes of `FLOOR_SIDES`.
        has_box_N: `(N,)` bool, whether any true box is known; the others do not count.
        iou_threshold: smallest IoU that counts.

    Returns:
        0-d float32 tensors: `floor_whole_image` and `floor_best_centred`, error rates in 0..1, and
        `floor_centred_side`, the side that won. It is chosen on these very images, which
        favours the floor. NaN over no image.
    """
    wrong_S = (iou_NS[has_box_N] < iou_threshold).sum(0)
    count = has_box_N.sum()
    best = wrong_S.argmin()
    return {
        "floor_whole_image": wrong_S[-1] / count,
        "floor_best_centred": wrong_S[best] / count,
        "floor_centred_side": iou_NS.new_tensor(FLOOR_SIDES)[best] * (count / count),
    }
