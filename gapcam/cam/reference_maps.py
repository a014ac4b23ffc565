"""Maps that no network made: a floor and a ceiling for what a protocol gives to maps."""

import torch
from torch import Tensor

from gapcam.cam.boxes import are_real
from gapcam.cam.views import Size

SIGMA = 0.25
"""Standard deviation of the Gaussian, as a fraction of each side."""


def centre_gaussian(resolution: Size) -> Tensor:
    """A Gaussian in the middle of the view: it looks at nothing.

    Args:
        resolution: height and width of the map.

    Returns:
        `(h, w)` float32, at most 1.
    """
    down, across = (_bell(cells) for cells in resolution)
    return down[:, None] * across


def _bell(cells: int) -> Tensor:
    place = (2 * torch.arange(cells) + 1 - cells) / (2 * cells)  # symmetric to the last bit
    return (-0.5 * (place / SIGMA) ** 2).exp()


def true_mask_maps(
    truth_BG4: Tensor, counts_B: Tensor, sizes_B2: Tensor, regions_B4: Tensor, resolution: Size
) -> Tensor:
    """How much of each cell the true boxes cover: a perfect map at this resolution.

    Args:
        truth_BG4: `(B, G, 4)` true boxes in pixels of the originals, padded.
        counts_B: `(B,)` how many of them are real.
        sizes_B2: `(B, 2)` height and width of the originals; boxes are cut off there.
        regions_B4: `(B, 4)` what each map shows, in pixels of its original.
        resolution: height and width of the maps.

    Returns:
        `(B, h, w)` float32 in 0..1, of the union of the boxes; zeros without a true box.
    """
    truth, regions = truth_BG4.double(), regions_B4.double()
    is_real_BG = are_real(truth, counts_B)
    limits_B12 = sizes_B2.double().flip(-1)[:, None]
    low, high = (
        corners.clamp(min=0).minimum(limits_B12) for corners in torch.split(truth, 2, dim=-1)
    )
    origin_B12, extent_B12 = regions[:, None, :2], (regions[:, 2:] - regions[:, :2])[:, None]
    # From here on a view is a unit square.
    low, high = ((corners - origin_B12) / extent_B12 for corners in (low, high))
    inside, shares = zip(
        *(_strips(low[..., axis], high[..., axis], resolution[1 - axis]) for axis in (0, 1)),
        strict=True,
    )
    # Edges of boxes and of cells cut the view into rectangles that a box covers as a whole or not.
    across_BGX, down_BGY = (inside[axis] & is_real_BG[..., None] for axis in (0, 1))
    covered_BYX = (down_BGY.double().mT @ across_BGX.double()) > 0
    maps_Bhw: Tensor = shares[1] @ covered_BYX.double() @ shares[0].mT
    return maps_Bhw.float()


def _strips(low_BG: Tensor, high_BG: Tensor, cells: int) -> tuple[Tensor, Tensor]:
    """Cut an axis at the edges of cells and boxes.

    Returns:
        `(B, G, S)` bool, which boxes cover each strip, and `(B, cells, S)`, the share of a cell
        that a strip is.
    """
    borders_C = torch.arange(cells + 1, dtype=low_BG.dtype, device=low_BG.device) / cells
    cuts_BS = torch.cat([low_BG, high_BG, borders_C.expand(len(low_BG), -1)], dim=1)
    cuts_BS = cuts_BS.clamp(0, 1).sort(1).values
    middle_BS = (cuts_BS[:, 1:] + cuts_BS[:, :-1]) / 2
    covers_BGS = (low_BG[..., None] < middle_BS[:, None]) & (
        middle_BS[:, None] < high_BG[..., None]
    )
    cell_BS = (middle_BS * cells).long().clamp(max=cells - 1)
    shares_BCS = torch.nn.functional.one_hot(cell_BS, cells).mT * cuts_BS.diff(dim=1)[:, None]
    return covers_BGS, shares_BCS * cells
