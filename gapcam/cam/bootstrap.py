"""Bootstrap: how much a number would move if other images had been drawn."""

from typing import NamedTuple

import torch
from torch import Tensor

from gapcam.cam.outcomes import Outcomes, table

_DRAWN_AT_ONCE = 2**20


class Interval(NamedTuple):
    """Lower and upper end, in the unit of the number."""

    low: float
    high: float


def bootstrap_intervals(
    outcomes: Outcomes, level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> dict[str, Interval]:
    """Percentile intervals of numbers under resampling of the images (Efron, 1979).

    Each resample draws N of the N images, with replacement, the same ones for every number. Memory
    does not grow with the number of resamples times that of images, and the draws depend on the
    seed and on N alone.

    Args:
        outcomes: of N images.
        level: share of the resamples inside the interval, in (0, 1).
        resamples: how many are drawn.
        seed: of the draws.

    Returns:
        By name; NaN where no image counts.

    Raises:
        ValueError: if `level` or `resamples` is out of its range.

    Example:
        >>> from gapcam.cam.outcomes import Outcome
        >>> right = torch.tensor([True, True, False, True] * 25)
        >>> found = bootstrap_intervals({"accuracy": Outcome(right, torch.ones_like(right))})
        >>> found["accuracy"].low < 0.75 < found["accuracy"].high
        True
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, as 0.95 does; got {level!r}")
    if resamples < 1:
        raise ValueError(f"resamples must be 1 or more; got {resamples!r}")
    drawn = _resampled(outcomes, resamples, seed)
    tails = drawn.new_tensor([(1 - level) / 2, (1 + level) / 2])
    # A resample in which no image counts has no number.
    ends_2E = drawn.nanquantile(tails, dim=0)
    return {
        name: Interval(float(low), float(high))
        for name, low, high in zip(outcomes, *ends_2E, strict=True)
    }


def _resampled(outcomes: Outcomes, resamples: int, seed: int) -> Tensor:
    """The numbers in each resample, `(R, E)` float64."""
    table_NF = torch.cat(table(outcomes), dim=1).cpu()
    images = len(table_NF)
    if images == 0:
        return torch.full((1, len(outcomes)), torch.nan, dtype=torch.float64)
    # Few images differ in all they add: it is enough to count how often each pattern is drawn.
    patterns_PF, pattern_N = torch.unique(table_NF, dim=0, return_inverse=True)
    patterns = len(patterns_PF)
    earned_PE, possible_PE = torch.chunk(patterns_PF.double(), 2, dim=1)
    # On the CPU, as generators of other devices draw other numbers.
    generator = torch.Generator().manual_seed(seed)
    numbers = []
    for some in torch.split(torch.arange(resamples), max(1, _DRAWN_AT_ONCE // images)):
        drawn_RN = pattern_N[torch.randint(images, (len(some), images), generator=generator)]
        drawn_RN += patterns * torch.arange(len(some))[:, None]
        times_RP = torch.bincount(drawn_RN.flatten(), minlength=patterns * len(some))
        times_RP = times_RP.view(-1, patterns).double()
        numbers.append((times_RP @ earned_PE) / (times_RP @ possible_PE))
    return torch.cat(numbers)
