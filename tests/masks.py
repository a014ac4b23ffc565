"""Masks that components are tested on, maps like those of networks, and two references."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

Mask = NDArray[np.bool_]
Found = tuple[list[int], int]
"""Box, half-open, and area."""


def by_scipy(mask: Mask, connectivity: int) -> Found:
    """SciPy numbers components in raster order of their first pixels."""
    structure = np.ones((3, 3)) if connectivity == 8 else None
    labels, count = ndimage.label(mask, structure)
    if count == 0:
        return [0, 0, 0, 0], 0
    areas = np.bincount(labels.ravel())[1:]
    winner = int(areas.argmax())  # the first of equals
    rows, columns = ndimage.find_objects(labels)[winner]
    return [columns.start, rows.start, columns.stop, rows.stop], int(areas[winner])


def by_opencv(mask: Mask, connectivity: int) -> Found:
    """OpenCV numbers components in an order of its own, so ties are broken here."""
    count, labels, facts, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=connectivity
    )
    if count == 1:
        return [0, 0, 0, 0], 0
    areas = facts[1:, cv2.CC_STAT_AREA]
    largest = 1 + np.flatnonzero(areas == areas.max())
    winner = labels[np.isin(labels, largest)][0]  # of equals, the one that begins first
    x, y, width, height, area = (int(fact) for fact in facts[winner])
    return [x, y, x + width, y + height], area


def spiral(side: int) -> Mask:
    mask = np.zeros((side, side), bool)
    y, x, dy, dx = 0, 0, 0, 1
    mask[0, 0] = True
    for length in sorted([*range(1, side, 2)] * 2, reverse=True):
        for _ in range(min(length, side - 1)):
            if not (0 <= y + dy < side and 0 <= x + dx < side):
                break
            y, x = y + dy, x + dx
            mask[y, x] = True
        dy, dx = dx, -dy
    return mask


def comb(side: int) -> Mask:
    mask = np.zeros((side, side), bool)
    mask[:, ::2] = True
    mask[-1] = True
    return mask


def serpentine(side: int) -> Mask:
    mask = np.zeros((side, side), bool)
    mask[::2] = True
    mask[1::4, -1] = mask[3::4, 0] = True
    return mask


def hilbert(order: int) -> Mask:
    """The curve of Hilbert through `2**order` points a side, drawn with gaps of one pixel."""
    turns = np.array([[0, 0]])
    for _ in range(order):
        side = 2 ** int(np.log2(len(turns)) / 2)
        flipped, rest = turns[:, ::-1], turns + np.array([0, side])
        last = np.stack([2 * side - 1 - turns[:, 1], side - 1 - turns[:, 0]], 1)
        turns = np.concatenate([flipped, rest, turns + side, last])
    mask = np.zeros((2 ** (order + 1) - 1,) * 2, bool)
    mask[tuple(2 * turns.T)] = True
    mask[tuple((turns[1:] + turns[:-1]).T)] = True
    return mask


def equal_squares(side: int, random: np.random.Generator) -> Mask:
    mask = np.zeros((side, side), bool)
    for y, x in random.integers(0, side - 3, (side // 3, 2)):
        mask[y : y + 3, x : x + 3] = True
    return mask


NASTY = {
    "empty": np.zeros((9, 9), bool),
    "full": np.ones((9, 9), bool),
    "one pixel": np.eye(1, dtype=bool),
    "checkerboard": np.indices((24, 24)).sum(0) % 2 == 0,
    "diagonal": np.eye(31, dtype=bool),
    "anti-diagonal": np.fliplr(np.eye(31, dtype=bool)).copy(),
    "stripes": np.indices((24, 24)).sum(0) % 3 == 0,
    "dots": (np.indices((20, 20)) % 2 == 0).all(0),
    "spiral": spiral(61),
    "comb": comb(64),
    "comb upside down": np.flipud(comb(64)).copy(),
    "serpentine": serpentine(65),
    "serpentine, columns": serpentine(65).T.copy(),
    "hilbert": hilbert(5),
    "one row": np.array([[1, 1, 0, 1]], bool),
    "one column": np.array([[1], [0], [1], [1]], bool),
    "ring": np.pad(np.zeros((5, 5), bool), 1, constant_values=True),
    "percolation, 4": np.random.default_rng(0).random((96, 96)) < 0.593,
    "percolation, 8": np.random.default_rng(0).random((96, 96)) < 0.407,
    "equal squares": equal_squares(40, np.random.default_rng(0)),
}


def random_masks(count: int, shape: tuple[int, int], seed: int) -> NDArray[np.bool_]:
    """Noise of any density, thresholded smooth fields, flipped checkerboards, equal dots."""
    random = np.random.default_rng(seed)
    masks = np.zeros((count, *shape), bool)
    for number, mask in enumerate(masks):
        noise = random.random(shape)
        if number % 4 == 0:
            mask[:] = noise < random.uniform(0.02, 0.98)
        elif number % 4 == 1:
            field = ndimage.gaussian_filter(noise, random.uniform(0.7, 8))
            mask[:] = field > np.quantile(field, random.uniform(0.05, 0.95))
        elif number % 4 == 2:
            mask[:] = (np.indices(shape).sum(0) % 2 == 0) ^ (noise < random.choice([0, 0.01, 0.1]))
        else:
            mask[:] = ndimage.binary_dilation(noise < 0.02, np.ones((2, 2)))
    return masks


def generated_maps(count: int, shape: Sequence[int], noise: float, seed: int = 0) -> Tensor:
    """Maps `(N, h, w)` of one to four Gaussian hills and noise, some values below zero."""
    random = np.random.default_rng(seed)
    y, x = np.indices(shape)
    maps = random.normal(0, noise, (count, *shape))
    for number in range(count):
        for _ in range(random.integers(1, 5)):
            centre, width = random.uniform(0, shape), random.uniform(0.06, 0.2, 2) * shape
            distance = ((y - centre[0]) / width[0]) ** 2 + ((x - centre[1]) / width[1]) ** 2
            maps[number] += random.uniform(0.3, 1) * np.exp(-distance / 2)
    return torch.from_numpy(maps).float()
