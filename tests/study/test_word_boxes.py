"""Words in heat maps, against loops over pixels."""

import numpy as np
import pytest
from masks import by_scipy, generated_maps

from gapcam.study.text.word_boxes import boxes_around_marks, found_below, marked_shares, word_mask

NONE = np.zeros((0, 4), np.float32)


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        (NONE, []),
        ([[1, 0, 3, 1]], [(0, 1), (0, 2)]),
        ([[1, 0, 3, 1], [2, 0, 4, 1]], [(0, 1), (0, 2), (0, 3)]),
        ([[0.4, 1.5, 1.6, 3]], [(1, 0), (2, 0), (1, 1), (2, 1)]),  # centres at .5 lie in it
        ([[-3, -3, 1, 1], [3, 2, 9, 9]], [(0, 0), (2, 3)]),
    ],
)
def test_mask_of_words(boxes: list[list[float]], expected: list[tuple[int, int]]) -> None:
    mask = word_mask(np.array(boxes, np.float32).reshape(-1, 4), (3, 4))
    assert sorted(zip(*map(list, np.nonzero(mask)), strict=True)) == sorted(expected)


def by_loop(heat: np.ndarray, box: np.ndarray, region: np.ndarray, cut: float) -> float:
    """Which share of a word is marked, pixel of the grid by pixel."""
    height, width = heat.shape
    across, down = (region[2] - region[0]) / width, (region[3] - region[1]) / height
    area = 0.0
    for y in range(height):
        for x in range(width):
            left, top = region[0] + x * across, region[1] + y * down
            inside = max(0, min(left + across, box[2]) - max(left, box[0]))
            inside *= max(0, min(top + down, box[3]) - max(top, box[1]))
            area += inside * (heat[y, x] > cut)
    return area / ((box[2] - box[0]) * (box[3] - box[1]))


def random_words(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A map, boxes that stick out of what it shows, and that region."""
    random = np.random.default_rng(count)
    heat = generated_maps(1, (9, 13), 0.1, count)[0].double().numpy().clip(0, 1)
    region = np.array([-4.0, 3.0, 61.0, 48.0])
    corners = random.uniform([-9, -3], [60, 47], (count, 2))
    return heat, np.hstack([corners, corners + random.uniform(1, 25, (count, 2))]), region


@pytest.mark.parametrize("count", [0, 1, 20])
@pytest.mark.parametrize("cut", [0.0, 0.2, 0.7])
def test_marked_shares_are_those_of_a_loop(count: int, cut: float) -> None:
    heat, boxes, region = random_words(count)
    expected = [by_loop(heat, box, region, cut) for box in boxes]
    np.testing.assert_allclose(marked_shares(heat, boxes, region, cut), expected, atol=1e-12)


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_a_word_is_found_below_its_cut_and_not_at_it(share: float) -> None:
    heat, boxes, region = random_words(20)
    below = found_below(heat, boxes, region, share)
    assert len(set(below)) > 2
    for cut in (*np.unique(heat), *np.linspace(0, 1, 50)):
        is_found = marked_shares(heat, boxes, region, cut) >= share - 1e-6
        assert (is_found == (below > cut)).all()


@pytest.mark.parametrize(
    ("heat", "expected"),
    [
        (np.zeros((2, 4)), NONE),
        (np.ones((2, 4)), [[10, 20, 50, 24]]),
        ([[0, 0, 0, 1], [1, 0, 0, 0]], [[40, 20, 50, 22], [10, 22, 20, 24]]),
        ([[0.2, 0, 1, 0], [0, 0, 0, 1]], [[30, 20, 50, 24]]),  # as much as the cut is not above
    ],
)
def test_boxes_around_marks(heat: list[list[float]], expected: list[list[float]]) -> None:
    boxes = boxes_around_marks(np.array(heat, float), np.array([10, 20, 50, 24]), 0.2, 8)
    np.testing.assert_allclose(boxes, np.array(expected).reshape(-1, 4))


def test_diagonal_neighbours_touch_or_not() -> None:
    heat, region = np.eye(3), np.array([0, 0, 3, 3])
    assert len(boxes_around_marks(heat, region, 0.5, 8)) == 1
    assert len(boxes_around_marks(heat, region, 0.5, 4)) == 3


def test_the_box_of_the_largest_region_is_among_them() -> None:
    heat = generated_maps(1, (40, 60), 0.1)[0].double().numpy()
    largest, _ = by_scipy(heat > 0.3, 8)
    assert largest in boxes_around_marks(heat, np.array([0, 0, 60, 40]), 0.3, 8).tolist()
