"""What maps cost, beside the forward pass that classifies."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Stopwatch:
    """Seconds of each batch for `classifying` it, and for `mapping` its classes."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {"classifying": [], "mapping": []}

    @contextmanager
    def measure(self, what: str, device: torch.device) -> Iterator[None]:
        """Note the time spent inside, until the device is done."""
        start = _now(device)
        yield
        self.seconds[what].append(_now(device) - start)

    @property
    def passes(self) -> float:
        """Cost of classification and maps together, in forward passes: 1 is classification alone.

        The first of several batches is left out: it loads what is loaded but once.
        """
        warm = slice(1 if len(self.seconds["mapping"]) > 1 else 0, None)
        return 1 + sum(self.seconds["mapping"][warm]) / sum(self.seconds["classifying"][warm])


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
