"""From a file to what the network sees of it, and what is drawn of it; the rest is forgotten.

A photograph of 48 million pixels takes 144 MB once it is decoded; only as many are in memory as
there are threads that read.
"""

import os
import stat
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from gapcam.cam.views import Size
from gapcam.data.decode import open_picture
from gapcam.data.transforms import Crop, Views
from gapcam.errors import UserError
from gapcam.explaining.explanation import drawn_size
from gapcam.explaining.oddities import oddities
from gapcam.explaining.pictures import as_rgb, orientation

Stamp = list[int] | None
"""Bytes and time of last change, by which a changed file is known; null: it is not there."""


class Opened(NamedTuple):
    """A picture: its views, itself `small` enough to draw, its size, and what is odd about it.

    `orientation` is EXIF's, where the picture was turned by it, otherwise 1.
    """

    crops: list[Crop]
    small: Image.Image
    size: Size
    orientation: int
    remarks: list[str]


class Unreadable(NamedTuple):
    """A file that is no picture, and why."""

    reason: str


def stamp(path: Path) -> Stamp:
    """What a file is known by, see `Stamp`."""
    try:
        file = path.stat()
    except OSError:
        return None
    return [file.st_size, file.st_mtime_ns]


def read(path: Path, views: Views, side: int, upright: bool) -> Opened | Unreadable:
    """Read a picture, whatever is wrong with it.

    Args:
        path: of the file, or of what else lies there.
        views: what the network sees of it.
        side: of tiles, for drawing.
        upright: turn it the way the camera was held.
    """
    reason = _not_a_file(path)
    if reason:
        return Unreadable(reason)
    try:
        with open_picture(path, path.name) as opened:
            remarks = oddities(opened, path.suffix)
            turned = orientation(opened) if upright else 1
            picture = as_rgb(opened, upright, path.name)
    except UserError as error:
        return Unreadable(_explained(path, str(error).removeprefix(f"{path.name}: ")))
    except Exception as error:
        # Junk makes decoders fail in every way there is; the other pictures are done all the same.
        return Unreadable(f"{type(error).__name__}: {error}")
    size = picture.height, picture.width
    height, width = drawn_size(size, side)
    small = picture.resize((width, height), Image.Resampling.BICUBIC)
    return Opened(list(views.evaluate(picture)), small, size, turned, remarks)


def _not_a_file(path: Path) -> str | None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "a link to a file that is not there" if path.is_symlink() else "it is not there"
    except OSError as error:
        return error.strerror or str(error)
    if stat.S_ISDIR(mode):
        return _of_folder(path)
    return None if stat.S_ISREG(mode) else "no file: reading it could wait for ever"


def _of_folder(path: Path) -> str:
    try:
        os.scandir(path).close()
    except OSError as error:
        return f"a folder that cannot be looked into: {error.strerror}"
    return "a folder, without a picture in it"


def _explained(path: Path, reason: str) -> str:
    if path.suffix.lower() in (".heic", ".heif"):
        return "HEIC, which Pillow does not read: export it as JPEG"
    # Operating systems repeat number and path.
    return reason.partition("] ")[2].partition(": ")[0] if reason.startswith("[Errno") else reason
