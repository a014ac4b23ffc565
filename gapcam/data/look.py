"""What picture files really are; in processes that need not import torch."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from gapcam.data.decode import open_picture, read_rgb
from gapcam.errors import UserError

_CHUNK = 64
_ORIENTATION = 0x0112
"""Tag of EXIF; 1 is upright."""

_WORTH_PROCESSES = 5000
"""Headers; fewer are read before a second process has started."""

Look = Callable[[Sequence[Path]], Iterator["Looked"]]


class Looked(NamedTuple):
    """What one picture file is: `size` (height, width), `format` and `mode`, or its `error`.

    `turned`: its EXIF says that it is to be shown rotated.
    """

    size: tuple[int, int]
    format: str
    mode: str
    error: str = ""
    turned: bool = False


@contextmanager
def looking(deep: bool, workers: int, pictures: int) -> Iterator[Look]:
    """Give a function that looks at files, in order, with several processes where it pays.

    Args:
        deep: decode the pictures, not their headers alone.
        workers: processes.
        pictures: how many will be looked at.
    """
    look = _decode if deep else _read_header
    if workers == 1 or (not deep and pictures < _WORTH_PROCESSES):
        yield lambda files: map(look, files)
        return
    # Fresh processes: forked ones would inherit the threads of torch and of the progress bar.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            yield lambda files: pool.map(look, files, chunksize=_CHUNK)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _read_header(path: Path) -> Looked:
    try:
        with open_picture(path, str(path)) as picture:
            size = picture.height, picture.width
            # Pillow decodes a PNG to see whether it has any.
            turned = picture.getexif().get(_ORIENTATION, 1) if "exif" in picture.info else 1
            return Looked(size, str(picture.format), picture.mode, turned=turned not in (0, 1))
    except UserError as error:
        return Looked((0, 0), "", "", str(error))
    except Exception as error:  # whatever a broken file makes Pillow raise
        return Looked((0, 0), "", "", f"{type(error).__name__}: {error}")


def _decode(path: Path) -> Looked:
    try:
        read_rgb(path)
    except UserError as error:
        return Looked((0, 0), "", "", str(error))
    return _read_header(path)
