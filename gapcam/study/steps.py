"""What a study has computed so far, so that the same command goes on after a crash."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from gapcam.atomic import atomic_path

Arrays = Mapping[str, NDArray[Any]]
"""Named arrays; texts are arrays of strings."""


class Steps:
    """Results of a study's steps, one file each.

    Args:
        folder: of the files.
        writes: whether this process keeps what it computes; others only use what is there.
    """

    def __init__(self, folder: Path, writes: bool = True) -> None:
        self.folder = folder
        self.writes = writes

    def arrays(self, name: str, key: object, compute: Callable[[], Arrays]) -> Arrays:
        """What a step gave: read, or computed and kept.

        Args:
            name: of the step, part of a file name.
            key: all that the result depends on besides the code; a step that was made with another
                key is made again. Plain values, as JSON can hold.
            compute: does the step.
        """
        path = self.folder / f"{name}.npz"
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        kept = _read(path, digest)
        if kept is not None:
            return kept
        found = compute()
        if self.writes:
            with atomic_path(path) as temporary, temporary.open("wb") as file:
                np.savez(file, allow_pickle=False, key_of_step=np.array(digest), **found)
        return found


def _read(path: Path, digest: str) -> Arrays | None:
    try:
        # Opened here: numpy leaves open what it cannot read.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            if str(stored["key_of_step"]) != digest:
                return None
            return {name: stored[name] for name in stored.files if name != "key_of_step"}
    except (OSError, ValueError, KeyError, BadZipFile, EOFError):
        return None  # none yet, or one that was cut short
