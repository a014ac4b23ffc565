"""Whether one of two classifiers is better, seen on the same pictures."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest

from gapcam.cam.bootstrap import bootstrap_intervals
from gapcam.cam.outcomes import Outcome

LEVEL = 0.05
"""Below this p-value a difference is not called chance."""


@dataclass(frozen=True)
class Paired:
    """Two classifiers A and B on the same N pictures.

    `only_a` and `only_b` pictures that one of them alone gets right; `difference` of the
    accuracies, A minus B; `interval` its 95 % bootstrap interval over the pictures; `p` of
    McNemar's exact test: how often pictures on which only one is right would fall at least as
    unevenly if both were equally good.
    """

    only_a: int
    only_b: int
    difference: float
    interval: tuple[float, float]
    p: float

    @property
    def may_be_chance(self) -> bool:
        """Whether the difference says nothing."""
        return self.p >= LEVEL


def compare(a_N: NDArray[np.bool_], b_N: NDArray[np.bool_], seed: int = 0) -> Paired:
    """Compare which of N pictures two classifiers get right.

    Args:
        a_N: of the first.
        b_N: of the second, on the same pictures.
        seed: of the bootstrap's draws.
    """
    only_a, only_b = int((a_N & ~b_N).sum()), int((~a_N & b_N).sum())
    changed = only_a + only_b
    # An outcome's points are whole numbers from 0 on: 2 where A alone is right, 0 where B is.
    points = torch.from_numpy(1 + a_N.astype(np.int64) - b_N.astype(np.int64))
    outcome = Outcome(points, torch.ones(len(points), dtype=torch.bool), worth=2)
    low, high = bootstrap_intervals({"mean": outcome}, seed=seed)["mean"]
    return Paired(
        only_a=only_a,
        only_b=only_b,
        difference=(only_a - only_b) / len(a_N),
        interval=(2 * low - 1, 2 * high - 1),
        p=float(binomtest(only_a, changed).pvalue) if changed else 1.0,
    )


def least_telling(changed: int) -> int | None:
    """How many of the changed pictures one must have alone for chance to be ruled out.

    Args:
        changed: pictures on which one of the two alone is right.

    Returns:
        The smallest such number; None if not even all of them would be enough.

    Example:
        >>> least_telling(17), least_telling(5)
        (13, None)
    """
    telling = (n for n in range(-(-changed // 2), changed + 1) if changed)
    return next((n for n in telling if binomtest(n, changed).pvalue < LEVEL), None)
