"""Heat maps and boxes drawn on pictures."""

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from gapcam.viz.colours import PREDICTED_COLOUR, TRUE_COLOUR
from gapcam.viz.localizations import Localization

_HALO = "#000000"
_SIDE = 256
_CAPTION_HEIGHT = 24


def overlay(
    picture: Image.Image,
    heat: NDArray[np.floating],
    opacity: float = 0.55,
    colours: str = "viridis",
) -> Image.Image:
    """Lay a heat map over a picture.

    Args:
        picture: RGB.
        heat: `(H, W)` in 0..1, of the picture's size.
        opacity: of the map.
        colours: one of `gapcam.viz.colours.COLOURS`.
    """
    painted = matplotlib.colormaps[colours](heat)[..., :3]
    blend = (1 - opacity) * np.asarray(picture) / 255 + opacity * painted
    return Image.fromarray((blend * 255).round().astype(np.uint8))


def draw_boxes(
    picture: Image.Image, boxes: Sequence[NDArray[np.floating]], colour: str
) -> Image.Image:
    """Draw half-open boxes as two-pixel frames with a dark halo; returns a copy."""
    picture = picture.copy()
    draw = ImageDraw.Draw(picture)
    for x0, y0, x1, y1 in boxes:
        if x1 - x0 >= 1 and y1 - y0 >= 1:
            corners = (
                round(float(x0)),
                round(float(y0)),
                round(float(x1)) - 1,
                round(float(y1)) - 1,
            )
            draw.rectangle(corners, outline=_HALO, width=4)
            draw.rectangle(_shrink(corners), outline=colour, width=2)
    return picture


def panel(found: Localization) -> Image.Image:
    """Draw picture and overlay side by side, both with true and predicted box, and a caption."""
    picture, heat, scale = _resized(found, _SIDE)
    width, height = picture.size
    sheet = Image.new("RGB", (2 * width + 4, height + _CAPTION_HEIGHT), "white")
    for left, view in zip((0, width + 4), (picture, overlay(picture, heat)), strict=True):
        sheet.paste(_with_boxes(view, found, scale), (left, 0))
    font = ImageFont.load_default(13)
    text = fit(found.caption, font, sheet.width - 4)
    ImageDraw.Draw(sheet).text((2, height + 4), text, fill="black", font=font)
    return sheet


def thumbnail(found: Localization, side: int) -> Image.Image:
    """Draw the overlay with true and predicted box; its longer side has `side` pixels."""
    picture, heat, scale = _resized(found, side)
    return _with_boxes(overlay(picture, heat), found, scale)


def side_by_side(
    columns: Mapping[str, Sequence[Localization]], heading: str, side: int = 200
) -> Image.Image:
    """Draw the same pictures as several methods see them: a row a picture, a column a method.

    Args:
        columns: of the same pictures, in the same order, by the method's title.
        heading: above all of them.
        side: of the longer side of each picture, in pixels.
    """
    width, height = side + 4, side + _CAPTION_HEIGHT
    rows = len(next(iter(columns.values())))
    sheet = Image.new("RGB", (width * len(columns), 2 * _CAPTION_HEIGHT + height * rows), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    draw.text((2, 4), fit(heading, font, sheet.width - 4), fill="black", font=font)
    for column, (title, found) in enumerate(columns.items()):
        left = column * width
        draw.text((left + 2, _CAPTION_HEIGHT + 4), fit(title, font, side), fill="black", font=font)
        for row, one in enumerate(found):
            top = 2 * _CAPTION_HEIGHT + row * height
            sheet.paste(thumbnail(one, side), (left, top))
            text = f"{one.guess_name}, IoU {one.iou:.2f}"
            place = (left + 2, top + height - _CAPTION_HEIGHT + 2)
            draw.text(place, fit(text, font, side), fill="black", font=font)
    return sheet


def _resized(
    found: Localization, side: int
) -> tuple[Image.Image, NDArray[np.floating], NDArray[np.floating]]:
    """Picture and heat map with a longer side of `side`, and by what boxes have to be scaled."""
    factor = side / max(found.picture.size)
    width, height = (max(1, round(length * factor)) for length in found.picture.size)
    picture = found.picture.resize((width, height), Image.Resampling.BICUBIC)
    heat = Image.fromarray(found.heat).resize((width, height), Image.Resampling.BILINEAR)
    scale = np.array([width / found.picture.width, height / found.picture.height] * 2)
    return picture, np.asarray(heat).clip(0, 1), scale


def _with_boxes(view: Image.Image, found: Localization, scale: NDArray[np.floating]) -> Image.Image:
    with_truth = draw_boxes(view, list(found.true_boxes * scale), TRUE_COLOUR)
    return draw_boxes(with_truth, [box * scale for box in found.boxes], PREDICTED_COLOUR)


def _shrink(corners: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = corners
    return (x0 + 1, y0 + 1, x1 - 1, y1 - 1) if x1 - x0 > 4 and y1 - y0 > 4 else corners


def fit(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """As much of a text as fits into so many pixels."""
    while text and font.getlength(text) > width:
        text = text[:-2] + "…"
    return text
