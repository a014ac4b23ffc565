"""The largest connected component of each mask of a batch, on the masks' own device.

Union-find on whole batches. Every pixel points at a pixel of its own component; a round hooks each
component onto its smallest neighbour and then flattens the pointers. Two rounds at least halve the
components that still have a neighbour: one that found no smaller neighbour to hook onto lost that
neighbour to a still smaller component, and hooks onto it in the next round. So
`2 * log2(first components)` rounds always suffice, spirals and combs included. On a GPU exactly
that many run, because asking "are we done?" would stop the queue to copy an answer to the host; on
the CPU, where asking is free, the loop leaves early (after 2 to 9 rounds).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

# Labels are 8 bytes a pixel. On a CPU a piece should stay in its cache, which is three times faster
# than a whole batch; on a GPU a piece should be large, and leave room in its memory.
_PIXELS_AT_ONCE = {"cpu": 2**18, "device": 2**26}


class LargestComponent(NamedTuple):
    """Tight boxes `(N, 4)` float, half-open, and pixel counts `(N,)` int64; zeros if empty."""

    boxes_N4: Tensor
    areas_N: Tensor


def largest_component(masks_NHW: Tensor, connectivity: int = 8) -> LargestComponent:
    """Find the connected component with most pixels in each mask.

    A tie goes to the component whose first pixel comes first in raster order, on every device.

    Args:
        masks_NHW: `(N, H, W)` bool.
        connectivity: 8 (diagonal neighbours touch) or 4.

    Raises:
        ValueError: if the masks are not `(N, H, W)` bool, or connectivity is neither 4 nor 8.

    Example:
        >>> mask = torch.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 1, 1]]).bool()
        >>> largest_component(mask[None], connectivity=8).boxes_N4
        tensor([[0., 0., 2., 2.]])
        >>> largest_component(mask[None], connectivity=4).boxes_N4
        tensor([[1., 3., 3., 4.]])
    """
    if masks_NHW.ndim != 3 or masks_NHW.dtype != torch.bool:
        raise ValueError(
            "largest_component needs masks (N, H, W) of dtype bool; "
            f"got {tuple(masks_NHW.shape)} of dtype {masks_NHW.dtype}"
        )
    if connectivity not in (4, 8):
        raise ValueError(f"connectivity must be 4 or 8; got {connectivity!r}")
    if masks_NHW.numel() == 0:
        boxes_N4 = torch.zeros(len(masks_NHW), 4, device=masks_NHW.device)
        return LargestComponent(boxes_N4, boxes_N4.new_zeros(len(masks_NHW), dtype=torch.int64))
    at_once = _PIXELS_AT_ONCE["cpu" if _is_free_to_ask(masks_NHW) else "device"]
    pieces = torch.split(masks_NHW, max(1, at_once // masks_NHW[0].numel()))
    found = [_largest_component(piece, connectivity) for piece in pieces]
    return LargestComponent(*(torch.cat(part) for part in zip(*found, strict=True)))


def _largest_component(masks_NHW: Tensor, connectivity: int) -> LargestComponent:
    first_pixel_NP = _first_pixel_of_component(masks_NHW, connectivity)
    areas_NP = torch.zeros_like(first_pixel_NP)
    areas_NP.scatter_add_(1, first_pixel_NP, masks_NHW.flatten(1).long())
    pixels = areas_NP.shape[1]
    # One integer orders by area and then by first pixel, so argmax has no tie to break.
    earlier_first = torch.arange(pixels - 1, -1, -1, device=masks_NHW.device)
    winner_N1 = (areas_NP * pixels + earlier_first).argmax(1, keepdim=True)
    is_winner_NHW = (first_pixel_NP == winner_N1).view_as(masks_NHW) & masks_NHW
    return LargestComponent(tight_boxes(is_winner_NHW), areas_NP.gather(1, winner_N1)[:, 0])


def tight_boxes(masks_NHW: Tensor) -> Tensor:
    """Half-open boxes `(N, 4)`, float, around all true pixels of each mask; zeros if none."""
    height, width = masks_NHW.shape[1:]
    y0, y1 = _extent(masks_NHW.any(2), height)
    x0, x1 = _extent(masks_NHW.any(1), width)
    return torch.stack([x0, y0, x1, y1], dim=1).float()


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
