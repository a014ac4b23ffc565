"""What a protocol does to maps: boxes at one threshold, IoU at every threshold, heat."""

from collections.abc import Iterator
from itertools import groupby
from math import ceil, floor
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from gapcam.cam.contours import contour_boxes, contour_iou, truncated_boxes
from gapcam.cam.enlarge import enlarge
from gapcam.cam.merge import merge_views, released_boxes
from gapcam.cam.rules import largest_component_boxes
from gapcam.cam.sweep import Sweep, sweep_boxes, sweep_iou
from gapcam.cam.threshold import usable_maps
from gapcam.cam.views import Size, boxes_from_view, mirrored_views

if TYPE_CHECKING:
    from gapcam.protocol.protocol import Protocol


class _Gridded(NamedTuple):
    """Maps `(B, M, h, w)` to enlarge to `grid`, which shows `regions` `(B, 4)` of the originals."""

    rows: slice
    maps: Tensor
    grid: Size
    regions: Tensor


def boxes(protocol: "Protocol", maps: Tensor, view: Size, regions: Tensor, sizes: Tensor) -> Tensor:
    """See `Protocol.boxes`."""
    if protocol.region == "dt_box":
        several = maps.ndim == 5
        maps_BVMhw = maps if several else maps[:, None]
        regions_BV4 = regions if several else regions[:, None]
        parts = [
            released_boxes(
                maps_BVMhw[rows], regions_BV4[rows], sizes[rows], protocol.levels, canvas
            )
            for rows, canvas in _canvases(view, regions_BV4, sizes)
        ]
        return torch.cat(parts)
    if protocol.threshold is None:
        raise ValueError(
            f"protocol {protocol.name!r} tries every threshold, so it has no boxes until one is "
            "chosen: protocol.at(0.2)"
        )
    parts = []
    for part in _on_grids(protocol, maps, view, regions, sizes):
        found = _cut(protocol, part)
        is_found = found.any(-1, keepdim=True)
        parts.append(boxes_from_view(found, part.grid, part.regions).where(is_found, 0))
    return torch.cat(parts)[:, :, None]


def sweep(
    protocol: "Protocol",
    maps: Tensor,
    view: Size,
    regions: Tensor,
    sizes: Tensor,
    truth: Tensor,
    counts: Tensor,
    *,
    largest: bool,
    every: bool,
) -> Sweep:
    """See `Protocol.sweep`."""
    # Trees are built on the host. Maps travel there as the network made them, not enlarged.
    device = maps.device
    maps, regions, sizes, truth, counts = (
        tensor.cpu() for tensor in (maps, regions, sizes, truth, counts)
    )
    thresholds = protocol.thresholds
    parts = []
    for part in _on_grids(protocol, maps.unsqueeze(-3), view, regions, sizes):
        maps_Bhw, truth_BG4 = part.maps[:, 0], truth[part.rows]
        if protocol.region == "contour":
            corners_BG4 = truth_BG4 - truth_BG4.new_tensor([0, 0, 1, 1])  # inclusive, as in files
            truth_BG4 = truncated_boxes(corners_BG4, sizes[part.rows], part.grid)
            found = contour_iou(
                maps_Bhw,
                part.grid,
                thresholds,
                truth_BG4,
                counts[part.rows],
                largest=largest,
                every=every,
            )
        else:
            found = sweep_iou(
                maps_Bhw,
                part.grid,
                thresholds,
                _truth_on_grid(truth_BG4, part),
                counts[part.rows],
                **_cutting(protocol),
                largest=largest,
                every=every,
            )
        parts.append(found)
    return Sweep(*(torch.cat(column).to(device) for column in zip(*parts, strict=True)))


def heat(protocol: "Protocol", maps: Tensor, view: Size, regions: Tensor, sizes: Tensor) -> Tensor:
    """See `Protocol.heat`."""
    if protocol.grid == "original":
        raise ValueError(
            f"protocol {protocol.name!r} has a grid for each image (grid: original), so its maps "
            "cannot be stacked; give a protocol with grid: view or a side"
        )
    (part,) = _on_grids(protocol, maps.unsqueeze(-3), view, regions, sizes)
    # wsolevaluation's maps have double precision.
    maps_Bhw = part.maps[:, 0].double() if protocol.region == "contour" else part.maps[:, 0].float()
    return _normalised(protocol, enlarge(usable_maps(maps_Bhw), part.grid, protocol.interpolation))


def heat_on_pictures(
    protocol: "Protocol", maps: Tensor, view: Size, regions: Tensor, sizes: Tensor
) -> Iterator[Tensor]:
    """See `Protocol.heat_on_pictures`."""
    for part in _on_grids(protocol, maps, view, regions, sizes):
        for maps_Mhw, region, size in zip(
            part.maps, part.regions.tolist(), sizes[part.rows].tolist(), strict=True
        ):
            usable = usable_maps(maps_Mhw.float())
            heat_MHW = _normalised(protocol, enlarge(usable, part.grid, protocol.interpolation))
            yield _on_picture(heat_MHW, region, (size[0], size[1]))


