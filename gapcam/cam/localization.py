"""Localization errors from ranked classes and the IoU of their boxes.

All numbers are error rates in 0..1, as in the ILSVRC devkit and in the paper: lower is better.
"""

import torch
from torch import Tensor

from gapcam.cam.boxes import best_iou, centred_boxes
from gapcam.cam.outcomes import Outcome, rates

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


def localization_outcomes(
    classes_NM: Tensor,
    iou_NMK: Tensor,
    labels_N: Tensor,
    has_box_N: Tensor,
    iou_threshold: float = 0.5,
) -> dict[str, Outcome]:
    """What each of N images adds to the localization and classification errors.

    A guess is right if its class is the true one and its box has IoU >= `iou_threshold` with any
    true box (ILSVRC devkit; Zhou et al. 2016, 3.2). Images without a true box (the devkit's
    blacklist, or a data set that has none) count for classification alone.

    Args:
        classes_NM: `(N, M)` as `ranked_classes` returns: guesses, best first, then the true class.
        iou_NMK: `(N, M, K)` best IoU of each class's boxes with any true box of the image. K is 1,
            or 2 for a loose and a tight box.
        labels_N: `(N,)` true classes.
        has_box_N: `(N,)` bool, whether any true box is known.
        iou_threshold: smallest IoU that counts.

    Returns:
        By name, an image's point being an error; of two boxes the loose one is meant:

        - `loc_top1`: the best guess has a wrong class or a wrong box.
        - `loc_top5`: so have all five guesses.
        - `loc_gt_known`: the box of the true class's map is wrong (the class is given).
        - `cls_top1`, `cls_top5`: the true class is not the best guess, not among the five.

        With K = 2 also:

        - `loc_top1_tight`, `loc_top5_tight`, `loc_gt_known_tight`: the tight box is meant.
        - `loc_top5_heuristic`: wrong are all of the five boxes loose and tight of the best guess,
          loose and tight of the second, loose of the third (Zhou et al. 2016, Table 3).
    """
    named_NG = classes_NM[:, :-1] == labels_N[:, None]
    placed_NMK = iou_NMK >= iou_threshold
    found_NGK = named_NG[..., None] & placed_NMK[:, :-1]
    every_N = torch.ones_like(has_box_N)
    outcomes = {
        **_of_one_box(found_NGK[..., 0], placed_NMK[:, -1, 0], has_box_N, ""),
        "cls_top1": Outcome(~named_NG[:, 0], every_N),
        "cls_top5": Outcome(~named_NG.any(1), every_N),
    }
    if iou_NMK.shape[-1] == 1:
        return outcomes
    five_N5 = found_NGK.flatten(1)[:, :5]
    return {
        **outcomes,
        **_of_one_box(found_NGK[..., 1], placed_NMK[:, -1, 1], has_box_N, "_tight"),
        "loc_top5_heuristic": Outcome(~five_N5.any(1), has_box_N),
    }


def _of_one_box(
    found_NG: Tensor, placed_N: Tensor, has_box_N: Tensor, suffix: str
) -> dict[str, Outcome]:
    return {
        f"loc_top1{suffix}": Outcome(~found_NG[:, 0], has_box_N),
        f"loc_top5{suffix}": Outcome(~found_NG.any(1), has_box_N),
        f"loc_gt_known{suffix}": Outcome(~placed_N, has_box_N),
    }


def errors_by_guesses(
    classes_NM: Tensor,
    iou_NM: Tensor,
    labels_N: Tensor,
    has_box_N: Tensor,
    iou_threshold: float = 0.5,
) -> Tensor:
    """Localization error with 1, 2, ... guesses: `(G,)` float32, G = M - 1, NaN over no image.

    The arguments are those of `localization_outcomes`, with one box a class.
    """
    found_NG = (classes_NM[:, :-1] == labels_N[:, None]) & (iou_NM[:, :-1] >= iou_threshold)
    wrong_NG = found_NG.cumsum(1) == 0
    return (wrong_NG & has_box_N[:, None]).sum(0) / has_box_N.sum()


_FLOOR_PERCENT = range(30, 101, 5)

FLOOR_SIDES = tuple(percent / 100 for percent in _FLOOR_PERCENT)
"""Sides of the centred boxes that are tried, as fractions of the image's sides."""


def floor_ious(truth_BG4: Tensor, counts_B: Tensor, sizes_B2: Tensor) -> Tensor:
    """IoU of each image's true boxes with centred boxes of `FLOOR_SIDES`, `(B, S)`."""
    # Made on the device: a tensor of the tuple would be a copy to it in every batch.
    percent = torch.arange(
        _FLOOR_PERCENT.start, _FLOOR_PERCENT.stop, _FLOOR_PERCENT.step, device=sizes_B2.device
    )
    return best_iou(centred_boxes(sizes_B2, percent / 100), truth_BG4, counts_B)


def floor_outcomes(
    iou_NS: Tensor, has_box_N: Tensor, iou_threshold: float = 0.5
) -> dict[str, Outcome]:
    """GT-known errors of two methods that look at nothing: read every number beside them.

    Args:
        iou_NS: `(N, S)` as `floor_ious` returns.
        has_box_N: `(N,)` bool, whether any true box is known; the others do not count.
        iou_threshold: smallest IoU that counts.

    Returns:
        `floor_whole_image` and `floor_best_centred`, a box of the side that is best on these very
        images, which favours the floor.
    """
    wrong_NS = iou_NS < iou_threshold
    best = _best_side(iou_NS, has_box_N, iou_threshold)
    return {
        "floor_whole_image": Outcome(wrong_NS[:, -1], has_box_N),
        "floor_best_centred": Outcome(wrong_NS.index_select(1, best)[:, 0], has_box_N),
    }


def floor_numbers(
    iou_NS: Tensor, has_box_N: Tensor, iou_threshold: float = 0.5
) -> dict[str, Tensor]:
    """The floors' error rates, and `floor_centred_side`, the side that won, a fraction.

    Returns:
        0-d float32 tensors, NaN over no image.
    """
    side = _FLOOR_PERCENT.start + _FLOOR_PERCENT.step * _best_side(iou_NS, has_box_N, iou_threshold)
    count = has_box_N.sum()
    return {
        **rates(floor_outcomes(iou_NS, has_box_N, iou_threshold)),
        "floor_centred_side": side[0] / 100 * (count / count),
    }


def _best_side(iou_NS: Tensor, has_box_N: Tensor, iou_threshold: float) -> Tensor:
    wrong_S = ((iou_NS < iou_threshold) & has_box_N[:, None]).sum(0)
    return wrong_S.argmin()[None]
