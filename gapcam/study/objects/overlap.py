"""Regions of high activation and objects on the same grid, and how much they overlap.

A grid covers the whole picture with cells of equal size, so shares of the grid are shares of the
picture. Masks are `(H, W)` bool, areas are counted in cells.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.path import Path
from numpy.typing import NDArray
from scipy import fft

REGIONS = ("max", "share")
MEASURES = ("object", "region", "iou")

Mask = NDArray[np.bool_]


def high_region(values: NDArray[np.floating], kind: str, level: float) -> Mask:
    """Where a map is high.

    Args:
        values: `(H, W)`.
        kind: `max`: above the fraction `level` of the map's maximum, nowhere if that is not
            positive; `share`: the share `level` of the cells that is highest. Of cells that are
            equal at the limit none is taken, so a flat map has no region.
        level: in (0, 1).

    Example:
        >>> high_region(np.array([[1.0, 4.0, 5.0, 0.0]]), "max", 0.5).astype(int)
        array([[0, 1, 1, 0]])
        >>> high_region(np.array([[1.0, 4.0, 5.0, 0.0]]), "share", 0.25).astype(int)
        array([[0, 0, 1, 0]])
    """
    high = values.max()
    if kind == "max":
        return values > (level * high if high > 0 else np.inf)
    below = values.size - max(1, round(level * values.size)) - 1
    limit: float = np.partition(values, max(below, 0), axis=None)[max(below, 0)]
    return values > limit


def cover(polygons: Sequence[NDArray[np.floating]], grid: tuple[int, int]) -> Mask:
    """Cells whose centre lies in one polygon or several; crossing lines leave holes.

    A polygon too small for any centre has the one cell that its points lie around. What lies
    outside of the picture is cut off; a polygon without area covers nothing.

    Args:
        polygons: `(N, 2)` each, x y as shares of the picture's width and height.
        grid: height and width of the mask.
    """
    mask = np.zeros(grid, np.bool_)
    for polygon in polygons:
        _draw(mask, polygon.astype(np.float64) * grid[::-1])
    return mask


def measure(
    common: NDArray[np.integer] | int, thing: int, region: int, kind: str
) -> NDArray[np.float64]:
    """How much a thing and a region overlap, in 0..1; 0 where either is empty.

    Args:
        common: area of what they share, one or many.
        thing: area of the thing.
        region: area of the region.
        kind: shared part of the thing (`object`), of the region (`region`), or of both together
            (`iou`).
    """
    common = np.asarray(common, np.float64)
    whole = {"object": thing, "region": region}.get(kind, thing + region - common)
    return common / np.maximum(whole, 1)


def moved(thing: Mask, region: Mask) -> NDArray[np.int64]:
    """Area that a thing shares with a region moved by each number of rows and columns.

    What leaves the grid on one side comes back on the other, so the region keeps its area.

    Returns:
        `(H, W)`: `[y, x]` of the region moved y down and x to the right.
    """
    frequencies = fft.rfft2(thing.astype(np.float64)) * fft.rfft2(region.astype(np.float64)).conj()
    shared: NDArray[np.int64] = np.rint(fft.irfft2(frequencies, thing.shape)).astype(np.int64)
    return shared


def centred(area: int, grid: tuple[int, int]) -> Mask:
    """A rectangle of the grid's shape in its centre, whose area is near to `area`."""
    side = (area / (grid[0] * grid[1])) ** 0.5
    down, across = (np.abs(np.arange(n) + 0.5 - n / 2) < side * n / 2 for n in grid)
    inside: Mask = down[:, None] & across
    return inside


def _draw(mask: Mask, points: NDArray[np.float64]) -> None:
    """Add the cells of a polygon, whose points are in cells."""
    limits = np.array(mask.shape[::-1])
    first = np.clip(np.floor(points.min(0)), 0, limits).astype(int)
    last = np.clip(np.ceil(points.max(0)), 0, limits).astype(int)
    if (last <= first).any():
        return
    x, y = np.meshgrid(*(np.arange(a, b) + 0.5 for a, b in zip(first, last, strict=True)))
    inside = Path(points).contains_points(np.column_stack([x.ravel(), y.ravel()]))
    if inside.any():
        mask[first[1] : last[1], first[0] : last[0]] |= inside.reshape(x.shape)
        return
    column, row = np.floor(points.mean(0)).astype(int)
    if _area(points) > 0 and 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1]:
        mask[row, column] = True


def _area(points: NDArray[np.float64]) -> float:
    """Area by the shoelace formula; 0 of points on a line."""
    x, y = (points - points[0]).T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)
