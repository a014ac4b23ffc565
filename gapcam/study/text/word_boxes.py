"""Word boxes and heat maps: true pixels, how much of a word is marked, boxes around marks.

A heat map lies on a grid that shows a region of its picture, a box in the picture's pixels. A grid
pixel is marked if its heat is greater than the cut. A word's box ends inside of grid pixels, which
count by the part that lies in it; what the grid does not show of a word counts as not marked.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.floating]

_ROUNDING = 1e-6


def word_mask(boxes_G4: Floats, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Which pixels `(H, W)` of a picture have their centre in any word's box."""
    mask = np.zeros(size, bool)
    for left, top, right, bottom in np.ceil(boxes_G4 - 0.5).astype(int).clip(0):
        mask[top:bottom, left:right] = True
    return mask


def marked_shares(heat_HW: Floats, boxes_G4: Floats, region_4: Floats, cut: float) -> Floats:
    """How much of each word is marked, `(G,)` in 0..1."""
    parts = _parts(heat_HW, boxes_G4, region_4)
    return np.array([shares[values > cut].sum() for values, shares in parts], np.float64)


def found_below(heat_HW: Floats, boxes_G4: Floats, region_4: Floats, share: float) -> Floats:
    """The cut below which each word is found: at least this share of it is marked.

    Returns:
        `(G,)`; zero, below which there is no cut, for a word that no cut finds.
    """
    found = []
    for values, shares in _parts(heat_HW, boxes_G4, region_4):
        order = np.argsort(-values, kind="stable")
        place = np.searchsorted(shares[order].cumsum(), share - _ROUNDING)
        found.append(values[order[place]] if place < len(values) else 0.0)
    return np.array(found, np.float64)


def boxes_around_marks(
    heat_HW: Floats, region_4: Floats, cut: float, connectivity: int
) -> NDArray[np.float32]:
    """Tight boxes `(K, 4)` around the connected regions of marked pixels, in the picture's pixels.

    Args:
        heat_HW: `(H, W)`.
        region_4: what it shows.
        cut: that marked pixels exceed.
        connectivity: 8 (diagonal neighbours touch) or 4.
    """
    structure = np.ones((3, 3)) if connectivity == 8 else None
    labels, _ = ndimage.label(heat_HW > cut, structure)
    corners = [
        (across.start, down.start, across.stop, down.stop)
        for down, across in ndimage.find_objects(labels)
    ]
    x0, y0, x1, y1 = region_4
    step = np.array([(x1 - x0) / heat_HW.shape[1], (y1 - y0) / heat_HW.shape[0]] * 2)
    boxes = np.array(corners, np.float64).reshape(-1, 4) * step + [x0, y0, x0, y0]
    return np.asarray(boxes, np.float32)


def _parts(heat_HW: Floats, boxes_G4: Floats, region_4: Floats) -> Iterator[tuple[Floats, Floats]]:
    """For each word, the heat of the grid pixels that it touches, and the shares of it there."""
    height, width = heat_HW.shape
    x0, y0, x1, y1 = (float(corner) for corner in region_4)
    for left, top, right, bottom in np.asarray(boxes_G4, np.float64):
        across = _overlaps(left, right, x0, x1, width)
        down = _overlaps(top, bottom, y0, y1, height)
        rows, columns = np.flatnonzero(down), np.flatnonzero(across)
        shares = np.outer(down[rows], across[columns])
        yield heat_HW[np.ix_(rows, columns)].ravel(), shares.ravel()


def _overlaps(low: float, high: float, start: float, stop: float, cells: int) -> Floats:
    """Which share of a word's side lies in each cell of the grid's side, `(cells,)`."""
    edges = np.linspace(start, stop, cells + 1)
    inside = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
    overlaps: Floats = inside.clip(0) / (high - low)
    return overlaps
