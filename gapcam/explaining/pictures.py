"""Pictures as people have them: files, Pillow's, arrays and tensors."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

from gapcam.data.decode import read_upright
from gapcam.errors import UserError

Picture: TypeAlias = str | Path | Image.Image | NDArray[np.uint8] | torch.Tensor
"""A file, a picture of Pillow's of any mode, `(H, W, 3)` or `(H, W)` uint8 values, or a tensor
`(3, H, W)` uint8."""


def as_rgb(picture: Picture, upright: bool = True) -> Image.Image:
    """A picture as RGB.

    Args:
        picture: see `Picture`.
        upright: turn a photograph as its camera was held (EXIF). Evaluation does not, because
            annotations are made on the pixels as they are stored.

    Raises:
        UserError: if it cannot be read, or is none of these.
    """
    if isinstance(picture, str | Path):
        return read_upright(Path(picture)) if upright else read_rgb(Path(picture))
    if isinstance(picture, Image.Image):
        return ImageOps.exif_transpose(picture).convert("RGB") if upright else picture.convert("RGB")
    return _of_values(picture)
