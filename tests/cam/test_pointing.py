import math

import pytest
import torch

from gapcam.cam.pointing import are_hits, brightest_points, centre_points

BOXES = torch.tensor(
    [[[10.0, 10, 20, 30], [40, 40, 50, 50], [0, 0, 99, 99]]]
)  # the last is padding


@pytest.mark.parametrize(
    ("point", "distance"),
    [
        ((15, 15), 0),
        ((10, 30), 0),
        ((7, 20), 3),
        ((15, 6), 4),
        ((23, 34), 5),
        ((45, 38), 2),
        ((60, 62), math.hypot(10, 12)),
    ],
)
def test_hits_are_within_the_tolerance(point: tuple[float, float], distance: float) -> None:
    points = torch.tensor([point], dtype=torch.float32)
    for tolerance in (0, 1, 4, 5, 15, 15.7):
        is_hit = are_hits(points, BOXES, torch.tensor([2]), tolerance)
        assert bool(is_hit) == (distance <= tolerance)
    assert not are_hits(points, BOXES, torch.tensor([0]), 1000)
    assert not are_hits(points, torch.zeros(1, 0, 4), torch.tensor([0]), 1000)


def test_the_brightest_pixels_centre_goes_back_to_the_original() -> None:
    heat = torch.zeros(4, 4, 8)
    heat[0, 1, 2] = 1
    heat[1, 3, 7] = 0.5
    heat[2, 2, 5] = heat[2, 2, 1] = 1  # of equal ones the first
    regions = torch.tensor([[0.0, 0, 8, 4], [100.0, 50, 180, 90], [0, 0, 16, 40], [0, 0, 8, 4]])
    points, is_one = brightest_points(heat, regions)
    assert points[:3].tolist() == [[2.5, 1.5], [175.0, 85.0], [3.0, 25.0]]
    assert is_one.tolist() == [True, True, True, False]


def test_no_maps() -> None:
    points, is_one = brightest_points(torch.zeros(0, 4, 8), torch.zeros(0, 4))
    assert points.shape == (0, 2)
    assert is_one.shape == (0,)
    assert not len(are_hits(points, torch.zeros(0, 3, 4), torch.zeros(0), 15))


def test_centres() -> None:
    assert centre_points(torch.tensor([[10, 31]])).tolist() == [[15.5, 5]]
