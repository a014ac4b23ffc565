"""Hard negatives: train on some of many negatives, add those that come out wrong, train again.

Negatives beyond the margin have no part in a support vector machine. So one that is trained until
no hard ones are left is the machine of all negatives, though it has seen few of them.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gapcam.study.linear_svm import LinearSVM, fit_svm


class Round(NamedTuple):
    """A training: its `machine`, whose class 1 are the positives.

    It saw so many `negatives`, and so many of the others are `hard`.
    """

    machine: LinearSVM
    negatives: int
    hard: int


def mine(
    positives: NDArray[np.floating],
    negatives: NDArray[np.floating],
    first: int,
    rounds: int,
    margin: float,
    c: float,
    seed: int,
) -> Iterator[Round]:
    """Train until no negative that was left out is hard, or the rounds are used up.

    Args:
        positives: `(P, K)` features.
        negatives: `(N, K)`, of which few are easy to train on.
        first: so many of them, drawn at random, train first; all, if there are no more.
        rounds: so many times hard ones are added at most.
        margin: of the decision value above which a negative is hard; -1 is the machine's own.
        c: see `fit_svm`.
        seed: of the draw and the solver.
    """
    draw = np.random.default_rng(seed).permutation(len(negatives))[:first]
    is_used = np.zeros(len(negatives), bool)
    is_used[draw] = True
    for _ in range(rounds + 1):
        used = negatives[is_used]
        labels = np.repeat([1, 0], [len(positives), len(used)])
        machine = fit_svm(np.concatenate([positives, used]), labels, c, seed)
        is_hard = ~is_used & (machine.decide(negatives)[:, 1] > margin)
        yield Round(machine, len(used), int(is_hard.sum()))
        if not is_hard.any():
            return
        is_used |= is_hard
