"""Picture files to pixels: exactly for evaluation, fast for training.

Pixels are those of the file: an EXIF rotation is not applied, as annotations are made without it.
"""

import io
import threading
import warnings
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from gapcam.errors import UserError

_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
_FAST_COLOURS = ("YCbCr", "Gray", "RGB")
"""What libjpeg turns into RGB; the four-channel ones are left to Pillow."""

_FILTERING = threading.Lock()
"""Filters of warnings belong to the process, not to a thread."""


def read_rgb(path: Path) -> Image.Image:
    """Read a picture exactly, as RGB.

    16-bit grey is brought to 8 bits by its upper byte; transparency is dropped.

    Raises:
        UserError: if it cannot be read, or has more than about 90 million pixels.
    """
    return decode_rgb(path, str(path))


def rgb_of(picture: Image.Image, name: str) -> Image.Image:
    """An opened picture as RGB; see `read_rgb`.

    Args:
        picture: of any mode.
        name: for messages.

    Raises:
        UserError: as `read_rgb`.
    """
    try:
        return _to_rgb(picture)
    except _UNREADABLE as error:
        raise UserError(f"{name}: {_reason(error)}") from error


def read_size(path: Path) -> tuple[int, int]:
    """Height and width of a picture as stored; reads no more than its header.

    Raises:
        UserError: as `read_rgb`.
    """
    with open_picture(path, str(path)) as picture:
        return picture.height, picture.width


def read_fast(
    path: Path, least: tuple[int, int] | None
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Read a picture for training, see `decode_fast`.

    Raises:
        UserError: as `read_rgb`.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {_reason(error)}") from error
    return decode_fast(content, least, str(path))


def decode_fast(
    content: bytes, least: tuple[int, int] | None, name: str
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Decode for training; where it is large enough, a JPEG is decoded at a reduced scale.

    A reduced JPEG is made from the low frequencies of each 8x8 block: a half, a quarter or an
    eighth of each side or something between, the smallest that is not below `least`.

    Args:
        content: of the picture file.
        least: height and width below which it must not be reduced; null: it is not reduced.
        name: of the picture, for messages.

    Returns:
        `(h, w, 3)` RGB, and the picture's own height and width.

    Raises:
        UserError: as `read_rgb`.
    """
    if content[:2] == b"\xff\xd8":
        try:
            height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
            if colours in _FAST_COLOURS and height * width <= (Image.MAX_IMAGE_PIXELS or 0):
                lowest = (height, width) if least is None else least
                pixels = simplejpeg.decode_jpeg(
                    content, "RGB", min_height=lowest[0], min_width=lowest[1], min_factor=2
                )
                return pixels, (height, width)
        except ValueError:
            pass  # Pillow reads some that libjpeg has doubts about, or says what is wrong
    picture = decode_rgb(io.BytesIO(content), name)
    return np.asarray(picture), (picture.height, picture.width)


def decode_rgb(source: Path | io.BytesIO, name: str) -> Image.Image:
    """Decode a picture exactly, as RGB; see `read_rgb`.

    Args:
        source: a file, or its content.
        name: for messages.

    Raises:
        UserError: as `read_rgb`.
    """
    with open_picture(source, name) as picture:
        return rgb_of(picture, name)


def open_picture(source: Path | io.BytesIO, name: str) -> Image.Image:
    """Open a picture without decoding it.

    Raises:
        UserError: as `read_rgb`.
    """
    try:
        with _FILTERING, warnings.catch_warnings():
            # A picture that large would take gigabytes; it is refused, not warned about.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(source)
    except _UNREADABLE as error:
        raise UserError(f"{name}: {_reason(error, source)}") from error


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        grey = np.asarray(picture).astype(np.int64)
        if grey.min() < 0 or grey.max() > 65535:
            raise ValueError(f"{picture.mode} values from {grey.min()} to {grey.max()} are no grey")
        # Pillow's own conversion cuts everything above 255. 32 bits may hold 8 or 16.
        is_wide = picture.mode != "I" or grey.max() > 255
        return Image.fromarray((grey >> (8 if is_wide else 0)).astype(np.uint8)).convert("RGB")
    if picture.mode == "F":
        raise ValueError("floating point values have no agreed white")
    if picture.mode == "P" and "transparency" in picture.info:
        return picture.convert("RGBA").convert("RGB")
    return picture.convert("RGB")


def _reason(error: BaseException, source: Path | io.BytesIO | None = None) -> str:
    if isinstance(source, io.BytesIO) and not source.getbuffer().nbytes:
        return "the file is empty"
    if isinstance(source, Path) and source.is_file() and not source.stat().st_size:
        return "the file is empty"
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"{error} Remove it, or put a smaller one in its place"
    text = str(error)
    unknown = "cannot identify image file"
    return "no picture that Pillow knows" if text.startswith(unknown) else text
