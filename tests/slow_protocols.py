"""Protocols written slowly: image by image, threshold by threshold, with other libraries."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from masks import by_scipy
from numpy.typing import NDArray
from torch import Tensor

from gapcam.cam.enlarge import enlarge
from gapcam.cam.views import centre_offset, region, ten_offsets
from gapcam.protocol import PUBLISHED, Protocol

VIEW = (24, 24)
FULL = (32, 32)
"""Pictures are squashed to this size, and views are cut from it."""

SIZES = [(32, 64), (96, 64), (64, 96), (37, 71)]
"""Of the originals."""

CELLS = (6, 7)
CLASSES = 2

Map = NDArray[np.float64]

CUT = [
    (PUBLISHED["paper"], "whole"),
    (PUBLISHED["paper"], "centre"),
    (PUBLISHED["paper"], "ten"),
    (PUBLISHED["wsolevaluation"].at(0.4), "whole"),
    (PUBLISHED["wsolevaluation"].at(0.0), "whole"),
    (PUBLISHED["exact"].at(0.35), "centre"),
    (Protocol(name="mine", grid=19, connectivity=4), "whole"),
    (Protocol(name="mine", grid=19, interpolation="cubic", threshold=0.6), "centre"),
    (Protocol(name="mine", grid="original"), "whole"),
    (Protocol(name="mine", grid="original", interpolation="cubic"), "centre"),
    (Protocol(name="mine", grid="original", normalise="minmax"), "ten"),
    (Protocol(name="mine", grid=64, merge="absolute", coverage=False), "ten"),
    (Protocol(name="mine", grey=True), "whole"),
    (Protocol(name="mine", grey=True, grid="original", connectivity=4), "centre"),
    (Protocol(name="mine", percentile=80, threshold=0.4), "whole"),
    (Protocol(name="mine", percentile=95, normalise="minmax", grid="original"), "ten"),
]
"""Protocols that cut boxes, and what they look at."""


class Seen(NamedTuple):
    """What a protocol is given: maps `(B, [V,] M, h, w)`, a view's regions, sizes, true boxes."""

    maps: Tensor
    regions: Tensor
    sizes: Tensor
    truth: Tensor
    counts: Tensor

    @property
    def swept(self) -> tuple[Any, ...]:
        return self.maps.select(-3, 0), VIEW, self.regions, self.sizes, self.truth, self.counts


def seen(kind: str, images: int = len(SIZES), seed: int = 0) -> Seen:
    """Maps of a bright block and noise, some values below zero, seen in one kind of view."""
    generator = torch.Generator().manual_seed(seed)
    views = 10 if kind == "ten" else 1
    maps = torch.randn(images, views, CLASSES, *CELLS, generator=generator).double()
    maps[..., 1:4, 2:6] += 4
    corners = torch.rand(images, 3, 2, 2, generator=generator).sort(2).values.flatten(2)
    sizes = torch.tensor(SIZES[:images]).view(-1, 2)
    if kind == "ten":
        sizes[3:] = 32  # each of the crops has to end between pixels
    regions = [regions_of(kind, (height, width)) for height, width in sizes.tolist()]
    regions_BV4 = torch.tensor(regions).view(-1, views, 4)
    return Seen(
        maps if views > 1 else maps[:, 0],
        regions_BV4 if views > 1 else regions_BV4[:, 0],
        sizes,
        corners * sizes[:, [1, 0, 1, 0]][:, None],
        torch.tensor([3, 1, 0, 2][:images]).long(),
    )


def regions_of(kind: str, size: tuple[int, int]) -> list[tuple[float, ...]]:
    if kind == "whole":
        return [(0.0, 0.0, size[1], size[0])]
    places = [centre_offset(FULL, VIEW)]
    if kind == "ten":
        places = [(top, left) for top, left, _ in ten_offsets(FULL, VIEW)]
    return [region(size, FULL, top, left, VIEW) for top, left in places]


def larger(map_hw: Tensor, size: tuple[int, int], interpolation: str) -> Map:
    if interpolation == "cubic":
        return cv2.resize(map_hw.numpy(), size[::-1], interpolation=cv2.INTER_CUBIC)
    if interpolation == "matlab":
        return enlarge(map_hw[None], size, "matlab")[0].numpy()
    return F.interpolate(map_hw[None, None], size, mode="bilinear")[0, 0].numpy()


def on_grid(protocol: Protocol, one: Seen, row: int, number: int) -> tuple[Map, tuple[float, ...]]:
    """A class's map on the grid of an image, and the part of the original that the grid shows."""
    height, width = one.sizes[row].tolist()
    if one.maps.ndim == 4:
        x0, y0, x1, y1 = one.regions[row].tolist()
        own = round(y1 - y0), round(x1 - x0)
        grid = {"view": VIEW, "original": own}.get(protocol.grid, (protocol.grid,) * 2)
        return larger(one.maps[row, number], grid, protocol.interpolation), (x0, y0, x1, y1)
    grid = {"view": VIEW, "original": (height, width)}.get(protocol.grid, (protocol.grid,) * 2)
    total, count = np.zeros(grid), np.zeros(grid)
    for view, corners in enumerate(one.regions[row].tolist()):
        across, down = grid[1] / width, grid[0] / height
        x0, y0, x1, y1 = (round(c * s) for c, s in zip(corners, [across, down] * 2, strict=True))
        map_hw = one.maps[row, view, number].flip(-1) if view >= 5 else one.maps[row, view, number]
        values = larger(map_hw, (y1 - y0, x1 - x0), protocol.interpolation)
        total[y0:y1, x0:x1] += np.abs(values) if protocol.merge == "absolute" else values
        count[y0:y1, x0:x1] += 1
    total = total / np.maximum(count, 1) if protocol.coverage else total
    return total, (0.0, 0.0, width, height)


def masks(protocol: Protocol, grid: Map, thresholds: list[float]) -> Iterator[NDArray[np.bool_]]:
    """What lies above each threshold."""
    low = 0 if protocol.normalise == "max" else grid.min()
    high = np.percentile(grid, protocol.percentile)
    for threshold in thresholds:
        if not (np.isfinite(grid).all() and high > low):
            yield np.zeros(grid.shape, bool)
        elif protocol.grey:
            grey = np.floor((np.maximum(grid, low) - low) / (high - low) * 255)
            yield grey > int(threshold * 255)
        else:
            yield grid > low + threshold * (high - low)


def largest(protocol: Protocol, mask: NDArray[np.bool_]) -> list[int]:
    if protocol.region == "component":
        return by_scipy(mask, protocol.connectivity)[0]
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
    if not found:
        return [0, 0, 0, 0]
    x, y, across, down = cv2.boundingRect(max(found, key=cv2.contourArea))
    return [x, y, x + across, y + down]


def in_original(box: list[int], grid: Map, part: tuple[float, ...]) -> list[float]:
    if not any(box):
        return [0.0, 0.0, 0.0, 0.0]
    x0, y0, x1, y1 = part
    across, down = (x1 - x0) / grid.shape[1], (y1 - y0) / grid.shape[0]
    return [
        x0 + box[0] * across,
        y0 + box[1] * down,
        x0 + box[2] * across,
        y0 + box[3] * down,
    ]


def iou(one: list[float], other: list[float]) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return across * down / (sum(areas) - across * down)


def title(value: Any) -> str | None:
    """A protocol by its unusual settings, to name a test."""
    if not isinstance(value, Protocol):
        return None
    default = Protocol(name="mine")
    changed = (f"{k}={v}" for k, v in vars(value).items() if v != getattr(default, k))
    return " ".join(changed)
