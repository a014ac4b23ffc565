"""The units that speak for a class, and the pictures that speak to a unit."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ClassUnit:
    """A unit among those with the largest weights for a class.

    `rank` counts from 1. `contribution` is the weight times the unit's average activation over
    the class's pictures: what it adds to their class score; `share` its part of all positive
    contributions; `contribution_rank` its place among all units by contribution. The latter three
    are None where there are no pictures of the class, `share` also where nothing adds.
    """

    label: int
    unit: int
    rank: int
    weight: float
    contribution: float | None
    share: float | None
    contribution_rank: int | None


def units_of_class(
    weight: NDArray[np.floating], label: int, count: int, pooled: NDArray[np.floating]
) -> list[ClassUnit]:
    """The units with the largest weights for a class; of equal ones the first.

    Args:
        weight: `(C, K)` of the classifier.
        label: the class.
        count: of units wanted.
        pooled: `(n, K)` pooled units of the class's pictures; n may be 0.
    """
    weights = weight[label].astype(np.float64)
    order = np.argsort(-weights, kind="stable")[:count]
    added = weights * pooled.mean(0, dtype=np.float64) if len(pooled) else None
    return [_unit(label, int(unit), rank, weights, added) for rank, unit in enumerate(order, 1)]


def _unit(
    label: int,
    unit: int,
    rank: int,
    weights: NDArray[np.float64],
    added: NDArray[np.float64] | None,
) -> ClassUnit:
    if added is None:
        return ClassUnit(label, unit, rank, float(weights[unit]), None, None, None)
    positive = float(added[added > 0].sum())
    return ClassUnit(
        label,
        unit,
        rank,
        weight=float(weights[unit]),
        contribution=float(added[unit]),
        share=max(0.0, float(added[unit])) / positive if positive else None,
        contribution_rank=1 + int((added > added[unit]).sum()),
    )


def top_pictures(maxima: NDArray[np.floating], count: int) -> NDArray[np.int64]:
    """Pictures by a unit's largest activation `(N,)`, largest first; of equal ones the first."""
    return np.argsort(-maxima, kind="stable")[:count]


def most_frequent(labels: Sequence[int]) -> tuple[int, float]:
    """The class that most of some pictures show, the first of equals, and its share."""
    ((label, count),) = Counter(labels).most_common(1)
    return label, count / len(labels)
