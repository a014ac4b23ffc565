"""Cutting a trunk: a table of layers, and a table of the places where it may be cut."""

from collections.abc import Sequence

from gapcam.errors import UserError

CutTable = Sequence[tuple[str, int]]
"""Row `trim` holds the last layer's name and how many rows of the layer table are kept."""


def cut(layers: Sequence[str | int], cuts: CutTable, trim: int) -> tuple[str, list[str | int]]:
    """Take `trim` steps off the trunk's end; 0 leaves the whole trunk.

    Returns:
        The name of the last layer kept, and the shortened table.

    Raises:
        UserError: if the cut table has no such row.
    """
    if not 0 <= trim < len(cuts):
        choices = ", ".join(f"{i} ({name})" for i, (name, _) in enumerate(cuts))
        raise UserError(f"arch.trim must be one of {choices}; got {trim!r}")
    name, kept = cuts[trim]
    return name, list(layers[:kept])
