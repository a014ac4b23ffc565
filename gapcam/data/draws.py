"""Random parts of lists, the same on every machine."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def divide(items: Sequence[T], first: int, *key: int) -> tuple[list[T], list[T]]:
    """Draw `first` of the items; the others are the second part. Both keep the items' order.

    Args:
        items: what is divided.
        first: how many the first part gets.
        key: numbers that decide the draw, such as the number of a random split.
    """
    order = np.random.default_rng(key).permutation(len(items))
    return [items[row] for row in sorted(order[:first])], [items[r] for r in sorted(order[first:])]
