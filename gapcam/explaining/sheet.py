"""One picture beside the overlays of its classes, with words, as a picture."""

from textwrap import wrap
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from gapcam.explaining.explanation import Explanation
from gapcam.viz.overlay import fit

_GAP, _LINE, _FONT, _COLUMNS, _LETTER = 6, 18, 13, 3, 7


class Drawn(NamedTuple):
    """A `sheet`, and the place on it of the first class's overlay: left, top, right, bottom."""

    sheet: Image.Image
    best: tuple[int, int, int, int]


def draw_sheet(
    one: Explanation, name: str, side: int, opacity: float = 0.55, colours: str = "viridis"
) -> Drawn:
    """Draw the first picture of an explanation, and under it the rule that boxes were cut by.

    Args:
        one: of a picture.
        name: of the picture, for people.
        side: longer side of each view of it.
        opacity: of the maps, 0..1.
        colours: one of `gapcam.viz.colours.COLOURS`.
    """
    count = one.classes.shape[1]
    tiles = [one.picture(0, side)]
    tiles += [
        one.overlay(0, rank, side=side, opacity=opacity, colours=colours) for rank in range(count)
    ]
    captions = [name]
    captions += [
        f"{one.class_name(0, rank)} {float(one.scores[0, rank]):.1%}" for rank in range(count)
    ]
    # A narrow picture needs room for its words all the same.
    width, height = max(tiles[0].width, side // 2), tiles[0].height
    columns = min(_COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    whole = columns * width + (columns - 1) * _GAP
    rule = wrap(f"{one.protocol.title}: {one.protocol.rule}", max(20, whole // _LETTER))
    bottom = rows * (height + _LINE + _GAP)
    sheet = Image.new("RGB", (whole, bottom + _LINE * len(rule)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(_FONT)
    places = []
    for number, (tile, caption) in enumerate(zip(tiles, captions, strict=True)):
        left = number % columns * (width + _GAP)
        top = number // columns * (height + _LINE + _GAP)
        sheet.paste(tile, (left, top))
        places.append((left, top, left + tile.width, top + tile.height))
        pen.text((left + 1, top + height), fit(caption, font, width - 2), "black", font)
    for number, line in enumerate(rule):
        pen.text((1, bottom + _LINE * number), line, "#555555", font)
    return Drawn(sheet, places[1])
