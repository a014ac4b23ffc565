"""What each image contributes to each number: averages, slices and intervals all start here."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor


class Outcome(NamedTuple):
    """One number's share of every image.

    The number is the mean of `points / worth` over the images that count.

    `points` `(N,)` bool or small whole numbers, from 0 to `worth`; `counted` `(N,)` bool.
    """

    points: Tensor
    counted: Tensor
    worth: int = 1


Outcomes = Mapping[str, Outcome]
"""By the number's name, of the same N images."""


def rates(outcomes: Outcomes) -> dict[str, Tensor]:
    """Average the outcomes: 0-d float32 in 0..1, NaN over no image.

    Example:
        >>> right = torch.tensor([True, False, True])
        >>> rates({"accuracy": Outcome(right, counted=torch.tensor([True, True, False]))})
        {'accuracy': tensor(0.5000)}
    """
    # Counted in integers: float32 sums stop counting at 2^24.
    return {
        name: (one.points * one.counted).sum() / (one.worth * one.counted.sum())
        for name, one in outcomes.items()
    }


def table(outcomes: Outcomes) -> tuple[Tensor, Tensor]:
    """Points earned and points that could be earned, `(N, E)` int64 each, a column for each."""
    earned = [one.points * one.counted for one in outcomes.values()]
    possible = [one.worth * one.counted for one in outcomes.values()]
    return torch.stack(earned, 1).long(), torch.stack(possible, 1).long()
