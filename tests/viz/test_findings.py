import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from gapcam.cam.max_box import Curves
from gapcam.protocol import PUBLISHED
from gapcam.viz.figures import draw_confusion, draw_mistakes, draw_thresholds
from gapcam.viz.findings import most_confused, spread, threshold_points


@pytest.mark.parametrize(
    ("count", "most", "places"),
    [
        (0, 5, []),
        (5, 0, []),
        (1, 5, [0]),
        (5, 5, [0, 1, 2, 3, 4]),
        (9, 3, [0, 4, 8]),
        (1000, 2, [0, 999]),
    ],
)
def test_places_are_spread_from_end_to_end(count: int, most: int, places: list[int]) -> None:
    assert spread(count, most) == places


@pytest.mark.parametrize(
    ("labels", "guesses", "pairs"),
    [
        ([], [], []),
        ([0, 1], [0, 1], []),
        ([0, 0, 0, 1], [1, 1, 0, 1], [("ant", "bee", 2, 2 / 3)]),
        # Of equally frequent pairs the one with the lower classes comes first.
        ([2, 1, 0], [0, 0, 1], [("ant", "bee", 1, 1.0), ("bee", "ant", 1, 1.0)]),
    ],
)
def test_confused_pairs(
    labels: list[int], guesses: list[int], pairs: list[tuple[str, str, int, float]]
) -> None:
    found = most_confused(
        np.array(labels, np.int64), np.array(guesses, np.int64), ["ant", "bee", "cow"], most=2
    )
    assert found == pairs


def curves(steps: int) -> Curves:
    """V1 finds all of 10 images below the threshold 0.5; V2 half of them everywhere."""
    thresholds = torch.arange(steps, dtype=torch.float64) / steps
    largest = 10 * (thresholds < 0.5).long()[None]
    return Curves(thresholds, (0.5,), largest, torch.full_like(largest, 5), images=10)


@pytest.mark.parametrize(("steps", "points"), [(1, 1), (10, 10), (100, 100), (1000, 100)])
def test_curves_keep_about_a_hundred_points(steps: int, points: int) -> None:
    found = list(threshold_points({"exact": curves(steps)}))
    v1 = [(x, y) for x, y, name in found if name == "exact V1, IoU 0.5"]
    v2 = [(x, y) for x, y, name in found if name == "exact V2, IoU 0.5"]
    assert len(v1) == len(v2) == points
    assert len(found) == 2 * points
    assert all(y == (1 if x < 0.5 else 0) for x, y in v1)
    assert {y for _, y in v2} == {0.5}


def test_no_curves_no_points() -> None:
    assert list(threshold_points({})) == []


def test_figure_of_thresholds_marks_those_used() -> None:
    numbers = {
        **{"threshold_50": 0.3, "max_box_acc_50": 1.0},
        **{"threshold_v2_50": 0.7, "max_box_acc_v2_50": 0.5},
    }
    (axes,) = draw_thresholds(curves(1000), numbers, PUBLISHED["exact"]).axes
    marks = [tuple(line.get_xydata()[0]) for line in axes.lines if len(line.get_xdata()) == 1]
    assert marks == [pytest.approx((0.3, 1)), pytest.approx((0.7, 0.5))]


def test_figure_of_mistakes_has_a_bar_for_each_kind() -> None:
    (axes,) = draw_mistakes({"right": 0.75, "too_large": 0.25}).axes
    assert [bar.get_width() for bar in axes.patches] == [0.75, 0.25]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["right", "too large"]
    assert {to_hex(bar.get_facecolor()) for bar in axes.patches} == {"#0072b2"}


def test_figure_of_confusion_has_shares_of_the_true_class() -> None:
    figure = draw_confusion(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), ["ant", "bee", "cow"])
    (image,) = figure.axes[0].images
    assert np.allclose(image.get_array(), [[2 / 3, 1 / 3, 0], [0, 1, 0], [0, 0, 0]])