def _on_picture(heat_MHW: Tensor, region: list[float], size: Size) -> Tensor:
    """Heat on the pixels of the original, zero where no view shows it."""
    left, top = max(0, floor(region[0] + 1e-3)), max(0, floor(region[1] + 1e-3))
    right, bottom = min(size[1], ceil(region[2] - 1e-3)), min(size[0], ceil(region[3] - 1e-3))
    shown = enlarge(heat_MHW, (bottom - top, right - left)).clamp(0, 1)
    if shown.shape[1:] == size:
        return shown
    heat = shown.new_zeros(len(heat_MHW), *size)
    heat[:, top:bottom, left:right] = shown
    return heat


def _on_grids(
    protocol: "Protocol", maps: Tensor, view: Size, regions: Tensor, sizes: Tensor
) -> Iterator[_Gridded]:
    """Bring maps `(B, [V,] M, h, w)` to one map an image; all at once if the grid is fixed."""
    if protocol.grid != "original" or not len(sizes):
        side = protocol.grid
        grid = view if isinstance(side, str) else (side, side)
        yield _merged(protocol, slice(0, len(maps)), maps, grid, regions, sizes)
        return
    for row, region in enumerate(regions.cpu()):
        rows = slice(row, row + 1)
        height, width = sizes[row].tolist()
        if region.ndim == 1:
            x0, y0, x1, y1 = region.tolist()
            height, width = max(1, round(y1 - y0)), max(1, round(x1 - x0))
        yield _merged(protocol, rows, maps[rows], (height, width), regions[rows], sizes[rows])


def _merged(
    protocol: "Protocol", rows: slice, maps: Tensor, grid: Size, regions: Tensor, sizes: Tensor
) -> _Gridded:
    if maps.ndim == 4:
        return _Gridded(rows, maps, grid, regions)
    merged = merge_views(
        maps,
        regions,
        sizes,
        grid,
        mirrored_views(maps.shape[1]),
        interpolation=protocol.interpolation,
        absolute=protocol.merge == "absolute",
        coverage=protocol.coverage,
    )
    height_B, width_B = sizes.to(regions).unbind(-1)
    nothing_B = torch.zeros_like(height_B)
    whole_B4 = torch.stack([nothing_B, nothing_B, width_B, height_B], dim=-1)
    return _Gridded(rows, merged, grid, whole_B4)


def _cut(protocol: "Protocol", part: _Gridded) -> Tensor:
    """Boxes `(B, M, 4)` on the grid, at the protocol's threshold."""
    assert protocol.threshold is not None
    batch, classes = part.maps.shape[:2]
    if protocol.region == "component" and not protocol.grey:
        return largest_component_boxes(
            part.maps,
            part.grid,
            protocol.threshold,
            normalise=protocol.normalise,
            interpolation=protocol.interpolation,
            connectivity=protocol.connectivity,
            percentile=protocol.percentile,
        )
    maps_Nhw = part.maps.flatten(0, 1)
    threshold_1 = torch.tensor([protocol.threshold], dtype=torch.float64)
    if protocol.region == "contour":
        boxes_N14 = contour_boxes(maps_Nhw, part.grid, threshold_1)
    else:
        boxes_N14 = sweep_boxes(maps_Nhw, part.grid, threshold_1, **_cutting(protocol))
    return boxes_N14.view(batch, classes, 4)


def _cutting(protocol: "Protocol") -> dict[str, Any]:
    return {
        "normalise": protocol.normalise,
        "interpolation": protocol.interpolation,
        "grey": protocol.grey,
        "connectivity": protocol.connectivity,
    }


def _truth_on_grid(truth_BG4: Tensor, part: _Gridded) -> Tensor:
    """True boxes in pixels of the grid, not cut off where the grid ends: IoU stays the same."""
    x0, y0, x1, y1 = part.regions.double().unbind(-1)
    across, down = part.grid[1] / (x1 - x0), part.grid[0] / (y1 - y0)
    origin_B14 = torch.stack([x0, y0, x0, y0], dim=-1)[:, None]
    return (truth_BG4.double() - origin_B14) * torch.stack([across, down] * 2, dim=-1)[:, None]


def _normalised(protocol: "Protocol", maps_BHW: Tensor) -> Tensor:
    high_B11 = maps_BHW.amax((-2, -1), keepdim=True)
    if protocol.percentile < 100 and len(maps_BHW):
        # One by one: some versions of torch refuse more than 16 million values.
        tops = [one.quantile(protocol.percentile / 100) for one in maps_BHW]
        high_B11 = torch.stack(tops)[:, None, None]
    low_B11 = torch.zeros_like(high_B11)
    if protocol.normalise == "minmax":
        low_B11 = maps_BHW.amin((-2, -1), keepdim=True)
    shifted = (maps_BHW - low_B11).clamp(min=0)
    return (shifted / (high_B11 - low_B11)).clamp(max=1).where(high_B11 > low_B11, 0)


def _canvases(view: Size, regions_BV4: Tensor, sizes_B2: Tensor) -> Iterator[tuple[slice, Size]]:
    """Size of the resized images that the views were cut from, from the share that they show.

    Neighbours of one size are together; pictures that keep their shape have different ones.
    """
    canvases = [
        (round(view[0] * height / (y1 - y0)), round(view[1] * width / (x1 - x0)))
        for (x0, y0, x1, y1), (height, width) in zip(
            regions_BV4[:, 0].tolist(), sizes_B2.tolist(), strict=True
        )
    ]
    start = 0
    for canvas, alike in groupby(canvases or [view]):
        count = len(list(alike))
        yield slice(start, start + count), canvas
        start += count
