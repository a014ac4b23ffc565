"""The box rule of the paper's released code: `dt_box`, a program that reads a grey heat map.

It cuts a map of 0..255 at three grey levels (20, 100 and 110: 8, 39 and 43 % of the maximum, where
the paper's text says 20 %), shrinks each cut by about 4 % of the radius of the largest disc in it,
takes a box around every region and every hole, and drops boxes that mostly lie in a larger one.
The first box left is the loose one, the second the tight one.

Everything here follows bboxgenerator/dt_box.cpp and dt.c of github.com/zhoubolei/CAM, oddities
included, and OpenCV as it was then (2.4 to 3.1): `findContours` blanked the outermost pixels.
Their distance transform is exact. With OpenCV's faster one (a 5x5 mask) one smooth map of 375x500
in five has other boxes, and one in fifteen another loose or tight one.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

LEVELS = (20, 100, 110)
"""Grey levels that the released scripts give to the program; its own are 30, 90 and 150."""

_SHALLOW = 10  # pixels at most this deep are dropped; the deepest counts 255
_MARGIN = 5  # no box comes nearer to the right and the bottom border
_EIGHT = np.ones((3, 3))


def dt_boxes(grey_HW: Tensor, levels: Sequence[int] = LEVELS) -> Tensor:
    """Boxes of a grey heat map, largest first, as `dt_box` writes them to its file.

    A pixel above a level is as deep as it is far from the nearest one that is not (the border of
    the image does not count); depths are scaled to 0..255 and rounded, and pixels deeper than 10
    are kept. Where no pixel lies below the level, all are kept. Equal areas keep the order in which
    they were found, as `std::sort` keeps it for up to 16 boxes (beyond, it promises none): levels
    upwards, regions from the one that begins last, each followed by its holes in the same way.

    Args:
        grey_HW: `(H, W)` uint8, on the CPU.
        levels: grey levels, ascending, in 1..254.

    Returns:
        `(K, 4)` int64 `x y width height`. Boxes end 5 pixels before the right and the bottom border
        at the latest, so a region within that margin gets a width or a height below zero. None for
        a map without a pixel above the lowest level.

    Raises:
        ValueError: if the map is empty or not `(H, W)` uint8, or the levels are not ascending in
            1..254.
    """
    if grey_HW.ndim != 2 or grey_HW.dtype != torch.uint8 or not grey_HW.numel():
        raise ValueError(
            "dt_boxes needs a grey map (H, W) of a pixel or more, of dtype uint8; "
            f"got {tuple(grey_HW.shape)} of dtype {grey_HW.dtype}"
        )
    require_levels(levels)
    height, width = grey_HW.shape
    found = [box for level in levels for box in _contour_boxes(_deep(grey_HW.numpy() > level))]
    x, y, across, down = np.array(found, np.int64).reshape(-1, 4).T
    boxes_K4 = np.stack(
        [
            np.minimum(x, width - _MARGIN),
            np.minimum(y, height - _MARGIN),
            np.minimum(across, width - x - _MARGIN),
            np.minimum(down, height - y - _MARGIN),
        ],
        axis=1,
    )
    by_area = np.argsort(-boxes_K4[:, 2] * boxes_K4[:, 3], kind="stable")
    return torch.from_numpy(_merged(boxes_K4[by_area]))


def loose_and_tight(boxes_K4: Tensor) -> Tensor:
    """The two boxes that the released scripts evaluate, in this project's convention.

    The scripts take `x y x+width y+height` for inclusive corners. A map with a single box has no
    tight one there (the script stops); here its loose box serves as both.

    Args:
        boxes_K4: `(K, 4)` as `dt_boxes` returns.

    Returns:
        `(2, 4)` float32, loose and tight, half-open; zeros if there is none.
    """
    if not len(boxes_K4):
        return torch.zeros(2, 4)
    two_24 = boxes_K4[[0, min(1, len(boxes_K4) - 1)]]
    corner, opposite = two_24[:, :2], two_24[:, :2] + two_24[:, 2:]
    low, high = torch.minimum(corner, opposite), torch.maximum(corner, opposite)
    return torch.cat([low, high + 1], dim=1).float()


def require_levels(levels: Sequence[int]) -> None:
    """Refuse grey levels that are not ascending in 1..254.

    Raises:
        ValueError: if they are not.
    """
    if not levels or not all(
        low < level for low, level in zip((0, *levels), (*levels, 255), strict=True)
    ):
        raise ValueError(f"levels must be ascending whole numbers in 1..254; got {levels!r}")


def _deep(mask_HW: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels that are not shallow."""
    if mask_HW.all() or not mask_HW.any():
        return mask_HW
    place = _surroundings(mask_HW)
    depth = ndimage.distance_transform_edt(mask_HW[place])
    deep_HW = np.zeros_like(mask_HW)
    deep_HW[place] = np.floor(depth * (255.0 / depth.max()) + 0.5) > _SHALLOW
    return deep_HW


