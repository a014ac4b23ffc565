"""Pictures as people have them: files, Pillow's, arrays and tensors."""

from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from gapcam.data.decode import open_picture, rgb_of
from gapcam.errors import UserError

Picture: TypeAlias = str | Path | Image.Image | np.ndarray | Tensor
"""A file, a picture of Pillow's of any mode, values 0..255 as `(H, W, 3)` or `(H, W)` of numpy's or
as `(3, H, W)` of torch's."""

_ORIENTATION = 0x0112
"""The EXIF tag that says how the camera was held."""


def as_rgb(picture: Picture, upright: bool = True, name: str = "the picture") -> Image.Image:
    """A picture as RGB.

    Args:
        picture: see `Picture`.
        upright: turn a photograph the way its camera was held (EXIF). Evaluation does not, because
            annotations are made on pixels as they are stored.
        name: for messages; files have their own.

    Raises:
        UserError: if it cannot be read, or is none of these.
    """
    if isinstance(picture, str | Path):
        with open_picture(Path(picture).expanduser(), str(picture)) as opened:
            return as_rgb(opened, upright, str(picture))
    if isinstance(picture, Image.Image):
        rgb = rgb_of(picture, name)
        turn = orientation(picture) if upright else 1
        return rgb if turn == 1 else _turned(rgb, turn)
    return Image.fromarray(_values(picture, name)).convert("RGB")


def orientation(picture: Image.Image) -> int:
    """How the camera was held: 1 upright, 2..8 mirrored or turned, see EXIF; 1 where unknown."""
    try:
        found = picture.getexif().get(_ORIENTATION, 1)
    except Exception:
        # Broken EXIF fails in every way there is, and the pixels are good without it.
        return 1
    return found if found in range(1, 9) else 1


def _turned(rgb: Image.Image, turn: int) -> Image.Image:
    # Conversion to RGB may lose the tag, and Pillow turns by the tag alone.
    rgb.getexif()[_ORIENTATION] = turn
    return ImageOps.exif_transpose(rgb)


def _values(picture: object, name: str) -> NDArray[np.uint8]:
    values = picture.detach().cpu().numpy() if isinstance(picture, Tensor) else picture
    if isinstance(picture, Tensor) and picture.ndim == 3:
        values = np.moveaxis(np.asarray(values), 0, -1)
    if not isinstance(values, np.ndarray):
        raise UserError(
            f"{name} is of type {type(picture).__name__}: expected the path of a file, a picture "
            "of Pillow's, an array (H, W, 3) or a tensor (3, H, W)"
        )
    if values.dtype != np.uint8:
        raise UserError(
            f"{name} holds values of type {values.dtype}: expected whole ones 0..255 (uint8). The "
            "network itself brings them to what its weights want; do not normalise them"
        )
    if not (values.ndim == 2 or (values.ndim == 3 and values.shape[2] == 3)) or not values.size:
        raise UserError(
            f"{name} has the shape {tuple(getattr(picture, 'shape', ()))}: expected (H, W, 3) or "
            "(H, W) of an array, (3, H, W) of a tensor"
        )
    return np.ascontiguousarray(values)
