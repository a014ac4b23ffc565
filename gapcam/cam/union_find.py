"""Sets of numbered things that are united step by step: each points to another of its set."""

from typing import Any

from numpy.typing import NDArray

from gapcam.cam.compiled import compiled


@compiled
def root(parents: NDArray[Any], item: int) -> int:
    """The one of the set of `item` that points to itself; the way there becomes shorter."""
    while parents[item] != item:
        parents[item] = parents[parents[item]]
        item = parents[item]
    return item
