"""Pictures of the study of informative objects: bars of a scene, and examples with outlines."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import binary_erosion

from gapcam.study.drawing import fit, side_by_side, with_words
from gapcam.study.objects.guess_maps import spread
from gapcam.study.objects.informative import Looked, Ranked, Rule, region_of
from gapcam.study.objects.outlined import Polygon
from gapcam.viz.overlay import overlay

_SIDE = 256
_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#D55E00", "#CC79A7")
"""Okabe and Ito's, which colour-blind people can tell apart."""
_BLUE, _ORANGE, _DARK = "#0072B2", "#E69F00", "#222222"
_LONGEST = 120
"""Pixels of an object's name on a picture."""
_FONT_SIZE = 13
_LINE = 16
_STEPS = (0, _LINE, -_LINE, 2 * _LINE, -2 * _LINE, 3 * _LINE, -3 * _LINE)


def draw_bars(
    name: str, frequent: Sequence[Ranked], informative: Sequence[Ranked], ranking: str
) -> Image.Image:
    """Draw a scene's most frequent and most informative objects as bars, chance as a mark.

    Args:
        name: of the scene.
        frequent: shown by their frequency.
        informative: shown by their overlap.
        ranking: how they are ranked, in words.
    """
    rows = max(len(frequent), len(informative), 1)
    figure = Figure(figsize=(4.2, 1.7 + 0.44 * rows), layout="constrained", dpi=180)
    top, bottom = figure.subplots(2, 1, sharex=True)
    figure.suptitle(name, fontsize=12, fontweight="bold")
    shares = [one.frequency for one in frequent]
    _bars(top, rows, frequent, shares, shares, _BLUE)
    top.set_title("most frequent: share of the pictures", fontsize=9.5)
    chances = [one.chance or 0.0 for one in informative]
    overlaps = [one.overlap or 0.0 for one in informative]
    ends = [max(pair) for pair in zip(overlaps, chances, strict=True)]
    _bars(bottom, rows, informative, overlaps, ends, _ORANGE)
    bottom.set_title(f"most informative: {ranking}", fontsize=9.5)
    bottom.plot(chances, range(len(informative)), "D", color=_DARK, markersize=5, label="by chance")
    bottom.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.12), frameon=False)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return Image.open(file).convert("RGB")


def draw_example(
    picture: Image.Image, one: Looked, names: Sequence[str], rule: Rule, words: str
) -> Image.Image:
    """Draw a picture with outlines of some objects beside its map with the region's border.

    Args:
        picture: the original.
        one: what was found in it.
        names: of the objects; those that are not there are left out.
        rule: of the region.
        words: below.
    """
    factor = _SIDE / max(picture.size)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    small = picture.resize(size, Image.Resampling.BICUBIC)
    heat = spread(one.map, rule.grid)
    region, part = region_of(heat, rule)
    whole = np.zeros_like(heat.shown)
    whole[part] = region
    looked = _with_border(overlay(small, _enlarged(heat.values, size)), whole)
    outlined = {name: one.picture.objects[name] for name in names if name in one.picture.objects}
    colours = {name: _COLOURS[place % len(_COLOURS)] for place, name in enumerate(names)}
    left = _with_names(_with_outlines(small, outlined, colours), outlined, colours)
    right = _with_outlines(looked, outlined, colours)
    return with_words(side_by_side([left, right]), words)


def _bars(
    axes: Axes,
    rows: int,
    objects: Sequence[Ranked],
    values: Sequence[float],
    ends: Sequence[float],
    colour: str,
) -> None:
    """Bars in the first of the rows, with names on the left and values behind `ends`."""
    names = [fit(one.name, _LONGEST) for one in objects]
    axes.barh(range(len(names)), values, color=colour, edgecolor=_DARK, linewidth=0.6)
    for place, (value, end) in enumerate(zip(values, ends, strict=True)):
        axes.text(end + 0.03, place, f"{value:.2f}", fontsize=9, va="center")
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_xlim(0, 1.16)
    axes.spines[["top", "right"]].set_visible(False)


def _enlarged(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """A map in 0..1 on a picture of this width and height."""
    heat = np.maximum(values, 0).astype(np.float32)
    peak = heat.max()
    picture = Image.fromarray(heat / peak if peak > 0 else heat)
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR)).clip(0, 1)


def _with_border(picture: Image.Image, region: NDArray[np.bool_]) -> Image.Image:
    """A dark and a white line around a region that covers the whole picture."""
    mask = np.asarray(Image.fromarray(region).resize(picture.size, Image.Resampling.NEAREST))
    pixels = np.asarray(picture).copy()
    inner = binary_erosion(mask, iterations=2, border_value=1)
    pixels[inner & ~binary_erosion(inner, border_value=1)] = 0
    pixels[mask & ~inner] = 255
    return Image.fromarray(pixels)


def _with_outlines(
    picture: Image.Image, outlined: Mapping[str, Sequence[Polygon]], colours: Mapping[str, str]
) -> Image.Image:
    picture = picture.copy()
    pen = ImageDraw.Draw(picture)
    for name, polygons in outlined.items():
        for polygon in polygons:
            points = [tuple(point) for point in (polygon * picture.size).tolist()]
            pen.line([*points, points[0]], fill="black", width=4)
            pen.line([*points, points[0]], fill=colours[name], width=2)
    return picture


def _with_names(
    picture: Image.Image, outlined: Mapping[str, Sequence[Polygon]], colours: Mapping[str, str]
) -> Image.Image:
    """Each name in the middle of its largest outline, or as near as another name lets it."""
    picture = picture.copy()
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(_FONT_SIZE)
    taken: list[tuple[float, float, float, float]] = []
    for name, polygons in outlined.items():
        largest = max(polygons, key=lambda polygon: float(np.ptp(polygon, axis=0).prod()))
        text = fit(name, _LONGEST)
        half = font.getlength(text) / 2 + 2
        x, y = (largest.mean(0) * picture.size).tolist()
        x = _within(x, half, picture.width - half)
        places = [_within(y + step, _LINE / 2, picture.height - _LINE / 2) for step in _STEPS]
        boxes = [(x - half, y - _LINE / 2, x + half, y + _LINE / 2) for y in places]
        box = next(
            (one for one in boxes if not any(_touch(one, other) for other in taken)), boxes[0]
        )
        taken.append(box)
        middle = (x, (box[1] + box[3]) / 2)
        pen.text(
            middle, text, colours[name], font, anchor="mm", stroke_width=2, stroke_fill="black"
        )
    return picture


def _within(value: float, low: float, high: float) -> float:
    return max(low, min(value, high))


def _touch(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
