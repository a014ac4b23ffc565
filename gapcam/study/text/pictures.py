"""Pictures of the text detector: words, its map, and boxes around what the map marks."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gapcam.study.drawing import side_by_side, with_words
from gapcam.viz.colours import PREDICTED_COLOUR, TRUE_COLOUR
from gapcam.viz.overlay import draw_boxes, overlay

SIDE = 320
"""Longer side of a picture; a word may be a twentieth of it."""


def draw_text(
    picture: Image.Image,
    heat: NDArray[np.floating],
    region: NDArray[np.floating],
    words: NDArray[np.floating],
    boxes: NDArray[np.floating],
    lines: Sequence[str],
) -> Image.Image:
    """The picture with the words' boxes, beside its map with boxes around what is marked.

    Args:
        picture: the original.
        heat: `(H, W)` in 0..1.
        region: `(4,)` what it shows, in the original's pixels.
        words: `(G, 4)` in the original's pixels.
        boxes: `(K, 4)` likewise.
        lines: of text below.
    """
    scale = SIDE / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    small = picture.resize((width, height), Image.Resampling.BICUBIC)
    mapped = overlay(small, _on_picture(heat, region * scale, (height, width)))
    left, right = (draw_boxes(one, list(words * scale), TRUE_COLOUR) for one in (small, mapped))
    right = draw_boxes(right, list(boxes * scale), PREDICTED_COLOUR)
    return with_words(side_by_side([left, right]), *lines)


def _on_picture(
    heat: NDArray[np.floating], region: NDArray[np.floating], size: tuple[int, int]
) -> NDArray[np.float32]:
    """The map where its region lies in the picture; zero where it shows nothing."""
    x0, y0, x1, y1 = (round(float(corner)) for corner in region)
    part = Image.fromarray(heat.astype(np.float32))
    part = part.resize((max(1, x1 - x0), max(1, y1 - y0)), Image.Resampling.BILINEAR)
    canvas = Image.new("F", (size[1], size[0]))
    canvas.paste(part, (x0, y0))
    return np.asarray(canvas).clip(0, 1)
