"""Two classifiers on the same pictures: the test and the interval, against slow definitions."""

from itertools import product
from math import comb

import numpy as np
import pytest

from gapcam.study.cub.paired import compare, least_telling


def answers(both: int, only_a: int, only_b: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    groups = np.repeat([3, 1, 2, 0], (both, only_a, only_b, neither))
    return (groups & 1).astype(bool), (groups & 2).astype(bool)


def slow_p(only_a: int, only_b: int) -> float:
    """How many of all outcomes of so many fair coins are as uneven."""
    coins = only_a + only_b
    uneven = abs(only_a - only_b)
    return sum(comb(coins, n) for n in range(coins + 1) if abs(2 * n - coins) >= uneven) / 2**coins


@pytest.mark.parametrize(
    ("counts", "difference"),
    [
        ((1, 0, 0, 0), 0.0),
        ((30, 0, 0, 20), 0.0),
        ((28, 4, 5, 13), -0.02),
        ((20, 8, 1, 3), 7 / 32),
        ((0, 0, 50, 0), -1.0),
    ],
)
def test_comparison(counts: tuple[int, int, int, int], difference: float) -> None:
    a, b = answers(*counts)
    found = compare(a, b)
    assert (found.only_a, found.only_b) == counts[1:3]
    assert found.difference == pytest.approx(difference)
    assert found.p == pytest.approx(slow_p(*counts[1:3]))
    assert found.may_be_chance == (found.p >= 0.05)
    random = np.random.default_rng(0)
    drawn = random.integers(len(a), size=(4000, len(a)))
    differences = (a[drawn].astype(int) - b[drawn]).mean(1)
    ends = np.quantile(differences, (0.025, 0.975))
    assert found.interval == pytest.approx(ends, abs=0.5 / len(a) + 0.01)
    assert compare(b, a).difference == -found.difference


@pytest.mark.parametrize("changed", range(25))
def test_least_that_tells(changed: int) -> None:
    telling = [n for n in range(changed + 1) if 2 * n >= changed and slow_p(n, changed - n) < 0.05]
    assert least_telling(changed) == min(telling, default=None)


def test_pairs_are_ordered() -> None:
    for counts in product((0, 3, 9), repeat=2):
        one, other = compare(*answers(5, *counts, 5)), compare(*answers(5, *counts[::-1], 5))
        assert one.p == pytest.approx(other.p)
        assert one.interval[0] == pytest.approx(-other.interval[1], abs=0.1)
