"""Unpacking archives that come from elsewhere: nothing lands outside, nothing fills the disk."""

import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from gapcam.errors import UserError

MOST_TIMES = 100
"""How many times its own size an archive may grow: pictures hardly grow at all, text ten times."""

_FREE_HAND = 10 << 20
"""Bytes that any archive may grow to."""

_BLOCK = 1 << 20
_BLOCK_OF_TAR = 512

_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,  # encrypted, or packed in a way that Python does not know
)

Step = Callable[[int, int], None]
"""Told how many files are unpacked, and of how many (0 if unknown)."""


def unpack(archive: Path, folder: Path, step: Step = lambda *_: None) -> None:
    """Unpack a zip or tar archive, compressed or not, whatever its suffix says.

    Each file is written beside its place and then moved there: what lies there, even a link to
    elsewhere, is replaced, and a broken off unpacking leaves no half file under its name.

    Args:
        archive: the file.
        folder: where to; is made if it is not there.
        step: told how far it is.

    Raises:
        UserError: if it is no archive, is cut short, would put something outside the folder, holds
            links or devices, or grows beyond measure.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with archive.open("rb") as file:
            is_zip = file.read(2) == b"PK"
        if is_zip:
            _unpack_zip(archive, folder, step)
        else:
            _unpack_tar(archive, folder, step)
    except _DAMAGED as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk or the folder, not the archive
        raise UserError(
            f"{archive} cannot be unpacked: {_first_line(error)}. Delete it and get it again."
        ) from error


def _unpack_zip(archive: Path, folder: Path, step: Step) -> None:
    with zipfile.ZipFile(archive) as source:
        members = source.infolist()
        budget = _Budget(archive, folder)
        budget.spend(sum(member.file_size for member in members))
        for done, member in enumerate(members, start=1):
            target = _inside(folder, member.filename, archive)
            if stat.S_ISLNK(member.external_attr >> 16):
                raise UserError(_suspicious(archive, f"{member.filename} is a link"))
            if member.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            else:
                with source.open(member) as content:
                    _write(content, target, member.file_size, archive)
            step(done, len(members))


def _unpack_tar(archive: Path, folder: Path, step: Step) -> None:
    with tarfile.open(archive, "r:*") as source:
        budget = _Budget(archive, folder)
        for done, member in enumerate(source, start=1):
            budget.spend(_BLOCK_OF_TAR)
            target = _inside(folder, member.name, archive)
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
            elif member.isfile():
                budget.spend(member.size)
                content = source.extractfile(member)
                if content is not None:
                    _write(content, target, member.size, archive)
            else:
                raise UserError(_suspicious(archive, f"{member.name} is a link or a device"))
            step(done, 0)


class _Budget:
    """How much an archive may still unpack to: bounded by its own size and by the disk."""

    def __init__(self, archive: Path, folder: Path) -> None:
        self.archive = archive
        self.left = max(_FREE_HAND, MOST_TIMES * archive.stat().st_size)
        self.free = shutil.disk_usage(folder).free

    def spend(self, size: int) -> None:
        self.left -= size
        self.free -= size
        if self.left < 0:
            raise UserError(
                _suspicious(self.archive, f"it grows to more than {MOST_TIMES} times its size")
            )
        if self.free < 0:
            raise UserError(
                f"The disk is too small to unpack {self.archive}. Make room and repeat the command."
            )


def _inside(folder: Path, name: str, archive: Path) -> Path:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or PureWindowsPath(name).drive:
        raise UserError(_suspicious(archive, f"{name!r} points out of the folder"))
    target = folder / path
    # A folder that is there already may be a link to elsewhere.
    if not target.resolve().is_relative_to(folder.resolve()):
        raise UserError(_suspicious(archive, f"{name!r} leads out of the folder"))
    return target


def _write(content: IO[bytes], target: Path, size: int, archive: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    left = size
    part = target.with_name(".gapcam.part")
    part.unlink(missing_ok=True)
    with part.open("xb") as file:
        while block := content.read(_BLOCK):
            left -= len(block)
            if left < 0:  # the header lied
                raise UserError(_suspicious(archive, f"{target.name} is longer than it says"))
            file.write(block)
    if left:
        raise EOFError(f"{target.name} ends {left:,} bytes early")
    part.replace(target)


def _suspicious(archive: Path, what: str) -> str:
    return (
        f"{archive} was not unpacked, because {what}. It is not the archive that was published: "
        "delete it, and get it from its official place."
    )


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(":")
