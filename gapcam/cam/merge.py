"""Maps of several views of an image as one map of the whole image, ours and the released way."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import torch
from torch import Tensor

from gapcam.cam.dt_box import LEVELS, dt_boxes, loose_and_tight, require_levels
from gapcam.cam.enlarge import check_interpolation, enlarge
from gapcam.cam.views import Size, mirrored_views

CANVAS = (256, 256)
"""Size of the resized image that the released code cuts its crops from."""


class _Side(NamedTuple):
    """One side of a grid: `weights` `(B, pixels, cells)` of a map's cells in each of its pixels.

    `shown` `(B, pixels)` bool: whether the view shows the pixel; where not, the weights are 0.
    """

    weights: Tensor
    shown: Tensor


def merge_views(
    maps_BVMhw: Tensor,
    regions_BV4: Tensor,
    sizes_B2: Tensor,
    grid: Size,
    mirrored_V: Sequence[bool],
    interpolation: str = "bilinear",
    absolute: bool = False,
    coverage: bool = True,
) -> Tensor:
    """Enlarge the maps of several views to their places on a grid over the original, and add them.

    A pixel belongs to a view if its centre lies in the view's region. There the value is that of
    the map enlarged to the region as `gapcam.cam.enlarge` does it (equal within rounding where the
    region ends between pixels); elsewhere the view adds nothing.

    Args:
        maps_BVMhw: `(B, V, M, h, w)` maps of V views at mapping resolution.
        regions_BV4: `(B, V, 4)` what each view shows, in pixels of its original image.
        sizes_B2: `(B, 2)` height and width of the original images.
        grid: height and width of the grid that covers each whole original.
        mirrored_V: which views are mirrored left to right; their maps are mirrored back.
        interpolation: `bilinear`, `cubic` or `matlab`, see `gapcam.cam.enlarge`.
        absolute: add absolute values, as the released code does (mergeTenCrop.m).
        coverage: divide each pixel by how many views show it, which the released code does not.

    Returns:
        `(B, M, height, width)`, float64 for float64 maps and float32 for all others; 0 where no
        view shows a pixel. NaN or infinity in one view may spread to the whole of its map.

    Raises:
        ValueError: if the shapes do not agree, or the interpolation is unknown.
    """
    _check_shapes(maps_BVMhw, regions_BV4, sizes_B2, grid, mirrored_V)
    check_interpolation(interpolation)
    batch, _, classes, _, _ = maps_BVMhw.shape
    # In double precision the results agree on all devices; single would be TF32 on some GPUs.
    # Apple's have nothing but single.
    exact = torch.float32 if maps_BVMhw.device.type == "mps" else torch.float64
    height_B, width_B = sizes_B2.to(maps_BVMhw.device, exact).unbind(-1)
    total = torch.zeros(batch, classes, *grid, dtype=exact, device=maps_BVMhw.device)
    count_BHW = torch.zeros(batch, *grid, dtype=exact, device=maps_BVMhw.device)
    with torch.autocast(maps_BVMhw.device.type, enabled=False):
        for view, mirrored in enumerate(mirrored_V):
            maps_BMhw = maps_BVMhw[:, view].to(exact)
            maps_BMhw = maps_BMhw.flip(-1) if mirrored else maps_BMhw
            x0, y0, x1, y1 = regions_BV4[:, view].to(maps_BMhw).unbind(-1)
            down = _side(y0, y1, height_B, grid[0], maps_BMhw.shape[-2], interpolation)
            across = _side(x0, x1, width_B, grid[1], maps_BMhw.shape[-1], interpolation)
            placed = down.weights[:, None] @ (maps_BMhw @ across.weights.mT[:, None])
            total += placed.abs_() if absolute else placed
            count_BHW += down.shown[:, :, None] & across.shown[:, None, :]
    if coverage:
        total /= count_BHW.clamp(min=1)[:, None]
    return total if maps_BVMhw.dtype == torch.float64 else total.float()


def released_heat(
    maps_VMhw: Tensor, regions_V4: Tensor, size: Size, canvas: Size = CANVAS
) -> Tensor:
    """Grey heat maps of one image from the maps of its views, as the released code makes them.

    Each map is enlarged to its crop (MATLAB's `imresize`), absolute values are added on the canvas
    without division by coverage, the sum is resized to the original image, divided by its maximum
    and brought to 8 bits as `imwrite` does: 255 times, rounded half up, what is below zero becomes
    zero (ILSVRC_generate_heatmap.m). They saved it as a JPEG of quality 75, which is left out: on
    200 classes of their img1, at 375x500, it leaves a third of the boxes as they are, and the
    others have IoU of 0.99 with those without it on average, 0.89 at worst.

    Args:
        maps_VMhw: `(V, M, h, w)` maps of V views; of ten, the second five are mirrored.
        regions_V4: `(V, 4)` what each view shows, in pixels of the original image.
        size: height and width of the original image.
        canvas: height and width of the resized image that the views were cut from.

    Returns:
        `(M, H, W)` uint8 on the CPU. Zeros for a map that is zero, NaN or infinite somewhere.

    Raises:
        ValueError: if the shapes do not agree.
    """
    sizes_12 = torch.tensor([size])
    return _grey(_released_sum(maps_VMhw[None], regions_V4[None], sizes_12, canvas)[0], size)


def released_boxes(
    maps_BVMhw: Tensor,
    regions_BV4: Tensor,
    sizes_B2: Tensor,
    levels: Sequence[int] = LEVELS,
    canvas: Size = CANVAS,
) -> Tensor:
    """Loose and tight box of each map by the released code: `released_heat`, then `dt_box`.

    On the host, one image after another, the maps of an image in as many threads as torch may use;
    maps travel there at mapping resolution.

    Args:
        maps_BVMhw: `(B, V, M, h, w)` maps of V views; of ten, the second five are mirrored.
        regions_BV4: `(B, V, 4)` what each view shows, in pixels of its original image.
        sizes_B2: `(B, 2)` height and width of the original images.
        levels: grey levels of `dt_box`.
        canvas: height and width of the resized image that the views were cut from.

    Returns:
        `(B, M, 2, 4)` float32, half-open, in pixels of the original images, on the maps' device;
        zeros for a map that is zero, NaN or infinite somewhere.

    Raises:
        ValueError: if the shapes do not agree, or the levels are not ascending in 1..254.
    """
    require_levels(levels)
    sums_BMHW = _released_sum(maps_BVMhw, regions_BV4, sizes_B2, canvas)
    boxes_BM24 = torch.zeros(*sums_BMHW.shape[:2], 2, 4)
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:
        for row, (height, width) in enumerate(sizes_B2.tolist()):
            grey_MHW = _grey(sums_BMHW[row], (height, width))
            found = threads.map(lambda grey: loose_and_tight(dt_boxes(grey, levels)), grey_MHW)
            for place, boxes_24 in enumerate(found):
                boxes_BM24[row, place] = boxes_24
    return boxes_BM24.to(maps_BVMhw.device)


def _released_sum(
    maps_BVMhw: Tensor, regions_BV4: Tensor, sizes_B2: Tensor, canvas: Size
) -> Tensor:
    return merge_views(
        maps_BVMhw.cpu(),
        regions_BV4.cpu(),
        sizes_B2,
        canvas,
        mirrored_views(maps_BVMhw.shape[1]),
        interpolation="matlab",
        absolute=True,
        coverage=False,
    )


def _grey(sums_MHW: Tensor, size: Size) -> Tensor:
    heat_MHW = enlarge(sums_MHW, size, "matlab")
    usable_M11 = heat_MHW.isfinite().flatten(1).all(1)[:, None, None]
    peak_M11 = heat_MHW.amax((-2, -1), keepdim=True)
    shares_MHW = (heat_MHW / peak_M11).where(usable_M11 & (peak_M11 > 0), 0)
    return (shares_MHW * 255 + 0.5).clamp(0, 255).to(torch.uint8)


def _side(
    low_B: Tensor, high_B: Tensor, length_B: Tensor, pixels: int, cells: int, interpolation: str
) -> _Side:
    """Weights along one side of the grid, for maps that show `low..high` of originals' `length`."""
    low_B1, step_B1 = low_B[:, None], (length_B / pixels)[:, None]
    span_B1 = (high_B - low_B)[:, None]
    centre_BP = (torch.arange(pixels, device=low_B.device) + 0.5) * step_B1
    shown_BP = (centre_BP >= low_B1) & (centre_BP < high_B[:, None])
    place_BP = (centre_BP - low_B1) / span_B1 * cells - 0.5
    shrink_B1 = (cells * step_B1 / span_B1).clamp(min=1)
    weights = _weights(place_BP[..., None], cells, interpolation, shrink_B1[..., None])
    return _Side(weights.where(shown_BP[..., None], 0), shown_BP)


def _weights(place: Tensor, cells: int, interpolation: str, shrink: Tensor) -> Tensor:
    """Weights `(..., cells)` of the cells at places `(..., 1)`; 0 is the centre of the first."""
    cell = torch.arange(cells, device=place.device)
    if interpolation == "bilinear":
        return (1 - (place.clamp(0, cells - 1) - cell).abs()).clamp(min=0)
    if interpolation == "cubic":
        weights = _keys(place - cell, -0.75)
        for beyond in (1, 2):  # the cells at the edge are repeated outside
            weights[..., 0] += _keys(place + beyond, -0.75)[..., 0]
            weights[..., -1] += _keys(place - (cells - 1 + beyond), -0.75)[..., 0]
        return weights
    weights = torch.zeros_like(place)
    for turn in (-2 * cells, 0, 2 * cells):  # the map goes on mirrored at its edges
        for copy in (cell + turn, turn - 1 - cell):
            weights = weights + _keys((place - copy) / shrink, -0.5)
    return weights / weights.sum(-1, keepdim=True)


def _keys(distance: Tensor, a: float) -> Tensor:
    """Keys' cubic kernel."""
    x = distance.abs()
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return near.where(x <= 1, far.where(x < 2, 0))


def _check_shapes(
    maps: Tensor, regions: Tensor, sizes: Tensor, grid: Size, mirrored: Sequence[bool]
) -> None:
    fits = maps.ndim == 5 and maps.is_floating_point() and min(*maps.shape[3:], *grid) > 0
    batch, views = maps.shape[:2]
    fits = fits and regions.shape == (batch, views, 4) and sizes.shape == (batch, 2)
    if not fits or len(mirrored) != views:
        raise ValueError(
            "merge_views needs float maps (B, V, M, h, w), regions (B, V, 4), sizes (B, 2), a grid "
            "of one pixel or more and V words in mirrored; got "
            f"{tuple(maps.shape)} of dtype {maps.dtype}, {tuple(regions.shape)}, "
            f"{tuple(sizes.shape)}, {tuple(grid)} and {len(mirrored)}"
        )
