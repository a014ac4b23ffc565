import numpy as np
import pytest

from gapcam.cam.comparing import AT_ONCE, bits_above, place_of_lowest
from gapcam.cam.compiled import compiled


@compiled
def _compare(values: np.ndarray, level: float, answers: np.ndarray) -> None:
    for first in range(len(values) - AT_ONCE + 1):
        answers[first] = bits_above(values, first, level)


@compiled
def _places(numbers: np.ndarray, places: np.ndarray) -> None:
    for index in range(len(numbers)):
        places[index] = place_of_lowest(numbers[index])


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_sixty_four_comparisons(dtype: type) -> None:
    values = np.random.default_rng(0).integers(0, 200, 150).astype(dtype)
    if dtype != np.uint8:
        values[[3, 70]] = [np.nan, -np.inf]
    answers = np.zeros(len(values) - AT_ONCE + 1, np.uint64)
    _compare(values, dtype(100), answers)
    for first, answer in enumerate(answers):
        expected = values[first : first + AT_ONCE] > 100
        assert [bool(int(answer) >> place & 1) for place in range(AT_ONCE)] == expected.tolist()


def test_place_of_the_lowest_bit() -> None:
    numbers = np.array([1 << place | 1 << 63 for place in range(64)], np.uint64)
    places = np.zeros(64, np.int64)
    _places(numbers, places)
    assert places.tolist() == list(range(64))
