"""What ended a run, written into its folder for whoever looks there next."""

import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from gapcam.atomic import DISK_FULL, write_text
from gapcam.errors import UserError

FAILED = "FAILED"
"""Name of the file."""

_ERROR_IN_WORKER = f"{UserError.__module__}.{UserError.__name__}: "


class Failure(NamedTuple):
    """What was wrong in one line (`message`), and everything that is known of it (`text`)."""

    message: str
    text: str


def is_explained(error: BaseException) -> bool:
    """Whether `describe` says what to do, so that nobody needs the traceback."""
    return isinstance(error, UserError) or _is_disk_full(error)


def describe(error: BaseException) -> str:
    """Say what was wrong: a `UserError` by its words alone, others with their type.

    Example:
        >>> describe(UserError("There is no file x."))
        'There is no file x.'
        >>> describe(ZeroDivisionError("division by zero"))
        'ZeroDivisionError: division by zero'
    """
    if isinstance(error, UserError):
        # A loader's worker process wraps the message in its traceback.
        return str(error).rpartition(_ERROR_IN_WORKER)[2]
    if _is_disk_full(error):  # by a log file, say; results and checkpoints explain themselves
        return f"No room on the disk: {error}. Make room and run the same command again."
    return "".join(traceback.format_exception_only(error)).strip()


def _is_disk_full(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in DISK_FULL


def write_failure(directory: Path, command: str, error: BaseException) -> None:
    """Write `FAILED`: what was wrong, when, in which command, and the whole traceback.

    Where several processes train together the first one's error is the cause of the others', so
    a file that is already there stays.

    Args:
        directory: of the run.
        command: the command line.
        error: what ended it.

    Raises:
        UserError: if the disk is full.
    """
    if (directory / FAILED).exists():
        return
    lines = [
        describe(error),
        "",
        f"date     {datetime.now(UTC).isoformat(timespec='seconds')}",
        f"command  {command}",
        "",
        "".join(traceback.format_exception(error)),
    ]
    write_text(directory / FAILED, "\n".join(lines))


def read_failure(directory: Path) -> Failure | None:
    """Read how the last start of a run failed; None if it did not."""
    try:
        text = (directory / FAILED).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    return Failure(text.partition("\n")[0], text)


def clear_failure(directory: Path) -> None:
    """Remove `FAILED`: the run is started again."""
    (directory / FAILED).unlink(missing_ok=True)