def _surroundings(mask_HW: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The box of a mask and one pixel around it, where the image has one.

    The background that is nearest to any pixel of the mask lies in it.
    """
    rows, columns = np.flatnonzero(mask_HW.any(1)), np.flatnonzero(mask_HW.any(0))
    return (
        slice(max(rows[0] - 1, 0), rows[-1] + 2),
        slice(max(columns[0] - 1, 0), columns[-1] + 2),
    )


def _contour_boxes(mask_HW: NDArray[np.bool_]) -> Iterator[tuple[int, int, int, int]]:
    """Boxes of regions and of holes, as `findContours` with `RETR_CCOMP` lists their contours.

    Regions are 8-connected, holes 4-connected. The contour of a hole runs on the region around it,
    so its box is larger by a pixel on each side.
    """
    inner_HW = np.zeros_like(mask_HW)
    inner_HW[1:-1, 1:-1] = mask_HW[1:-1, 1:-1]
    if not inner_HW.any():
        return
    place = _surroundings(inner_HW)
    top, left = place[0].start, place[1].start
    regions, count = ndimage.label(inner_HW[place], _EIGHT)
    backgrounds, _ = ndimage.label(~inner_HW[place])
    holes: list[list[tuple[int, int, int, int]]] = [[] for _ in range(count + 1)]
    for number, (rows, columns) in enumerate(ndimage.find_objects(backgrounds), start=1):
        if number != backgrounds[0, 0]:  # which is what lies outside
            first = columns.start + int((backgrounds[rows.start, columns] == number).argmax())
            x, y, across, down = _box(rows, columns, top, left)
            around = regions[rows.start, first - 1]
            holes[around].append((x - 1, y - 1, across + 2, down + 2))
    found = list(enumerate(ndimage.find_objects(regions), start=1))
    for number, (rows, columns) in reversed(found):
        yield _box(rows, columns, top, left)
        yield from reversed(holes[number])


def _box(rows: slice, columns: slice, top: int, left: int) -> tuple[int, int, int, int]:
    """`x y width height` of a place in a part of the image that begins at `top`, `left`."""
    across, down = columns.stop - columns.start, rows.stop - rows.start
    return left + columns.start, top + rows.start, across, down


def _merged(boxes_K4: NDArray[np.int64]) -> NDArray[np.int64]:
    """Drop boxes that share more than half of the larger area with an earlier one.

    The box after a dropped one is not compared with the same earlier box: of the near twins that
    two close levels give, one stays.
    """
    first = 0
    while first < len(boxes_K4):
        is_twin = _share_half(boxes_K4[first], boxes_K4[first + 1 :])
        dropped: list[int] = []
        for place in first + 1 + np.flatnonzero(is_twin):
            if not dropped or place != dropped[-1] + 1:
                dropped.append(int(place))
        boxes_K4 = np.delete(boxes_K4, dropped, axis=0)
        first += 1
    return boxes_K4


def _share_half(box_4: NDArray[np.int64], boxes_K4: NDArray[np.int64]) -> NDArray[np.bool_]:
    low = np.maximum(box_4[:2], boxes_K4[:, :2])
    high = np.minimum(box_4[:2] + box_4[2:], boxes_K4[:, :2] + boxes_K4[:, 2:])
    shared = np.maximum(high - low, 0).prod(1)
    larger = np.maximum(box_4[2] * box_4[3], boxes_K4[:, 2] * boxes_K4[:, 3])
    return np.asarray(shared > np.trunc(larger * 0.5))
