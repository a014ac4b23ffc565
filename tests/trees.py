"""Maps that trees of components are tested on, and their components found mask by mask."""

from collections import Counter

import numpy as np
from masks import NASTY, generated_maps
from numpy.typing import NDArray
from scipy import ndimage

from gapcam.cam.enlarge import enlarge

Map = NDArray[np.float32]
Component = tuple[int, int, int, int, int]
"""First and last column and row, in the order of a box, and the area."""


def _noise(*shape: int, seed: int = 0) -> Map:
    return np.random.default_rng(seed).random(shape, np.float32)


def _enlarged(side: int, noise: float) -> Map:
    return enlarge(generated_maps(1, (side, side), noise), (60, 50))[0].numpy()


def _stacked(*names: str) -> Map:
    """Nasty masks on top of each other, as far as they overlap."""
    side = min(len(NASTY[name]) for name in names)
    return sum(NASTY[name][:side, :side].astype(np.float32) for name in names) / len(names)


VALUES = {
    "one pixel": np.ones((1, 1), np.float32),
    "constant": np.ones((7, 5), np.float32),
    "one row": _noise(1, 40),
    "one column": _noise(40, 1),
    "ramp": np.linspace(0, 1, 63, dtype=np.float32).reshape(7, 9),
    "falling ramp": np.linspace(1, 0, 63, dtype=np.float32).reshape(9, 7),
    "noise": _noise(24, 31),
    "plateaus": np.round(_noise(30, 23) * 3) / 3,
    "smooth": _enlarged(4, 0.05),
    "bumpy": _enlarged(9, 0.3),
    "smooth plateaus": np.round(_enlarged(5, 0.1) * 6) / 6,
    "two equal hills": np.maximum(*(np.roll(_enlarged(3, 0), shift, 1) for shift in (0, 25))),
    "spiral and comb": _stacked("spiral", "comb", "serpentine"),
    "percolation": _stacked("percolation, 4", "percolation, 8"),
    "ring": _stacked("ring", "full"),
    **{name: mask.astype(np.float32) for name, mask in NASTY.items()},
}


def levels_of(values: Map, thresholds: NDArray[np.float32]) -> NDArray[np.uint16]:
    return (values[..., None] > thresholds).sum(-1).astype(np.uint16)


def components(mask: NDArray[np.bool_], reach: int, weights: NDArray[np.uint8]) -> Counter:
    """Count the components of a mask: each box, area and first pixel."""
    labels, count = ndimage.label(mask, np.ones((3, 3)) if reach else None)
    found = Counter()
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels, count), 1):
        pixels = np.flatnonzero(labels == number)
        area = int(weights.ravel()[pixels].sum())
        box = (columns.start, rows.start, columns.stop - 1, rows.stop - 1)
        found[(*box, area, int(pixels[0]))] += 1
    return found


def nodes_at(nodes: NDArray[np.void], level: int) -> Counter:
    alive = nodes[(nodes["bottom"] <= level) & (level <= nodes["top"])]
    names = ["x0", "y0", "x1", "y1", "area", "first"]
    return Counter(tuple(int(node[name]) for name in names) for node in alive)
