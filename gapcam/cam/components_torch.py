"""The largest connected component in plain torch, on any device.

Union-find on whole batches. Every pixel points at a pixel of its own component; a round hooks each
component onto its smallest neighbour and then flattens the pointers. Two rounds at least halve the
components that still have a neighbour: one that found no smaller neighbour to hook onto lost that
neighbour to a still smaller component, and hooks onto it in the next round. So
`2 * log2(first components)` rounds always suffice, spirals and combs included. On a GPU exactly
that many run, because asking "are we done?" would stop the queue to copy an answer to the host; on
the CPU, where asking is free, the loop leaves early (after 2 to 9 rounds).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from gapcam.cam.enlarge import enlarge
from gapcam.cam.threshold import above

# Labels are 8 bytes a pixel. On a CPU a piece should stay in its cache, which is three times faster
# than a whole batch; on a GPU a piece should be large, and leave room in its memory.
_PIXELS_AT_ONCE = {"cpu": 2**18, "device": 2**26}


def largest(masks_NHW: Tensor, connectivity: int) -> tuple[Tensor, Tensor]:
    """Boxes and areas as `gapcam.cam.components.largest_component` describes them."""
    pixels = masks_NHW[0].numel()
    return _in_pieces(masks_NHW, pixels, lambda masks: _largest(masks, connectivity))


def largest_above(
    maps_Nhw: Tensor,
    size: tuple[int, int],
    threshold: float,
    normalise: str,
    interpolation: str,
    connectivity: int,
) -> tuple[Tensor, Tensor]:
    """Boxes and areas as `gapcam.cam.components.largest_component_above` describes them."""

    def largest_of(maps: Tensor) -> tuple[Tensor, Tensor]:
        return _largest(
            above(enlarge(maps, size, interpolation), threshold, normalise), connectivity
        )

    return _in_pieces(maps_Nhw, size[0] * size[1], largest_of)


def tight_boxes(masks_NHW: Tensor) -> Tensor:
    """Half-open boxes `(N, 4)`, float, around all true pixels of each mask; zeros if none."""
    height, width = masks_NHW.shape[1:]
    y0, y1 = _extent(masks_NHW.any(2), height)
    x0, x1 = _extent(masks_NHW.any(1), width)
    return torch.stack([x0, y0, x1, y1], dim=1).float()


def _in_pieces(
    batch: Tensor, pixels: int, largest_of: Callable[[Tensor], tuple[Tensor, Tensor]]
) -> tuple[Tensor, Tensor]:
    """Look at a batch of masks of so many pixels piece by piece."""
    at_once = _PIXELS_AT_ONCE["cpu" if _is_free_to_ask(batch) else "device"]
    found = [largest_of(piece) for piece in torch.split(batch, max(1, at_once // pixels))]
    boxes, areas = zip(*found, strict=True)
    return torch.cat(boxes), torch.cat(areas)


def _largest(masks_NHW: Tensor, connectivity: int) -> tuple[Tensor, Tensor]:
    first_pixel_NP = _first_pixel_of_component(masks_NHW, connectivity)
    areas_NP = torch.zeros_like(first_pixel_NP)
    areas_NP.scatter_add_(1, first_pixel_NP, masks_NHW.flatten(1).long())
    pixels = areas_NP.shape[1]
    # One integer orders by area and then by first pixel, so argmax has no tie to break.
    earlier_first = torch.arange(pixels - 1, -1, -1, device=masks_NHW.device)
    winner_N1 = (areas_NP * pixels + earlier_first).argmax(1, keepdim=True)
    is_winner_NHW = (first_pixel_NP == winner_N1).view_as(masks_NHW) & masks_NHW
    return tight_boxes(is_winner_NHW), areas_NP.gather(1, winner_N1)[:, 0]


def _extent(hit_NL: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """First true position and one past the last of each row; 0, 0 if there is none."""
    position = torch.arange(length, device=hit_NL.device)
    first = torch.where(hit_NL, position, length).amin(1)
    end = torch.where(hit_NL, position + 1, 0).amax(1)
    return torch.minimum(first, end), end


def _first_pixel_of_component(masks_NHW: Tensor, connectivity: int) -> Tensor:
    """Label each pixel with the raster index of its component's first pixel.

    Returns `(N, H*W)` int64. Background pixels carry their own index.
    """
    height, width = masks_NHW.shape[1:]
    pixels = height * width
    foreground_NP = masks_NHW.flatten(1)
    parent_NP = _start_of_horizontal_run(masks_NHW).flatten(1)
    most_runs = height * ((width + 1) // 2)
    jumps = most_runs.bit_length()
    for _ in range(2 * jumps + 1):
        reachable_NHW = torch.where(foreground_NP, parent_NP, pixels).view_as(masks_NHW)
        lowest_NP = _lowest_neighbour(reachable_NHW, connectivity).flatten(1)
        lowest_NP = torch.where(foreground_NP, lowest_NP, parent_NP)
        # Pointers are flat here, so hooking the parent hooks the whole component.
        hooked_NP = parent_NP.scatter_reduce(1, parent_NP, lowest_NP, "amin")
        for _ in range(jumps):
            flatter_NP = hooked_NP.gather(1, hooked_NP)
            if _is_free_to_ask(masks_NHW) and torch.equal(flatter_NP, hooked_NP):
                break
            hooked_NP = flatter_NP
        if _is_free_to_ask(masks_NHW) and torch.equal(hooked_NP, parent_NP):
            break
        parent_NP = hooked_NP
    return parent_NP


def _is_free_to_ask(tensor: Tensor) -> bool:
    return tensor.device.type == "cpu"


def _start_of_horizontal_run(masks_NHW: Tensor) -> Tensor:
    """Raster index of the leftmost pixel of the run each pixel lies in; background: its own."""
    height, width = masks_NHW.shape[1:]
    column = torch.arange(width, device=masks_NHW.device)
    row_start = torch.arange(height, device=masks_NHW.device)[:, None] * width
    background = torch.where(masks_NHW, -1, column)
    run_start = background.cummax(2).values + 1
    return torch.where(masks_NHW, run_start, column) + row_start


def _lowest_neighbour(values_NHW: Tensor, connectivity: int) -> Tensor:
    """Minimum of raster indices over each pixel and its 4 or 8 neighbours."""
    above_all = values_NHW.shape[1] * values_NHW.shape[2]
    padded = F.pad(values_NHW, (1, 1, 1, 1), value=above_all)
    across = torch.minimum(padded[:, :, :-2], padded[:, :, 2:]).minimum(padded[:, :, 1:-1])
    if connectivity == 8:
        return torch.minimum(across[:, :-2], across[:, 2:]).minimum(across[:, 1:-1])
    above, below = padded[:, :-2, 1:-1], padded[:, 2:, 1:-1]
    return torch.minimum(above, below).minimum(across[:, 1:-1])
