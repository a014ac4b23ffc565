"""One heat map from a file that any program wrote."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gapcam.data.decode import open_picture
from gapcam.errors import UserError


def read_map(path: Path) -> Tensor:
    """Read a heat map.

    - `.npy`: an array of numbers or bool.
    - `.png`: a grey picture of 8 or 16 bits. Colours cannot be turned back into values.
    - `.pt`: a tensor. Pickled code is never run.

    Each has the shape `(h, w)` or `(1, h, w)`. Values are taken as they are: neither their range
    nor their sign changes.

    Returns:
        `(h, w)` float32.

    Raises:
        UserError: if the file cannot be read or holds something else; says what it holds.
    """
    values = _READERS[path.suffix.lower()](path)
    if values.ndim == 3 and values.shape[0] == 1:
        values = values[0]
    if values.ndim != 2 or not values.numel():
        raise UserError(
            f"{path}: expected a map of shape (h, w) or (1, h, w); got {tuple(values.shape)}"
        )
    return values


def _read_npy(path: Path) -> Tensor:
    try:
        with path.open("rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:  # whatever a broken file makes NumPy raise
        raise UserError(f"{path}: no array that NumPy reads without pickle ({error})") from error
    if array.dtype.kind not in "fiub":
        raise UserError(f"{path}: expected an array of numbers; got one of {array.dtype}")
    with np.errstate(over="ignore"):  # beyond single precision lies infinity, which is counted
        return torch.from_numpy(array.astype(np.float32))


def _read_png(path: Path) -> Tensor:
    with open_picture(path, str(path)) as picture:
        mode = picture.mode
        if mode not in ("1", "L") and not mode.startswith("I"):
            raise UserError(
                f"{path}: expected a grey picture of 8 or 16 bits; got one of mode {mode}. Values "
                "cannot be read off a colour map: save the map before it is coloured"
            )
        try:
            array = np.asarray(picture)
        except Exception as error:  # whatever a broken file makes Pillow raise
            raise UserError(f"{path}: cannot be decoded ({error})") from error
    return torch.from_numpy(array.astype(np.float32))


def _read_pt(path: Path) -> Tensor:
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a broken file makes torch raise
        raise UserError(
            f"{path}: damaged, or holds more than tensors, and pickled code is never run "
            f"({str(error).splitlines()[0] if str(error) else type(error).__name__})"
        ) from error
    if not isinstance(content, Tensor):
        raise UserError(f"{path}: expected a tensor; got a {type(content).__name__}")
    if content.is_complex() or content.layout != torch.strided:
        raise UserError(
            f"{path}: expected a dense tensor of numbers; got one of {content.dtype}, "
            f"{content.layout}"
        )
    return content.detach().float()


_READERS: dict[str, Callable[[Path], Tensor]] = {
    ".npy": _read_npy,
    ".png": _read_png,
    ".pt": _read_pt,
}
SUFFIXES = tuple(_READERS)
"""Of the files that are maps."""
