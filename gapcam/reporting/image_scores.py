"""Which images a run got right, from its `rows.csv`."""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gapcam.errors import UserError

USUAL_IOU = 0.5
_CELL = "S16"  # letters of the longest number, -1.23456789e-05
_EXACT = 1e-6
"""Errors are single precision in `metrics.json`."""


class ImageScores(NamedTuple):
    """A run's wrong answers: `wrong` `(N,)` bool of the images that count, those of `images`."""

    images: str
    wrong: NDArray[np.bool_]


def has_images(folder: Path) -> bool:
    """Whether `rows.csv` is that of a network's test, a line an image: some studies' are not."""
    try:
        with (folder / "rows.csv").open(encoding="utf-8", newline="") as lines:
            header = next(lines, "").rstrip("\r\n").split(",")
    except OSError:
        return True  # which is told where it is read
    return {"index", "label", "guess_1", "true_boxes"} <= set(header)


def can_score(name: str) -> bool:
    """Whether `rows.csv` tells, image by image, what a number is the mean of."""
    return name in ("cls_top1", "cls_top5", "loc_top1", "loc_top5", "loc_gt_known")


def image_scores(folder: Path, facts: Mapping[str, Any], name: str) -> ImageScores:
    """Read which images count as wrong for an error of the main protocol.

    Args:
        folder: of the run.
        facts: what its `metrics.json` holds.
        name: of the error, plain.

    Raises:
        UserError: if the file is missing, broken, or does not belong to `metrics.json`.
    """
    path = folder / "rows.csv"
    try:
        rows = _read(path, name)
        wrong, counts = _wrong(rows, name, main_iou(facts))
        index = rows["index"].astype(np.int64)
    except (OSError, ValueError, KeyError, StopIteration) as error:
        raise UserError(f"{path} cannot be read ({error!r})") from None
    order = index.argsort()
    wrong = wrong[order][counts[order]]
    told = float(facts["metrics"][f"test/{name}"])
    if not len(wrong) or abs(wrong.mean() - told) > _EXACT:
        found = f"{100 * wrong.mean():.4f} %" if len(wrong) else "nothing"
        raise UserError(
            f"{path} gives {found} for {name} where metrics.json says {100 * told:.4f} %: one of "
            "them was changed"
        )
    seen = hashlib.sha256(index[order][counts[order]].tobytes()).hexdigest()
    return ImageScores(f"{facts['data']['fingerprint'].get('test')}-{seen}", wrong)


def main_iou(facts: Mapping[str, Any]) -> float:
    """The smallest IoU that counts for plain names under the first protocol."""
    smallest = next(iter(facts["protocols"].values()))["iou"]
    return USUAL_IOU if USUAL_IOU in smallest else float(smallest[0])


def _wrong(
    rows: Mapping[str, NDArray[np.bytes_]], name: str, iou: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each image is wrong, and whether it counts."""
    has_box = rows["true_boxes"].astype(np.int64) > 0
    if name == "loc_gt_known":
        return ~_placed(rows["label_iou"], iou), has_box
    is_classification = name.startswith("cls")
    right = np.zeros(len(has_box), dtype=bool)
    for guess in _guesses(list(rows), name):
        is_found = rows[guess] == rows["label"]
        right |= is_found if is_classification else is_found & _placed(rows[f"{guess}_iou"], iou)
    return ~right, np.ones_like(has_box) if is_classification else has_box


def _placed(cells: NDArray[np.bytes_], iou: float) -> NDArray[np.bool_]:
    """Whether boxes meet the smallest IoU; in single precision, as they were scored."""
    found: NDArray[np.bool_] = np.where(cells == b"", b"nan", cells).astype(np.float32) >= (
        np.float32(iou)
    )
    return found


def _guesses(columns: Sequence[str], name: str) -> list[str]:
    """Columns of the guesses that a number looks at."""
    every = [column for column in columns if column.removeprefix("guess_").isdigit()]
    return every[:1] if name.endswith("top1") else every


def _read(path: Path, name: str) -> dict[str, NDArray[np.bytes_]]:
    """The columns that a number needs, as text: of 50,000 images in a tenth of a second."""
    with path.open(encoding="utf-8", newline="") as lines:
        header = next(lines).rstrip("\r\n").split(",")
        guesses = _guesses(header, name)
        wanted = ["index", "label", "true_boxes", "label_iou", *guesses]
        wanted += [f"{guess}_iou" for guess in guesses]
        places = [header.index(column) for column in wanted]
        table = np.loadtxt(
            chain([next(lines)], lines),  # which warns of a file without rows
            dtype=_CELL,
            delimiter=",",
            quotechar='"',
            comments=None,
            usecols=places,
            ndmin=2,
        )
    return dict(zip(wanted, table.T, strict=True))
