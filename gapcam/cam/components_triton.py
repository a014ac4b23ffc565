"""The largest connected component on a GPU, in Triton: the host is never waited for.

All launches are queued at once, so a call can be captured in a CUDA graph once the same call was
made before: the first compiles, and copies the taps of the interpolation to the device.
"""

from typing import Any

import torch
import triton
from torch import Tensor

from gapcam.cam.enlarge import taps_for
from gapcam.cam.runs_triton import (
    COLUMNS,
    LAST,
    ROWS,
    add_areas,
    extremes_of_maps,
    fit_boxes,
    runs_of_maps,
    runs_of_masks,
    unite,
)
from gapcam.cam.threshold import level

_WARPS = 4

# Masks and their runs take up to 10 bytes a pixel.
_PIXELS_AT_ONCE = 2**26


def largest(masks_NHW: Tensor, connectivity: int) -> tuple[Tensor, Tensor]:
    """Boxes and areas as `gapcam.cam.components.largest_component` describes them."""
    height, width = masks_NHW.shape[1:]
    found = []
    with torch.cuda.device(masks_NHW.get_device()):
        for masks in _pieces(masks_NHW.contiguous(), height * width):
            runs = _Runs(len(masks), height, width, connectivity, masks.device)
            runs.launch(runs_of_masks, masks.view(torch.uint8), *runs.buffers)
            found.append(runs.largest())
    return _joined(found)


def largest_above(
    maps_Nhw: Tensor,
    size: tuple[int, int],
    threshold: float,
    normalise: str,
    interpolation: str,
    connectivity: int,
) -> tuple[Tensor, Tensor]:
    """Boxes and areas as `gapcam.cam.components.largest_component_above` describes them."""
    rows, columns = maps_Nhw.shape[1:]
    down = taps_for(rows, size[0], interpolation, maps_Nhw.dtype, maps_Nhw.device)
    across = taps_for(columns, size[1], interpolation, maps_Nhw.dtype, maps_Nhw.device)
    found = []
    with torch.cuda.device(maps_Nhw.get_device()):
        for maps in _pieces(maps_Nhw.detach().contiguous(), size[0] * size[1]):
            enlarging = (maps, rows, columns, *down, *across)
            counts = {"TAPS_DOWN": len(down.cells), "TAPS_ACROSS": len(across.cells)}
            runs = _Runs(len(maps), *size, connectivity, maps.device)
            low_NT, high_NT = maps.new_empty(2, len(maps), runs.tiles)
            runs.launch(extremes_of_maps, *enlarging, low_NT, high_NT, **counts)
            levels_N = level(low_NT.amin(1), high_NT.amax(1), threshold, normalise)
            runs.launch(runs_of_maps, *enlarging, levels_N, *runs.buffers, **counts)
            found.append(runs.largest())
    return _joined(found)


def _pieces(batch: Tensor, pixels: int) -> tuple[Tensor, ...]:
    return torch.split(batch, max(1, _PIXELS_AT_ONCE // pixels))


def _joined(found: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    boxes, areas = zip(*found, strict=True)
    return torch.cat(boxes), torch.cat(areas)


class _Runs:
    """The runs of masks `(N, H, W)` on the device, and the launches that look at them.

    `beginnings` `(N, H, W)` uint8: column of the tile, from 1, where a pixel's run begins; 0 for
    background. `parents` and `areas` `(N, H, W)` int32 mean something at first pixels of runs only:
    the first pixel of an earlier run of the component; and how many pixels the component has.
    """

    def __init__(
        self, count: int, height: int, width: int, connectivity: int, device: torch.device
    ) -> None:
        self.size = height, width
        self.tiles = triton.cdiv(height, ROWS.value) * triton.cdiv(width, COLUMNS.value)
        self.connectivity = connectivity
        self.beginnings = torch.empty(count, height, width, dtype=torch.uint8, device=device)
        self.parents = torch.empty_like(self.beginnings, dtype=torch.int32)
        self.areas = torch.empty_like(self.parents)
        self.buffers = self.beginnings, self.parents, self.areas

    def launch(self, kernel: Any, *arguments: Any, **constants: int) -> None:
        """Run a kernel on every tile of every mask. Fused multiply-adds would change sums."""
        grid = (len(self.parents) * self.tiles,)
        kernel[grid](*arguments, *self.size, **constants, num_warps=_WARPS, enable_fp_fusion=False)

    def largest(self) -> tuple[Tensor, Tensor]:
        """Unite the runs; return box and area of each mask's largest component."""
        ranks_N = self.parents.new_zeros(len(self.parents), dtype=torch.int64)
        low_N2 = self.parents.new_full((len(self.parents), 2), LAST.value)
        high_N2 = torch.zeros_like(low_N2)
        self.launch(unite, *self.buffers[:2], CONNECTIVITY=self.connectivity)
        self.launch(add_areas, *self.buffers, ranks_N)
        self.launch(fit_boxes, *self.buffers[:2], ranks_N, low_N2, high_N2)
        # Of an empty mask, low is still above high, which is zero.
        boxes_N4 = torch.cat([torch.minimum(low_N2, high_N2), high_N2], dim=1).float()
        return boxes_N4, ranks_N >> 32
