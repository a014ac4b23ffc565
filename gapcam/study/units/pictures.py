"""Pictures of units: what they answer to, cut out of its picture, and their receptive fields."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import binary_erosion

from gapcam.study.drawing import one_below_the_other, side_by_side, with_words
from gapcam.study.units.receptive_field import Field

DIMMED = 0.2
"""Of what lies outside, as in the authors' cnnvisualizer."""
IN_A_ROW = 4
_SIDE = 128


def cut_out(view: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Image.Image:
    """A picture `(H, W, 3)`, dark outside of a mask `(H, W)`."""
    light = np.where(mask, 1.0, DIMMED)[..., None]
    picture = Image.fromarray((view * light).round().astype(np.uint8))
    factor = _SIDE / max(picture.size)
    width, height = (max(1, round(side * factor)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BICUBIC)


def sheet_of_unit(tiles: Sequence[Image.Image], words: Sequence[Sequence[str]]) -> Image.Image:
    """Pictures of a unit in rows, with words below each."""
    told = [with_words(tile, *lines) for tile, lines in zip(tiles, words, strict=True)]
    rows = [told[start : start + IN_A_ROW] for start in range(0, len(told), IN_A_ROW)]
    return one_below_the_other([side_by_side(row) for row in rows])


def figure_of_class(tiles: Sequence[Sequence[Image.Image]]) -> Image.Image:
    """The first pictures of each of a class's units, a row a unit (Figure 13 of the paper)."""
    return one_below_the_other([side_by_side(row[:IN_A_ROW]) for row in tiles])


def field_picture(field: Field, reach: int | None) -> Image.Image:
    """The middle of a receptive field, its half height outlined, and the frame of the theory.

    Args:
        field: of a unit.
        reach: side of the theoretical one, which the frame shows where it is not cut; null for half
            of the offsets and no frame.
    """
    peak = field.max()
    share = field / peak if peak > 0 else field
    half = [(side - 1) // 2 for side in field.shape]
    shown = min(*half, max(half) // 2 if reach is None else (reach + 1) // 2 + 2)
    share = share[half[0] - shown : half[0] + shown + 1, half[1] - shown : half[1] + shown + 1]
    pixels = (255 * matplotlib.colormaps["viridis"](share)[..., :3]).round().astype(np.uint8)
    is_seen = share > 0.5
    pixels[is_seen & ~binary_erosion(is_seen)] = 255
    side = 2 * _SIDE
    picture = Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST)
    if reach is not None:
        scale, middle = side / len(pixels), side / 2
        corners = [middle + sign * scale * reach / 2 for sign in (-1, -1, 1, 1)]
        ImageDraw.Draw(picture).rectangle(corners, outline="#ffffff")
    return picture
