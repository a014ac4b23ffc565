"""Conditions on the values that metrics are given; made without waiting for a device."""

from typing import NamedTuple

import torch
from torch import Tensor

from gapcam.cam.boxes import are_real
from gapcam.metrics.samples import Truth

TOLERANCE = 2
"""Pixels, or percent of a side if that is more, by which a true box may stick out of its image:
annotators round, and so do resized copies."""


class Check(NamedTuple):
    """A condition on the values of an argument.

    `argument` must `expected`; `came` `(B, ...)` is `what` a message shows of a sample for which
    `is_wrong` `(B,)`.
    """

    argument: str
    expected: str
    is_wrong: Tensor
    came: Tensor
    what: str = ""


def truth_checks(
    known: Truth, classes: int | None, is_labelled: bool, is_indexed: bool
) -> list[Check]:
    """What must hold of the values.

    Args:
        known: of the samples.
        classes: C, None if it is not known.
        is_labelled: whether labels were given.
        is_indexed: whether an index was given.
    """
    sizes, longest = known.sizes, known.boxes.shape[1]
    has_extent = (known.regions[..., 2:] > known.regions[..., :2]).flatten(1).all(1)
    checks = [
        Check("sizes", "be height and width above 0", ~(sizes > 0).all(-1), sizes),
        Check(
            "counts",
            f"lie in 0..{longest}, the boxes that there is room for",
            (known.counts < 0) | (known.counts > longest),
            known.counts,
        ),
        Check(
            "regions",
            "be x0 y0 x1 y1 in pixels of the image, x0 < x1, y0 < y1",
            ~has_extent,
            known.regions,
        ),
    ]
    if longest:
        checks.append(_boxes_check(known))
    if is_labelled:
        checks.append(in_range("labels", known.labels, classes))
    if is_indexed:
        checks.append(in_range("index", known.index, None))
    return checks


def _boxes_check(known: Truth) -> Check:
    boxes_BG4 = known.boxes
    size_B2 = known.sizes.to(boxes_BG4)
    limits_B12 = size_B2.flip(-1)[:, None]
    slack_B12 = (limits_B12 * (TOLERANCE / 100)).clamp(min=TOLERANCE)
    low, high = boxes_BG4[..., :2], boxes_BG4[..., 2:]
    # Said the other way round, so that NaN is wrong.
    is_right = (low <= high) & (low >= -slack_B12) & (high <= limits_B12 + slack_B12)
    is_real_BG = are_real(boxes_BG4, known.counts)
    is_wrong_BG = is_real_BG & ~is_right.all(-1)
    first_B = is_wrong_BG.int().argmax(1)
    wrong_B4 = boxes_BG4.take_along_dim(first_B[:, None, None], 1)[:, 0]
    return Check(
        "boxes",
        "be x0 y0 x1 y1 in pixels of the image, x0 <= x1, y0 <= y1, and inside it",
        is_wrong_BG.any(1),
        torch.cat([wrong_B4, size_B2], dim=1),
        "(box, then height and width) ",
    )


def in_range(argument: str, came: Tensor, count: int | None) -> Check:
    """Whole numbers `(B, ...)` from 0 to `count - 1`, or any from 0."""
    is_wrong = came < 0
    if count is not None:
        is_wrong = is_wrong | (came >= count)
    is_wrong_B = is_wrong if came.ndim == 1 else is_wrong.flatten(1).any(1)
    expected = "be 0 or more" if count is None else f"lie in 0..{count - 1}"
    return Check(argument, expected, is_wrong_B, came)
