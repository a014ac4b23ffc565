"""Every threshold in one pass: boxes and IoU of a map's components at a thousand thresholds.

The masks of a map at rising thresholds are nested, so one look at the map's pixels gives the
components of all of them (`gapcam.cam.tree_nodes`). The time hardly depends on the number of
thresholds, and the results equal those of cutting every mask by itself. The work is done on the
CPU, whatever the device of the maps: maps travel there at mapping resolution, results travel back.
"""

import torch
from torch import Tensor

from gapcam.cam.contours import contour_boxes, contour_iou, truncated_boxes
from gapcam.cam.sweep_data import Sweep, SweepInput, prepare, prepare_truth

__all__ = [
    "Sweep",
    "contour_boxes",
    "contour_iou",
    "sweep_boxes",
    "sweep_iou",
    "truncated_boxes",
]


def sweep_iou(
    maps_Nhw: Tensor,
    size: tuple[int, int],
    thresholds_T: Tensor,
    truth_NG4: Tensor,
    counts_N: Tensor,
    *,
    normalise: str = "max",
    interpolation: str = "bilinear",
    grey: bool = False,
    connectivity: int = 8,
    largest: bool = True,
    every: bool = True,
) -> Sweep:
    """Score the connected components of each map against true boxes, at every threshold.

    A map is enlarged to `size`; a threshold t keeps pixels with `value > low + t * (high - low)`,
    where `high` is the map's maximum and `low` its minimum or zero. Of components with equally many
    pixels the one whose first pixel comes first in raster order is the largest. Nothing is kept,
    and IoU is 0, for a map that holds NaN or infinity, is constant or, under `max`, never positive.

    Args:
        maps_Nhw: `(N, h, w)` at mapping resolution, any floating type. Computed in float32, or in
            float64 if they are that.
        size: height and width of the grid that masks are cut on.
        thresholds_T: `(T,)` ascending, in 0..1; repetitions are allowed.
        truth_NG4: `(N, G, 4)` true boxes, half-open, in pixels of the grid; they may reach out of
            it. Padded.
        counts_N: `(N,)` how many of the G boxes are real; IoU is 0 where none is.
        normalise: `max` (`low` is zero) or `minmax` (`low` is the minimum).
        interpolation: as `gapcam.cam.enlarge.enlarge`.
        grey: round to an 8-bit image first: `floor((value - low) / (high - low) * 255)` is compared
            with `int(t * 255)`.
        connectivity: 8 or 4.
        largest: whether to compute `largest_NT`.
        every: whether to compute `any_NT`.

    Raises:
        ValueError: if an argument has a wrong shape, type or value.

    Example:
        >>> map_ = torch.tensor([[[0.0, 0.0, 4.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]])
        >>> truth, counts = torch.tensor([[[0.0, 1.0, 1.0, 3.0]]]), torch.tensor([1])
        >>> sweep_iou(map_, (3, 3), torch.tensor([0.2, 0.5]), truth, counts).any_NT
        tensor([[1., 0.]], dtype=torch.float64)
    """
    given = prepare(
        maps_Nhw,
        size,
        thresholds_T,
        normalise=normalise,
        interpolation=interpolation,
        grey=grey,
        connectivity=connectivity,
    )
    truth_NG4, counts_N = prepare_truth(maps_Nhw, truth_NG4, counts_N)
    from gapcam.cam.compiled import run
    from gapcam.cam.scores import score_boxes

    largest_NM, any_NM = given.zeros(largest), given.zeros(every)
    boxes_NM4 = _sweep(given, truth_NG4, counts_N, any_NM)
    if largest:
        arrays = boxes_NM4.numpy(), truth_NG4.numpy(), counts_N.numpy(), largest_NM.numpy()
        run(score_boxes, len(boxes_NM4), *arrays)
    return Sweep(given.spread(largest_NM), given.spread(any_NM))


def sweep_boxes(
    maps_Nhw: Tensor,
    size: tuple[int, int],
    thresholds_T: Tensor,
    *,
    normalise: str = "max",
    interpolation: str = "bilinear",
    grey: bool = False,
    connectivity: int = 8,
) -> Tensor:
    """Box each map's largest connected component at every threshold; see `sweep_iou`.

    Returns:
        `(N, T, 4)` float32, half-open, in pixels of the grid; zeros where nothing is kept.
    """
    given = prepare(
        maps_Nhw,
        size,
        thresholds_T,
        normalise=normalise,
        interpolation=interpolation,
        grey=grey,
        connectivity=connectivity,
    )
    no_truth_NG4 = torch.zeros(len(given.maps), 0, 4, dtype=torch.float64)
    no_counts_N = torch.zeros(len(given.maps), dtype=torch.int64)
    return given.spread(_sweep(given, no_truth_NG4, no_counts_N, given.zeros(False)))


def _sweep(given: SweepInput, truth_NG4: Tensor, counts_N: Tensor, any_NM: Tensor) -> Tensor:
    """Boxes `(N, M, 4)` of the largest components; fills in `any_NM` unless it is empty."""
    from gapcam.cam.compiled import run
    from gapcam.cam.sweep_numba import sweep_maps

    boxes_NM4 = torch.zeros(len(given.maps), given.count, 4)
    arrays = truth_NG4.numpy(), counts_N.numpy(), boxes_NM4.numpy(), any_NM.numpy()
    run(sweep_maps, len(given.maps), given.maps, given.masks, *arrays)
    return boxes_NM4
