"""Which pixels of a map lie above a threshold: one rule, the same in every engine.

A threshold `t` in [0, 1) is a fraction of a map's range. The mask is
`value > low + t * (high - low)`: high is the maximum of the enlarged map; low is zero
(`normalise="max"`: as if negative values were clamped and the map divided by its maximum) or its
minimum (`"minmax"`). A map without information gives an empty mask, never a lucky one: see
`usable_maps`.
"""

import torch
from torch import Tensor

NORMALISATIONS = ("max", "minmax")


def check_threshold(threshold: float, normalise: str) -> None:
    """Raise a ValueError if the threshold is not in [0, 1) or the normalisation is unknown."""
    if not 0 <= threshold < 1:
        raise ValueError(f"threshold must lie in [0, 1); got {threshold!r}")
    if normalise not in NORMALISATIONS:
        raise ValueError(f"normalise must be one of {', '.join(NORMALISATIONS)}; got {normalise!r}")


def usable_maps(maps_Nhw: Tensor) -> Tensor:
    """Bring maps to single or double precision, and those without information to zero.

    Those are maps that hold NaN or infinity (or a value so large that enlarging could make it
    infinite: beyond a quarter of the largest float) and constant maps, of a single cell, too.

    Args:
        maps_Nhw: `(N, h, w)`, h and w at least 1.

    Raises:
        ValueError: if the maps are not `(N, h, w)` floats.
    """
    if maps_Nhw.ndim != 3 or not maps_Nhw.is_floating_point():
        raise ValueError(
            f"maps must be floats (N, h, w); got {tuple(maps_Nhw.shape)} of dtype {maps_Nhw.dtype}"
        )
    if maps_Nhw.dtype not in (torch.float32, torch.float64):
        maps_Nhw = maps_Nhw.float()
    largest_float = torch.finfo(maps_Nhw.dtype).max
    low_N, high_N = maps_Nhw.amin((1, 2)), maps_Nhw.amax((1, 2))  # aminmax takes six times as long
    is_usable_N = (low_N >= -largest_float / 4) & (low_N < high_N) & (high_N <= largest_float / 4)
    return torch.where(is_usable_N[:, None, None], maps_Nhw, 0)


def level(low: Tensor, high: Tensor, threshold: float, normalise: str) -> Tensor:
    """Value that a pixel must exceed, of the extremes of each enlarged map; infinity if none can.

    The numba engine repeats this arithmetic in compiled code.
    """
    if normalise == "max":
        low = torch.zeros_like(high)
    return torch.where(high > low, low + threshold * (high - low), torch.inf)


def above(
    values_NHW: Tensor, threshold: float, normalise: str, percentile: float = 100.0
) -> Tensor:
    """Masks `(N, H, W)` of the pixels of enlarged, usable maps above a threshold.

    Args:
        values_NHW: `(N, H, W)` float32 or float64.
        threshold: fraction of the range.
        normalise: `max` or `minmax`.
        percentile: which percentile of a map's pixels stands for its maximum, in (0, 100];
            interpolated linearly between pixels, as `numpy.percentile` does.
    """
    low_N, high_N = values_NHW.amin((1, 2)), values_NHW.amax((1, 2))
    if percentile < 100:
        high_N = _percentile(values_NHW.flatten(1), percentile)
    return values_NHW > level(low_N, high_N, threshold, normalise)[:, None, None]


def _percentile(values_NP: Tensor, percentile: float) -> Tensor:
    # torch.quantile refuses more than 16 million values in some versions, and this is all it does.
    ascending_NP = values_NP.sort(1).values
    place = percentile / 100 * (values_NP.shape[1] - 1)
    below = int(place)
    above = min(below + 1, values_NP.shape[1] - 1)
    return torch.lerp(ascending_NP[:, below], ascending_NP[:, above], place - below)
