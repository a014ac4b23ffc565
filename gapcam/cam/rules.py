"""Box rules: how a map becomes a box."""

from torch import Tensor

from gapcam.cam.activation import divide_by_max, upsample
from gapcam.cam.components import largest_component


def largest_component_boxes(
    maps_BMhw: Tensor, size: tuple[int, int], threshold: float = 0.2, connectivity: int = 8
) -> Tensor:
    """Cut one box from each map as the paper's text says (Zhou et al. 2016, 3.2).

    The map is enlarged to the view's size, clamped at zero and divided by its maximum; pixels
    above the threshold are kept, and the box is tight around the largest connected component.

    Args:
        maps_BMhw: `(B, M, h, w)` maps at mapping resolution.
        size: height and width of the view that the network saw.
        threshold: fraction of the map's maximum, strict (`value > threshold * max`).
        connectivity: 8 or 4.

    Returns:
        `(B, M, 4)` float, half-open, in pixels of the view; zeros for a map that has no positive
        value, or holds NaN.
    """
    maps_BMHW = divide_by_max(upsample(maps_BMhw, size))
    largest = largest_component((maps_BMHW > threshold).flatten(0, 1), connectivity)
    return largest.boxes_N4.view(*maps_BMhw.shape[:2], 4)
