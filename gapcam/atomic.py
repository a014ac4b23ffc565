"""Files that are either whole or not there, whatever kills the process."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gapcam.errors import UserError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; move it to `path` when the block is done.

    If the block fails, an older file at `path` stays as it was.

    Raises:
        UserError: if the disk is full; says that the same command goes on once there is room.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise UserError(
            f"No room on the disk to write {path} ({error.strerror}). What was finished before is "
            "whole: make room and run the same command again."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def require_writable(folder: Path, what: str, setting: str) -> None:
    """Refuse a folder that nothing can be written to, before anything is computed.

    Args:
        folder: need not exist.
        what: would be written, in words.
        setting: gives another folder.

    Raises:
        UserError: if it cannot be made, belongs to somebody else, or its disk is read only.
    """
    home = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        raise UserError(
            f"{what} cannot be written to {folder} ({home}: {error.strerror}). Give another "
            f"folder, {setting}"
        ) from None
