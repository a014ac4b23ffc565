"""The file that a run prints to, and what went wrong according to it."""

import os
from pathlib import Path
from typing import IO

from gapcam.atomic import DISK_FULL
from gapcam.errors import UserError

_TAIL = 1 << 14
"""Bytes at the end that are read."""
_BEFORE_ERROR, _AFTER_ERROR = (
    "Error executing job with overrides:",
    "Set the environment variable HYDRA_FULL_ERROR",
)
"""What Hydra prints around an error."""


def open_log(path: Path, command: str) -> IO[bytes]:
    """Open a log to add to what earlier starts have printed, and write the command there.

    Raises:
        UserError: if that is impossible.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as log:
            log.write(f"$ {command}\n")
        return path.open("ab", buffering=0)
    except OSError as error:
        remedy = "Make room" if error.errno in DISK_FULL else "Mend that, or give another runs=..."
        raise UserError(
            f"Cannot write {path} ({error.strerror}). {remedy}, and run the same command again."
        ) from error


def printed(log: Path, start: int) -> str:
    """What was added to a log after `start`; of much, the end."""
    with log.open("rb") as file:
        file.seek(max(start, file.seek(0, os.SEEK_END) - _TAIL))
        return file.read().decode(errors="replace")


def error_in(text: str) -> str:
    r"""What was wrong, from what a run has printed: a `UserError` whole, of others the last line.

    Example:
        >>> error_in("Error executing job with overrides: []\nThere is no file x.\nTry y.\n")
        'There is no file x.\nTry y.'
        >>> error_in("Traceback (most recent call last):\n  ...\nValueError: x\n")
        'ValueError: x'
    """
    _, marker, last = text.rpartition(_BEFORE_ERROR)
    found = last.partition(_AFTER_ERROR)[0].splitlines()[1 if marker else 0 :]
    lines = [line for line in found if line.strip()]
    is_traceback = any(line.startswith("Traceback (most recent call last)") for line in lines)
    return "\n".join(lines if marker and not is_traceback else lines[-1:])
