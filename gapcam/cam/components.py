"""The largest connected component of each mask, or of each map above a threshold.

Three engines find equal boxes. `numba` compiles for the CPU, `triton` for NVIDIA and AMD GPUs;
`torch` runs wherever torch does. Nothing leaves the device of the maps, and a map travels and is
stored at mapping resolution: it is enlarged only where it is looked at.
"""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from numbers import Integral
from os import environ
from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor

from gapcam.cam.enlarge import check_interpolation
from gapcam.cam.threshold import check_threshold, usable_maps

ENGINES = ("torch", "numba", "triton")

_DEVICES = {"numba": "cpu", "triton": "cuda"}

MOST_PIXELS = 2**31 - 1
"""Of one mask: pixels are numbered in 32 bits. A batch may be of any size."""


class LargestComponent(NamedTuple):
    """Tight boxes `(N, 4)` float32, half-open, and pixel counts `(N,)` int64; zeros if empty."""

    boxes_N4: Tensor
    areas_N: Tensor


def largest_component(
    masks_NHW: Tensor, connectivity: int = 8, engine: str | None = None
) -> LargestComponent:
    """Find the connected component with most pixels in each mask.

    A tie goes to the component whose first pixel comes first in raster order, in every engine.

    Args:
        masks_NHW: `(N, H, W)` bool.
        connectivity: 8 (diagonal neighbours touch) or 4.
        engine: one of `ENGINES`; None chooses the fastest that there is for the masks' device.

    Raises:
        ValueError: if the masks are not `(N, H, W)` bool, connectivity is neither 4 nor 8, or the
            engine cannot run here.

    Example:
        >>> mask = torch.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 1, 1]]).bool()
        >>> largest_component(mask[None], connectivity=8).boxes_N4
        tensor([[0., 0., 2., 2.]])
        >>> largest_component(mask[None], connectivity=4).boxes_N4
        tensor([[1., 3., 3., 4.]])
    """
    if masks_NHW.ndim != 3 or masks_NHW.dtype != torch.bool:
        raise ValueError(
            "largest_component needs masks (N, H, W) of dtype bool; "
            f"got {tuple(masks_NHW.shape)} of dtype {masks_NHW.dtype}"
        )
    _check(masks_NHW.shape[1:], connectivity)
    chosen = _engine(engine, masks_NHW.device)
    if masks_NHW.numel() == 0:
        return _nothing(masks_NHW)
    return LargestComponent(*chosen.largest(masks_NHW, connectivity))


def largest_component_above(
    maps_Nhw: Tensor,
    size: tuple[int, int],
    threshold: float,
    normalise: str = "max",
    interpolation: str = "bilinear",
    connectivity: int = 8,
    engine: str | None = None,
) -> LargestComponent:
    """Find the largest component of each enlarged map above a threshold, in one go.

    The same as enlarging the maps (`gapcam.cam.enlarge`), comparing (`gapcam.cam.threshold`) and
    `largest_component`. A map that holds NaN or infinity, is constant, or has nothing above zero
    (`normalise="max"`) has an empty result.

    Args:
        maps_Nhw: `(N, h, w)` floats; sums are made in single precision, of float64 in double.
        size: height and width to enlarge to, in pixels.
        threshold: fraction of each map's range that a pixel must exceed, in [0, 1).
        normalise: the range is zero to maximum (`max`) or minimum to maximum (`minmax`).
        interpolation: one of `gapcam.cam.enlarge.INTERPOLATIONS`.
        connectivity: 8 (diagonal neighbours touch) or 4.
        engine: one of `ENGINES`; None chooses the fastest that there is for the maps' device.

    Raises:
        ValueError: if an argument is none of these, or the engine cannot run here.

    Example:
        >>> found = largest_component_above(torch.tensor([[[0.0, 4.0]]]), (2, 8), threshold=0.5)
        >>> found.boxes_N4
        tensor([[4., 0., 8., 2.]])
    """
    check_threshold(threshold, normalise)
    check_interpolation(interpolation)
    _check(size, connectivity)
    chosen = _engine(engine, maps_Nhw.device)
    if maps_Nhw.numel() == 0 or 0 in size:
        return _nothing(maps_Nhw)
    maps = usable_maps(maps_Nhw)
    found = chosen.largest_above(maps, size, threshold, normalise, interpolation, connectivity)
    return LargestComponent(*found)


def _check(size: Sequence[int], connectivity: int) -> None:
    is_whole = len(size) == 2 and all(isinstance(side, Integral) and side >= 0 for side in size)
    if not is_whole or size[0] * size[1] > MOST_PIXELS:
        raise ValueError(
            "a size must be height and width in whole pixels, "
            f"of at most {MOST_PIXELS} pixels; got {tuple(size)}"
        )
    if connectivity not in (4, 8):
        raise ValueError(f"connectivity must be 4 or 8; got {connectivity!r}")


def _nothing(batch: Tensor) -> LargestComponent:
    boxes_N4 = torch.zeros(len(batch), 4, device=batch.device)
    return LargestComponent(boxes_N4, torch.zeros_like(boxes_N4[:, 0], dtype=torch.int64))


def _engine(name: str | None, device: torch.device) -> ModuleType:
    if name is None:
        fastest = _imported({"cpu": "numba", "cuda": "triton"}.get(device.type, "torch"))
        return fastest if isinstance(fastest, ModuleType) else import_module(_module("torch"))
    if name not in ENGINES:
        raise ValueError(f"engine must be None or one of {', '.join(ENGINES)}; got {name!r}")
    needed = _DEVICES.get(name, device.type)
    is_interpreted = name == "triton" and environ.get("TRITON_INTERPRET") == "1"
    if device.type != needed and not is_interpreted:
        raise ValueError(f"engine {name!r} works on {needed} tensors; got one on {device}")
    found = _imported(name)
    if isinstance(found, ImportError):
        raise ValueError(f"engine {name!r} cannot be imported: {found}") from found
    return found


@cache
def _imported(name: str) -> ModuleType | ImportError:
    try:
        return import_module(_module(name))
    except ImportError as error:
        return error


def _module(engine: str) -> str:
    return f"gapcam.cam.components_{engine}"
