"""Mining of hard negatives: against a plain loop, and against the machine of all negatives."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from sklearn.svm import LinearSVC

from gapcam.study.concepts.hard_negatives import Round, mine

Features = np.ndarray[Any, np.dtype[np.float32]]

POSITIVES, NEGATIVES = 60, 400
RARE = np.random.default_rng(0).permutation(NEGATIVES)[-16:]
"""Confusable negatives that the draw with seed 0 comes to last."""


@pytest.fixture(scope="module")
def pools() -> tuple[Features, Features]:
    """Positives have two marks, rare negatives the first alone, three times as strong."""
    random = np.random.default_rng(0)
    positives = random.normal([2, 2, 0, 0, 0, 0], 0.3, (POSITIVES, 6))
    negatives = random.normal(0, 0.3, (NEGATIVES, 6))
    negatives[RARE, 0] += 6
    return positives.astype(np.float32), negatives.astype(np.float32)


def mined(
    pools: tuple[Features, Features], first: int, rounds: int, margin: float = -1, c: float = 1
) -> list[Round]:
    return list(mine(*pools, first=first, rounds=rounds, margin=margin, c=c, seed=0))


def plainly_mined(
    pools: tuple[Features, Features], first: int, rounds: int, margin: float
) -> list[tuple[set[int], Features]]:
    """The slow way: sets of rows, one decision after the other."""
    positives, negatives = pools
    order = np.random.default_rng(0).permutation(len(negatives)).tolist()
    used, found = set(order[:first]), []
    for _ in range(rounds + 1):
        kept = [negatives[row] for row in sorted(used)]
        labels = [True] * len(positives) + [False] * len(kept)
        solver = LinearSVC(C=1, random_state=0, max_iter=10_000, dual="auto")
        solver.fit(np.array([*positives, *kept], np.float64), labels)
        found.append((set(used), solver.coef_[0]))
        hard = {
            row
            for row in range(len(negatives))
            if row not in used and negatives[row] @ solver.coef_[0] + solver.intercept_[0] > margin
        }
        if not hard:
            break
        used |= hard
    return found


@pytest.mark.parametrize(
    ("first", "rounds", "margin"),
    [(NEGATIVES, 10, -1), (20, 0, -1), (20, 1, -1), (20, 10, -1), (20, 10, 0), (1, 10, 0.5)],
)
def test_rounds_are_those_of_a_plain_loop(
    pools: tuple[Features, Features], first: int, rounds: int, margin: float
) -> None:
    found = mined(pools, first, rounds, margin)
    plain = plainly_mined(pools, first, rounds, margin)
    assert [one.negatives for one in found] == [len(used) for used, _ in plain]
    for one, (_, weight) in zip(found, plain, strict=True):
        np.testing.assert_allclose(one.machine.weight[1], weight, rtol=1e-5, atol=1e-6)
    sizes = [one.negatives for one in found]
    assert [one.hard for one in found][:-1] == np.diff(sizes).tolist()
    assert len(found) <= rounds + 1
    assert found[-1].hard == 0 or len(found) == rounds + 1


def test_until_none_is_hard_it_is_the_machine_of_all(pools: tuple[Features, Features]) -> None:
    last = mined(pools, first=10, rounds=50)[-1]
    assert last.hard == 0
    assert last.negatives < 0.75 * NEGATIVES
    solver = LinearSVC(C=1, random_state=0, max_iter=10_000)
    solver.fit(np.concatenate(pools), np.repeat([1, 0], [POSITIVES, NEGATIVES]))
    np.testing.assert_allclose(last.machine.weight[1], solver.coef_[0], atol=5e-3)
    np.testing.assert_allclose(last.machine.bias[1], solver.intercept_[0], atol=5e-3)


def test_mining_finds_what_chance_did_not_draw(pools: tuple[Features, Features]) -> None:
    labels = np.repeat([1, 0], [POSITIVES, NEGATIVES])
    found = mined(pools, first=20, rounds=10)
    before, after = (
        average_precision_score(labels, one.machine.decide(np.concatenate(pools))[:, 1])
        for one in (found[0], found[-1])
    )
    assert before < 0.9
    assert after > 0.999
