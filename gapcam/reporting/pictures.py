"""Pictures of one run: its files, what its `rows.csv` says of them, and how they are made small."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from gapcam.viz.pages import data_url

FOUND = 0.5
"""Smallest IoU of a box that is right."""
RIGHT, WRONG_CLASS, MISSED = "right", "wrong class", "box missed"

_QUALITY = 78
# What `gapcam.viz.overlay.panel` puts between its two pictures, and below them.
_GAP, _CAPTION = 4, 24


@dataclass(frozen=True)
class Picture:
    """A picture, as a data URL, and what was found there.

    `group` is "same", "best", ...; `rank` its place there; `index` that of the image in its split.
    `iou` is None without a true box, `verdict` "" where nothing is known of it.
    """

    url: str
    line: str
    group: str
    rank: int
    index: int
    name: str = ""
    true_class: str = ""
    guess: str = ""
    iou: float | None = None
    verdict: str = ""

    @property
    def caption(self) -> str:
        """What was guessed, whether it is right, and the IoU of the box."""
        guess = f"{self.guess} ({self.verdict})" if self.verdict else self.name
        wrong = f", true: {self.true_class}" if self.verdict == WRONG_CLASS else ""
        return guess + wrong + self._iou

    @property
    def short_caption(self) -> str:
        """For a place where the true class is known: what is wrong, and the IoU of the box."""
        guess = f": {self.guess}" if self.verdict == WRONG_CLASS else ""
        return self.verdict + guess + self._iou

    @property
    def _iou(self) -> str:
        return "" if self.iou is None else f", IoU {self.iou:.2f}"


class File(NamedTuple):
    """A PNG file of a run: `<group>-<rank>-<index>.png`."""

    path: Path
    group: str
    rank: int
    image: int


class Found(NamedTuple):
    """What `rows.csv` says of an image."""

    name: str
    true_class: str
    guess: str
    iou: float | None
    verdict: str


def picture_files(run: Path) -> list[File]:
    """Pictures of a run, rank by rank: best, median, worst, best, ..."""
    files = []
    for path in sorted((run / "cams").glob("*-*-*.png")):
        group, rank, index = path.stem.rsplit("-", 2)
        if rank.isdigit() and index.isdigit():
            files.append(File(path, group, int(rank), int(index)))
    return sorted(files, key=lambda file: (file.rank, file.group))


def made_small(path: Path, width: int, overlay_alone: bool = False) -> str:
    """A picture without its drawn caption, encoded anew as a data URL; "" if it cannot be read.

    Args:
        path: a picture and its overlay side by side.
        width: of the new one, at most.
        overlay_alone: leave out the left half.
    """
    try:
        with Image.open(path) as sheet:
            left = (sheet.width - _GAP) // 2 + _GAP if overlay_alone else 0
            small = sheet.convert("RGB").crop((left, 0, sheet.width, sheet.height - _CAPTION))
    except OSError:
        return ""
    if small.width > width:
        small = small.resize(
            (width, max(1, round(small.height * width / small.width))), Image.Resampling.LANCZOS
        )
    file = io.BytesIO()
    small.save(file, "WEBP", quality=_QUALITY, method=4, use_sharp_yuv=True)
    return data_url(file.getvalue(), "webp")


def what_was_found(run: Path, indices: Sequence[int]) -> dict[int, Found]:
    """What a run found in these images; nothing where its `rows.csv` is missing or malformed."""
    try:
        return _read_rows(run / "rows.csv", indices)
    except (OSError, ValueError, LookupError, StopIteration):
        return {}


def _read_rows(path: Path, indices: Sequence[int]) -> dict[int, Found]:
    wanted = {str(index) for index in indices}
    names: dict[str, str] = {}
    rows: list[dict[str, str]] = []
    with path.open(newline="") as lines:
        reader = csv.reader(lines)
        header = next(reader)
        index, label, name = (header.index(key) for key in ("index", "label", "label_name"))
        for row in reader:
            names[row[label]] = row[name]
            if row[index] in wanted:
                rows.append(dict(zip(header, row, strict=True)))
    return {int(row["index"]): _of_row(row, names) for row in rows}


def _of_row(row: dict[str, str], names: dict[str, str]) -> Found:
    iou = float(row["guess_1_iou"]) if row.get("guess_1_iou") else None
    verdict = RIGHT if iou is None or iou >= FOUND else MISSED
    if row["guess_1"] != row["label"]:
        verdict = WRONG_CLASS
    guess = names.get(row["guess_1"], f"class {row['guess_1']}")
    return Found(row["image"], row["label_name"], guess, iou, verdict)
