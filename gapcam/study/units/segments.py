"""What of a picture a unit's activation rests on."""

import numpy as np
import torch
from numpy.typing import NDArray

from gapcam.cam.enlarge import enlarge
from gapcam.cam.views import Size
from gapcam.study.units.receptive_field import Cells, Field

Mask = NDArray[np.bool_]


def segment_by_map(unit_map: NDArray[np.float32], size: Size, threshold: float) -> Mask:
    """The pixels where a unit's enlarged map exceeds a part of its maximum.

    Args:
        unit_map: `(h, w)` its activations in the picture.
        size: height and width of the picture.
        threshold: in 0..1.

    Returns:
        `(H, W)`; nothing where the unit is silent.
    """
    heat: NDArray[np.float32] = enlarge(torch.from_numpy(unit_map), size).numpy()
    return heat > max(0.0, threshold * float(heat.max()))


def segment_by_field(
    field: Field, unit_map: NDArray[np.float32], cells: Cells, size: Size, threshold: float
) -> Mask:
    """The pixels that a unit's activations rest on.

    The field is laid on every cell, as high as the unit's activation there; where the highest of
    them exceeds `threshold` times the picture's maximum, a pixel is one of them.

    Args:
        field: of the unit.
        unit_map: `(h, w)` its activations in the picture.
        cells: of the map.
        size: height and width of the picture.
        threshold: in 0..1.

    Returns:
        `(H, W)`; nothing where the unit or its field is silent.
    """
    seen = np.zeros(size, np.float32)
    peak, height = float(field.max()), float(unit_map.max())
    if peak <= 0 or height <= 0:
        return seen > 0
    # Cells below the threshold cannot lift any pixel above it.
    for row, column in zip(*np.nonzero(unit_map > threshold * height), strict=True):
        centre = cells.centre(row, column)
        tops = (
            side - 1 - min(max(round(middle), 0), side - 1)
            for side, middle in zip(size, centre, strict=True)
        )
        top, left = tops
        laid = field[top : top + size[0], left : left + size[1]]
        np.maximum(seen, laid * (unit_map[row, column] / height / peak), out=seen)
    return seen > threshold
