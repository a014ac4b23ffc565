"""The pointing game: does the brightest point of a map lie on the object (Zhang et al., 2016)?"""

import torch
from torch import Tensor

from gapcam.cam.boxes import are_real


def brightest_points(heat_BHW: Tensor, regions_B4: Tensor) -> tuple[Tensor, Tensor]:
    """The centre of each map's brightest pixel; of several the first in raster order.

    Args:
        heat_BHW: `(B, H, W)` maps on grids, not negative.
        regions_B4: `(B, 4)` what each grid shows, in pixels of its original.

    Returns:
        `(B, 2)` points `x, y` in pixels of the originals, and `(B,)` whether there is one: a map
        that is zero everywhere has none.
    """
    height, width = heat_BHW.shape[1:]
    peak_B, place_B = heat_BHW.flatten(1).max(1)
    x0, y0, x1, y1 = regions_B4.unbind(-1)
    x_B = x0 + (place_B % width + 0.5) * (x1 - x0) / width
    y_B = y0 + (place_B // width + 0.5) * (y1 - y0) / height
    return torch.stack([x_B, y_B], dim=-1), peak_B > 0


def centre_points(sizes_B2: Tensor) -> Tensor:
    """The centre `x, y` of each image, `(B, 2)`: what pointing without looking gives."""
    return sizes_B2.flip(-1) / 2


def are_hits(
    points_B2: Tensor, truth_BG4: Tensor, counts_B: Tensor, tolerance: float | Tensor
) -> Tensor:
    """Whether points lie in any true box, or no further from it than a tolerance.

    Args:
        points_B2: `(B, 2)` `x, y` in pixels of the originals.
        truth_BG4: `(B, G, 4)` true boxes, padded.
        counts_B: `(B,)` how many of them are real.
        tolerance: largest distance to the nearest point of a box, in pixels of the original.

    Returns:
        `(B,)` bool; false without a true box.

    Example:
        >>> box = torch.tensor([[[10.0, 10.0, 20.0, 20.0]]])
        >>> points = torch.tensor([[23.0, 24.0]])  # 3 right of it, 4 below
        >>> [bool(are_hits(points, box, torch.tensor([1]), tolerance)) for tolerance in (4, 5)]
        [False, True]
    """
    points_B12 = points_B2[:, None]
    before = (truth_BG4[..., :2] - points_B12).clamp(min=0)
    beyond = (points_B12 - truth_BG4[..., 2:]).clamp(min=0)
    distance_BG: Tensor = torch.linalg.vector_norm(before + beyond, dim=-1)
    is_real_BG = are_real(truth_BG4, counts_B)
    return (is_real_BG & (distance_BG <= tolerance)).any(1)
