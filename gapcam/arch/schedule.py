"""Learning rate as a function of how much of the training is done (0 at the start, 1 at the end).

Because a schedule knows only the fraction done, a run that is made longer follows the longer
schedule from where it stands.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Schedule = Callable[[float], float]
"""Maps the fraction done to a factor on the base learning rate."""


@dataclass(frozen=True)
class Step:
    """Multiply by `gamma` at each fraction in `at`.

    The default is the released solver's: a tenth after 40, 80 and 120 of 160 thousand iterations.
    """

    gamma: float = 0.1
    at: Sequence[float] = (0.25, 0.5, 0.75)

    def __call__(self, done: float) -> float:
        return self.gamma ** sum(done >= point for point in self.at)


@dataclass(frozen=True)
class Cosine:
    """Rise linearly during the first `warmup` of the training, then fall to zero on a cosine."""

    warmup: float = 0.1

    def __call__(self, done: float) -> float:
        if done < self.warmup:
            return (done + 1e-3) / (self.warmup + 1e-3)
        fallen = min(1.0, (done - self.warmup) / (1 - self.warmup))
        return 0.5 * (1 + math.cos(math.pi * fallen))


@dataclass(frozen=True)
class Constant:
    """Leave the learning rate alone."""

    def __call__(self, done: float) -> float:
        return 1.0
