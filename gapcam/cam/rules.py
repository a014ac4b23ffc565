"""Box rules: how a map becomes a box."""

import torch
from torch import Tensor

from gapcam.cam.components import largest_component, largest_component_above
from gapcam.cam.enlarge import enlarge
from gapcam.cam.threshold import above, check_threshold, usable_maps

# Enlarged maps of the percentile rule are kept, and sorted, so many pixels at a time.
_PIXELS_AT_ONCE = 2**24


def largest_component_boxes(
    maps_BMhw: Tensor,
    size: tuple[int, int],
    threshold: float = 0.2,
    normalise: str = "max",
    interpolation: str = "bilinear",
    connectivity: int = 8,
    percentile: float = 100.0,
    engine: str | None = None,
) -> Tensor:
    """Cut one box from each map; as it stands, as the paper's text says (Zhou et al. 2016, 3.2).

    The map is enlarged to the view's size, clamped at zero and divided by its maximum; pixels
    above the threshold are kept, and the box is tight around the largest connected component.

    Args:
        maps_BMhw: `(B, M, h, w)` maps at mapping resolution.
        size: height and width of the view that the network saw.
        threshold: fraction of the map's range that a pixel must exceed, in [0, 1).
        normalise: the range is zero to maximum (`max`) or minimum to maximum (`minmax`).
        interpolation: one of `gapcam.cam.enlarge.INTERPOLATIONS`.
        connectivity: 8 or 4.
        percentile: which percentile of the enlarged map's pixels stands for its maximum, in
            (0, 100], so that few very high values do not hide the rest (Bae et al. 2020,
            "Rethinking class activation mapping", have 90).
        engine: see `gapcam.cam.components`.

    Returns:
        `(B, M, 4)` float32, half-open, in pixels of the view; zeros for a map that has nothing
        above the threshold, is constant, or holds NaN or infinity.

    Raises:
        ValueError: if an argument is none of these, or the engine cannot run here.
    """
    if maps_BMhw.ndim != 4:
        raise ValueError(
            f"largest_component_boxes needs maps (B, M, h, w); got {tuple(maps_BMhw.shape)}"
        )
    if not 0 < percentile <= 100:
        raise ValueError(f"percentile must lie in (0, 100]; got {percentile!r}")
    maps_Nhw = maps_BMhw.flatten(0, 1)
    if percentile == 100 or maps_Nhw.numel() == 0:
        boxes_N4 = largest_component_above(
            maps_Nhw, size, threshold, normalise, interpolation, connectivity, engine
        ).boxes_N4
    else:
        check_threshold(threshold, normalise)
        pieces = torch.split(usable_maps(maps_Nhw), max(1, _PIXELS_AT_ONCE // (size[0] * size[1])))
        masks = (
            above(enlarge(piece, size, interpolation), threshold, normalise, percentile)
            for piece in pieces
        )
        boxes = [largest_component(mask, connectivity, engine).boxes_N4 for mask in masks]
        boxes_N4 = torch.cat(boxes)
    return boxes_N4.view(*maps_BMhw.shape[:2], 4)
