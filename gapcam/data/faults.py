"""What is wrong with annotations, judged without opening a picture."""

from pathlib import PurePosixPath

import numpy as np

from gapcam.data.index import SplitIndex
from gapcam.data.tree import Tree
from gapcam.errors import UserError

TOLERANCE = 2
"""Pixels by which a box may stick out: annotators and resized copies round."""


def raise_faults(tree: Tree) -> None:
    """Stop if a reader noted anything wrong.

    Raises:
        UserError: naming the first fault, how many there are, and how to see them all.
    """
    if not tree.faults:
        return
    first = tree.faults[0]
    more = len(tree.faults) - 1
    rest = (
        f" (and {more:,} more: python -m gapcam.data check data=... data.root={tree.root} "
        "lists all)"
        if more
        else ""
    )
    raise UserError(f"{tree.root / first.where}: {first.message}{rest}")


def index_faults(tree: Tree, split: str, folder: str, index: SplitIndex, classes: int) -> None:
    """Note labels and boxes that cannot be, judged by the annotations alone."""
    labels, boxes = index.labels, index.all_boxes
    owners = np.repeat(np.arange(len(index)), index.box_counts)
    height, width = index.sizes[owners].T
    is_known = height > 0
    finite = np.isfinite(boxes).all(1)
    empty = ~finite | (boxes[:, 2] <= boxes[:, 0]) | (boxes[:, 3] <= boxes[:, 1])
    outside = (boxes[:, :2] < -TOLERANCE).any(1) | (
        is_known & ((boxes[:, 2] > width + TOLERANCE) | (boxes[:, 3] > height + TOLERANCE))
    )
    for row in np.flatnonzero((labels < 0) | (labels >= classes)).tolist():
        tree.fault(
            "label",
            str(PurePosixPath(folder, index.name(row))),
            f"its label is {labels[row]}, but there are {classes} classes ({split} split).",
        )
    for kind, is_wrong in (("empty box", empty), ("box outside", outside & ~empty)):
        for which in np.flatnonzero(is_wrong):
            row = int(owners[which])
            tree.fault(
                kind,
                str(PurePosixPath(folder, index.name(row))),
                f"box {boxes[which].tolist()} (x0 y0 x1 y1) of a picture of "
                f"{width[which] or '?'} x {height[which] or '?'} pixels ({split} split).",
            )
