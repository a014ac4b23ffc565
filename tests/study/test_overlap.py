"""Regions, outlines on a grid, and their overlap, against slow loops and areas known by hand."""

import math
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from gapcam.study.objects.overlap import centred, cover, high_region, measure, moved

NAN = math.nan
SQUARE = [[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]]


@pytest.mark.parametrize(
    ("values", "kind", "level", "high"),
    [
        ([0.0], "max", 0.2, [0]),
        ([0.0], "share", 0.2, [0]),
        ([3.0, 3, 3, 3], "share", 0.5, [0, 0, 0, 0]),  # flat
        ([-1.0, -2, -3, -9], "max", 0.2, [0, 0, 0, 0]),  # nothing speaks for the class
        ([-1.0, -2, -3, -9], "share", 0.25, [1, 0, 0, 0]),
        ([NAN, 1, 2, 3], "max", 0.2, [0, 0, 0, 0]),
        ([NAN, 1, 2, 3], "share", 0.25, [0, 0, 0, 0]),
        ([1.0, 5, 2, 0], "max", 0.2, [0, 1, 1, 0]),  # strictly above 1
        ([1.0, 5, 2, 0], "share", 0.5, [0, 1, 1, 0]),
        ([1.0, 5, 2, 2], "share", 0.5, [0, 1, 0, 0]),  # of equals at the limit none
        ([1.0, 5, 2, 0], "share", 0.01, [0, 1, 0, 0]),  # one cell at least
        ([1.0, 5, 2, 0], "share", 0.99, [1, 1, 1, 0]),
    ],
)
def test_region(values: list[float], kind: str, level: float, high: list[int]) -> None:
    assert high_region(np.array([values]), kind, level).astype(int).tolist() == [high]


@pytest.mark.parametrize(
    ("polygons", "cells"),
    [
        ([], 0),
        ([[[0.5, 0.5]] * 3], 0),  # a point
        ([[[0.1, 0.1], [0.5, 0.5], [0.9, 0.9]]], 0),  # a line
        ([[[1.2, 0], [2, 0], [2, 1], [1.2, 1]]], 0),  # outside
        ([[[-2, -2], [-1, -2], [-1, -1]]], 0),
        ([[[0, 0], [1, 0], [1, 1], [0, 1]]], 800),  # everything
        ([[[-9, -9], [9, -9], [9, 9], [-9, 9]]], 800),
        ([SQUARE], 200),
        ([SQUARE[::-1]], 200),
        ([SQUARE, SQUARE], 200),  # twice the same
        ([[[-0.5, 0], [0.5, 0], [0.5, 1], [-0.5, 1]]], 400),  # half of it outside
        ([[[0.501, 0.501], [0.502, 0.501], [0.502, 0.502]]], 1),  # between all centres
        ([[[0.26, 0], [0.27, 0], [0.27, 1], [0.26, 1]]], 20),  # thin, but through centres
    ],
)
def test_area_of_outlines(polygons: Any, cells: int) -> None:
    found = cover([np.array(polygon, np.float32) for polygon in polygons], (20, 40))
    assert found.shape == (20, 40)
    assert found.sum() == cells


def inside(x: float, y: float, points: np.ndarray) -> bool:
    """Whether a ray to the right crosses the outline an odd number of times."""
    odd = False
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, 0), strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            odd = not odd
    return odd


@pytest.mark.parametrize("seed", range(8))
def test_outlines_as_a_slow_loop_draws_them(seed: int) -> None:
    random = np.random.default_rng(seed)
    points = random.uniform(-0.3, 1.3, (int(random.integers(3, 12)), 2)).astype(np.float32)
    height, width = 17, 23
    slow = np.array(
        [
            [
                inside((column + 0.5) / width, (row + 0.5) / height, points.astype(np.float64))
                for column in range(width)
            ]
            for row in range(height)
        ]
    )
    assert slow.any()
    assert (cover([points], (height, width)) == slow).all()


def test_outlines_as_pillow_draws_them_many_times_larger() -> None:
    random = np.random.default_rng(3)
    for _ in range(5):
        angles = np.sort(random.uniform(0, 2 * np.pi, 9))
        points = 0.5 + 0.4 * np.column_stack([np.cos(angles), np.sin(angles)])
        canvas = Image.new("1", (1600, 1600))
        ImageDraw.Draw(canvas).polygon([tuple(p) for p in (points * 1600).tolist()], fill=1)
        share = np.asarray(canvas).mean()
        assert cover([points.astype(np.float32)], (100, 100)).mean() == pytest.approx(
            share, abs=0.004
        )


@pytest.mark.parametrize(
    ("common", "thing", "region", "by_kind"),
    [
        (0, 0, 0, (0, 0, 0)),
        (0, 5, 0, (0, 0, 0)),
        (0, 0, 5, (0, 0, 0)),
        (0, 4, 5, (0, 0, 0)),
        (2, 4, 8, (0.5, 0.25, 0.2)),
        (4, 4, 4, (1, 1, 1)),
    ],
)
def test_measures(common: int, thing: int, region: int, by_kind: tuple[float, ...]) -> None:
    for kind, expected in zip(("object", "region", "iou"), by_kind, strict=True):
        assert measure(common, thing, region, kind) == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(1, 1), (5, 8), (8, 5), (7, 7)])
def test_moved_as_a_slow_loop_moves(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(sum(shape))
    thing, region = random.random((2, *shape)) < 0.4
    slow = [
        [(thing & np.roll(region, (down, right), (0, 1))).sum() for right in range(shape[1])]
        for down in range(shape[0])
    ]
    assert moved(thing, region).tolist() == slow


@pytest.mark.parametrize(
    ("area", "grid"), [(0, (9, 9)), (1, (9, 9)), (4096, (128, 128)), (81, (9, 9)), (800, (40, 90))]
)
def test_a_rectangle_in_the_centre(area: int, grid: tuple[int, int]) -> None:
    mask = centred(area, grid)
    assert (mask == mask[::-1, ::-1]).all()
    assert mask.sum() == pytest.approx(area, abs=2 * area**0.5)
