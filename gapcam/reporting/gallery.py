"""The pictures that the runs of a table drew, made small enough for a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from gapcam.reporting.pictures import (
    MISSED,
    RIGHT,
    WRONG_CLASS,
    File,
    Found,
    Picture,
    made_small,
    picture_files,
    what_was_found,
)
from gapcam.reporting.series import Series, table_series
from gapcam.reporting.table import Table

MOST_BYTES = 7_000_000
"""Of all pictures of a page, as it holds them."""
SAME = "same"
"""Group of the pictures that every run draws."""
_GROUPS = ("best", "median", "worst")
_PANEL_WIDTH = 360
_OVERLAY_WIDTH = 200


@dataclass(frozen=True)
class Gallery:
    """Pictures of a table.

    `lines` are titles; `same` has a row for each picture, with a place for each line, None where a
    run did not draw it; `pictures` are all others; `left_out` counts those that found no room.
    """

    lines: tuple[str, ...]
    same: tuple[tuple[Picture | None, ...], ...]
    pictures: tuple[Picture, ...]
    left_out: int = 0

    @property
    def classes(self) -> list[str]:
        """True classes of the pictures."""
        return sorted({picture.true_class for picture in self.pictures} - {""})

    @property
    def verdicts(self) -> list[str]:
        """Verdicts that occur."""
        there = {picture.verdict for picture in self.pictures}
        return [verdict for verdict in (RIGHT, WRONG_CLASS, MISSED) if verdict in there]

    @property
    def has_iou(self) -> bool:
        """Whether any picture has a true box."""
        return any(picture.iou is not None for picture in self.pictures)


class Room:
    """How much of a page is left for pictures; `refused` counts those that found none.

    Args:
        most: bytes.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self.left = most
        self.refused = 0

    def take(self, file: File, width: int, overlay_alone: bool = False) -> str:
        """The picture made small, "" if it cannot be read or there is no room for it.

        Once a picture was refused so are all others, which costs no time.
        """
        url = made_small(file.path, width, overlay_alone) if self.left > 0 else ""
        if self.left <= 0 or len(url) > self.left:
            self.left = 0
            self.refused += 1
            return ""
        self.left -= len(url)
        return url


def table_gallery(table: Table, room: Room) -> Gallery:
    """Take the pictures of the first repeat of each series.

    Those that every run drew come first, then the first ranks of every line: where room runs out,
    no line loses all of its pictures to another.
    """
    drawn = table_series(table)
    files = [picture_files(one.runs[0].path) for one in drawn]
    found = [
        what_was_found(one.runs[0].path, [file.image for file in of])
        for one, of in zip(drawn, files, strict=True)
    ]
    refused_before = room.refused
    rows = _same(drawn, files, found, room)
    pictures: list[Picture] = []
    others = [[file for file in of if file.group != SAME] for of in files]
    for turn in zip_longest(*others):
        for position, file in enumerate(turn):
            url = room.take(file, _PANEL_WIDTH) if file else ""
            if file and url:
                pictures.append(_picture(url, drawn[position], file, found[position]))
    lines = [one.title for one in drawn]
    pictures.sort(key=lambda p: (lines.index(p.line), _order(p.group), p.rank))
    return Gallery(tuple(lines), tuple(rows), tuple(pictures), room.refused - refused_before)


def _order(group: str) -> int:
    return _GROUPS.index(group) if group in _GROUPS else len(_GROUPS)


def _same(
    drawn: Sequence[Series],
    files: Sequence[Sequence[File]],
    found: Sequence[dict[int, Found]],
    room: Room,
) -> list[tuple[Picture | None, ...]]:
    """Rows of one picture each."""
    by_image = [
        {(_images(one), file.image): file for file in of if file.group == SAME}
        for one, of in zip(drawn, files, strict=True)
    ]
    rows = []
    for image in dict.fromkeys(image for of in by_image for image in of):
        row: list[Picture | None] = []
        for position, of in enumerate(by_image):
            file = of.get(image)
            url = room.take(file, _OVERLAY_WIDTH, overlay_alone=True) if file else ""
            row.append(
                _picture(url, drawn[position], file, found[position]) if file and url else None
            )
        if any(row):
            rows.append(tuple(row))
    return rows


def _images(series: Series) -> str:
    """What tells the test images of one run from those of another."""
    return str(series.first.get("data", {}).get("fingerprint", {}).get("test"))


def _picture(url: str, series: Series, file: File, found: dict[int, Found]) -> Picture:
    of_image = found.get(file.image, Found("", "", "", None, ""))
    return Picture(url, series.title, file.group, file.rank, file.image, *of_image)
