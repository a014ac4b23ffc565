"""The headers of pictures, before training: a broken picture would stop a run after hours."""

from collections.abc import Callable
from pathlib import PurePosixPath

from gapcam.data.decode import read_size
from gapcam.data.faults import misfit
from gapcam.data.index import SplitIndex
from gapcam.data.tree import Tree
from gapcam.errors import UserError

LOOKED_AT = 100
"""Training pictures whose headers are read: a wrong copy is wrong throughout."""

PROGRESS_EVERY = 5000
"""Pictures between two signs of life."""


def header_faults(
    tree: Tree,
    folder: str,
    index: SplitIndex,
    most: int | None,
    on_progress: Callable[[int], None],
) -> None:
    """Note pictures that cannot be opened or do not fit their annotation.

    Args:
        tree: the data set.
        folder: of the pictures, below its root.
        index: of the split.
        most: look at about so many, and only whether they fit; null: at all of them.
        on_progress: told how many were looked at.
    """
    step = 1 if most is None else max(1, len(index) // most)
    seen = set()
    for done, row in enumerate(range(0, len(index), step), start=1):
        if done % PROGRESS_EVERY == 0:
            on_progress(done)
        where = str(PurePosixPath(folder, index.name(row)))
        if where in seen:
            continue
        seen.add(where)
        try:
            size = read_size(tree.root / where)
        except UserError as error:
            if most is None:
                tree.fault("unreadable", where, str(error))
            continue
        message = misfit(index.boxes(row), index.sizes[row].tolist(), size)
        if message:
            tree.fault("frame", where, message)
