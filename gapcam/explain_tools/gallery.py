"""All pictures at a glance: contact sheets, and a page that works offline."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from PIL import Image, ImageDraw, ImageFont

from gapcam.atomic import atomic_path, write_text
from gapcam.explain_tools.record import Entry
from gapcam.viz.overlay import fit
from gapcam.viz.pages import PAGES, data_url

MOST_EMBEDDED = 300
"""Pictures that a page holds; with more of them it shows the files beside it."""

_SIDE, _GAP, _LINE, _COLUMNS, _ROWS = 200, 8, 17, 6, 8
_WIDTH, _QUALITY = 720, 75


class Remark(NamedTuple):
    """What is said of a picture; `kind` is `note` or `not explained`."""

    kind: str
    name: str
    text: str


def write_contact_sheets(folder: Path, entries: Sequence[Entry], rule: str) -> None:
    """Write `contact-1.png`, ...: the first class's overlay of each picture, side by side.

    Args:
        folder: of the results, with the sheets of the pictures.
        entries: of pictures that were explained.
        rule: that boxes were cut by, for the first line.
    """
    for old in folder.glob("contact-*.png"):
        old.unlink()
    count = _COLUMNS * _ROWS
    for number, start in enumerate(range(0, len(entries), count), start=1):
        with atomic_path(folder / f"contact-{number}.png") as temporary:
            _contact(folder, entries[start : start + count], rule).save(temporary, format="PNG")


def write_page(
    folder: Path,
    entries: Sequence[Entry],
    remarks: Sequence[Remark],
    info: dict[str, Any],
) -> None:
    """Write `index.html`.

    Args:
        folder: of the results.
        entries: of pictures that were explained.
        remarks: on pictures.
        info: what was done: `description`, `protocol`, `maps`, `command`.
    """
    embeds = len(entries) <= MOST_EMBEDDED
    pictures = [
        {
            "source": _embedded(folder / entry["sheet"]) if embeds else quote(entry["sheet"]),
            "file": quote(entry["sheet"]),
            "name": entry["name"],
            "classes": ", ".join(f"{one['name']} {one['score']:.1%}" for one in entry["found"]),
        }
        for entry in entries
    ]
    template = PAGES.get_template("explain_tools/page.html.jinja")
    text = template.render(pictures=pictures, remarks=remarks, info=info, embeds=embeds)
    write_text(folder / "index.html", text)


def _contact(folder: Path, entries: Sequence[Entry], rule: str) -> Image.Image:
    columns = min(_COLUMNS, len(entries))
    rows = -(-len(entries) // columns)
    cell = _SIDE + 2 * _LINE + _GAP
    width = max(columns * (_SIDE + _GAP), 3 * _SIDE)
    sheet = Image.new("RGB", (width, rows * cell + _LINE), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for number, entry in enumerate(entries):
        left, top = number % columns * (_SIDE + _GAP), number // columns * cell
        with Image.open(folder / entry["sheet"]) as whole:
            view = whole.crop(entry["best"])
        view.thumbnail((_SIDE, _SIDE))
        sheet.paste(view, (left, top + _SIDE - view.height))
        best = entry["found"][0]
        words = (f"{best['name']} {best['score']:.0%}", entry["name"])
        for line, (text, ink) in enumerate(zip(words, ("black", "#555555"), strict=True)):
            place = (left, top + _SIDE + line * _LINE)
            pen.text(place, fit(text, font, _SIDE), ink, font)
    pen.text((0, rows * cell), fit(rule, font, width), "#555555", font)
    return sheet


def _embedded(path: Path) -> str:
    with Image.open(path) as sheet:
        sheet.thumbnail((_WIDTH, 4 * _WIDTH))
        buffer = io.BytesIO()
        sheet.save(buffer, format="WEBP", quality=_QUALITY)
    return data_url(buffer.getvalue(), "webp")
