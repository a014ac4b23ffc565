"""Precision and recall of pixels over all thresholds (Choe et al., 2020: PxAP)."""

from typing import NamedTuple

import torch
from torch import Tensor


class PixelCurve(NamedTuple):
    """Precision and recall from the highest threshold to the lowest, and the area under them.

    `thresholds`, `precision`, `recall` `(T + 1,)` float64, the pixels at or above a threshold
    being the ones that are predicted; precision is NaN where there are none. `average_precision`
    0-d float64.
    """

    thresholds: Tensor
    precision: Tensor
    recall: Tensor
    average_precision: Tensor


def bin_edges(thresholds_T: Tensor) -> Tensor:
    """Edges `(T + 3,)` of wsolevaluation's bins: the thresholds, 1, 2 and 3."""
    return torch.cat([thresholds_T, thresholds_T.new_tensor([1.0, 2.0, 3.0])])


def pixel_histograms(heat_BHW: Tensor, kinds_BHW: Tensor, edges_E: Tensor) -> Tensor:
    """How many false and true pixels of each image have a value in each bin.

    Args:
        heat_BHW: `(B, H, W)` normalised maps, from 0 to 1.
        kinds_BHW: `(B, H, W)` of a pixel: 0 false, 1 true, 2 ignored.
        edges_E: `(E,)` as `bin_edges` returns them; a bin begins with its lower edge.

    Returns:
        `(B, 2, E - 1)` int64 of false and true pixels.
    """
    batch, bins = len(heat_BHW), len(edges_E) - 1
    cells_BP = _bins(heat_BHW.flatten(1).double(), edges_E) + bins * kinds_BHW.flatten(1)
    counts = torch.zeros(batch, 3 * bins, dtype=torch.int64, device=heat_BHW.device)
    counts.scatter_add_(1, cells_BP, torch.ones_like(cells_BP))
    return counts.view(batch, 3, bins)[:, :2]


def _bins(values: Tensor, edges_E: Tensor) -> Tensor:
    # Edges are evenly spaced up to 1, so a bin is known but for rounding: faster than a search.
    bins = (values * (len(edges_E) - 3)).long()
    bins -= (values < edges_E[bins]).long()
    bins += (values >= edges_E[bins + 1]).long()
    return bins


def pixel_curve(counts_2E: Tensor, edges_E: Tensor) -> PixelCurve:
    """Precision, recall and the area under the curve.

    The area is the sum of `precision[i] * (recall[i] - recall[i - 1])`, from high to low
    thresholds, without any interpolation.

    Args:
        counts_2E: `(2, E - 1)` int64 of false and true pixels, as `pixel_histograms` returns them.
        edges_E: `(E,)` of the bins.

    Returns:
        The curve; the area is NaN if no pixel is true.
    """
    false_E, true_E = counts_2E.flip(-1).cumsum(-1).double()
    precision = true_E / (true_E + false_E)
    recall = true_E / true_E[-1]
    steps = precision[1:] * recall.diff()
    used = torch.where((true_E + false_E)[1:] > 0, steps, 0.0)
    # In order, so that every device and every program adds up the same.
    area = used.cumsum(0)[-1].where(true_E[-1] > 0, torch.nan)
    return PixelCurve(edges_E[:-1].flip(0)[1:], precision[1:], recall[1:], area)


def pixels_of_grid(
    masks_BHW: Tensor, sizes_B2: Tensor, regions_B4: Tensor, grid: tuple[int, int]
) -> Tensor:
    """Masks of originals on grids that show parts of them, by the nearest pixel.

    Of a whole image it is OpenCV's `INTER_NEAREST`: pixel `floor(i * scale)`.

    Args:
        masks_BHW: `(B, H, W)` of any type and size, covering the originals.
        sizes_B2: `(B, 2)` height and width of the originals, which regions are measured in.
        regions_B4: `(B, 4)` what each grid shows.
        grid: height and width of the grids.

    Returns:
        `(B, *grid)`.
    """
    x0, y0, x1, y1 = regions_B4.double().unbind(-1)
    height_B, width_B = sizes_B2.double().unbind(-1)
    rows_BH = _nearest(y0, y1, height_B, masks_BHW.shape[1], grid[0])
    columns_BW = _nearest(x0, x1, width_B, masks_BHW.shape[2], grid[1])
    image_B11 = torch.arange(len(masks_BHW), device=masks_BHW.device)[:, None, None]
    return masks_BHW[image_B11, rows_BH[:, :, None], columns_BW[:, None]]


def _nearest(low_B: Tensor, high_B: Tensor, side_B: Tensor, pixels: int, cells: int) -> Tensor:
    """Pixels `(B, cells)` of a mask's side that lie at the cells of a grid."""
    start_B1 = (low_B * pixels / side_B)[:, None]
    shown_B1 = ((high_B - low_B) * pixels / side_B)[:, None]
    # The reciprocal of a quotient, as OpenCV has it: it decides where a cell starts on a pixel.
    scale_B1 = (torch.full_like(shown_B1, cells) / shown_B1).reciprocal()
    cell_H = torch.arange(cells, dtype=torch.float64, device=low_B.device)
    return (start_B1 + cell_H * scale_B1).floor().long().clamp(0, pixels - 1)
