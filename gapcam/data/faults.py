"""What is wrong with annotations, judged without opening a picture."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from gapcam.data.index import SplitIndex
from gapcam.data.tree import Tree
from gapcam.errors import UserError

_ASPECT = 0.02
"""By how much the shape of a picture may differ from that of its annotation: copies round."""

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


@contextmanager
def explained(title: str, root: Path) -> Iterator[None]:
    """Turn what a broken file or disk makes Python raise into a message.

    Raises:
        UserError: instead.
    """
    try:
        yield
    except (OSError, ValueError, KeyError, OverflowError, csv.Error) as error:
        raise UserError(
            f"{title} in {root} cannot be read: {type(error).__name__}: {error}. A file is broken "
            "or may not be read: unpack the data set again, or mend its permissions"
        ) from error


def misfit(boxes: NDArray[np.floating], annotated: Sequence[int], size: tuple[int, int]) -> str:
    """Say why boxes cannot be in the frame of their picture; nothing if they can.

    Args:
        boxes: `(G, 4)`.
        annotated: height and width by the annotation, zeros if it does not say.
        size: height and width of the picture.
    """
    height, width = size
    if all(annotated):
        shape, expected = width / height, annotated[1] / annotated[0]
        if abs(shape / expected - 1) > max(_ASPECT, 2 / min(size)):
            return (
                f"it has {width} x {height} pixels, but its annotation says {annotated[1]} x "
                f"{annotated[0]}: another shape, so its boxes are elsewhere. It may have been "
                "rotated as its EXIF says, cropped or squashed: restore the original picture"
            )
        return ""
    limits = np.array([width, height]) + TOLERANCE
    if len(boxes) and (boxes[:, 2:] > limits).any():
        return (
            f"it has {width} x {height} pixels, but a box reaches to "
            f"{boxes[:, 2:].max(0).tolist()}: the boxes are those of a larger copy. Restore the "
            "original picture"
        )
    return ""


def index_faults(tree: Tree, split: str, folder: str, index: SplitIndex, classes: int) -> None:
    """Note labels and boxes that cannot be, judged by the annotations alone."""
    labels, boxes = index.labels, index.all_boxes
    owners = np.repeat(np.arange(len(index)), index.box_counts)
    height, width = index.sizes[owners].T
    is_known = (height > 0) & (width > 0)
    for row in np.flatnonzero(_is_no_crop(index.crops)).tolist():
        tree.fault(
            "crop",
            str(PurePosixPath(folder, index.name(row))),
            f"{index.crops[row].tolist()} (x0 y0 x1 y1) cannot be cut out of it ({split} split).",
        )
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


def _is_no_crop(crops: NDArray[np.float32]) -> NDArray[np.bool_]:
    is_set = (crops != 0).any(1)
    is_right = np.isfinite(crops).all(1) & (crops[:, 2:] > np.maximum(crops[:, :2], 0)).all(1)
    wrong: NDArray[np.bool_] = is_set & ~is_right
    return wrong
