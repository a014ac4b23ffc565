"""What goes into a sweep over thresholds, checked and ready for compiled code; what comes out."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from gapcam.cam.threshold import check_threshold, usable_maps

if TYPE_CHECKING:
    from gapcam.cam.levels import Masks

MOST_THRESHOLDS = 32767
"""Levels are kept in 16 bits, and so is twice their number."""


class Sweep(NamedTuple):
    """IoU at each threshold, `(N, T)` float64 in 0..1; `(N, 0)` if not asked for.

    `largest_NT`: of the largest region's box with the true box it fits best. `any_NT`: of any
    region's box with any true box.
    """

    largest_NT: Tensor
    any_NT: Tensor


@dataclass(frozen=True)
class SweepInput:
    """What compiled code works on, and the way back.

    `maps` `(N, h, w)`: array on the CPU. `masks`: how they become M different masks each. `which`
    `(T,)`: the mask of each threshold; in an 8-bit image some share one. `device`: of the maps.
    """

    maps: Any
    masks: "Masks"
    which: Tensor
    device: torch.device

    @property
    def count(self) -> int:
        """How many different masks there are of each map."""
        return len(self.masks.thresholds_T)

    def zeros(self, wanted: bool) -> Tensor:
        """Room for one number a mask, `(N, M)` float64; `(N, 0)` if they are not wanted."""
        return torch.zeros(len(self.maps), self.count * wanted, dtype=torch.float64)

    def spread(self, found_NM: Tensor) -> Tensor:
        """From masks to thresholds, `(N, M, ...)` to `(N, T, ...)`, on the maps' device."""
        if self.count < len(self.which) and found_NM.shape[1] > 0:
            found_NM = found_NM[:, self.which]
        return found_NM.to(self.device)


def prepare(
    maps_Nhw: Tensor,
    size: tuple[int, int],
    thresholds_T: Tensor,
    *,
    normalise: str,
    interpolation: str,
    grey: bool,
    connectivity: int,
) -> SweepInput:
    """Check the arguments of `gapcam.cam.sweep.sweep_iou`, and bring the maps to the CPU.

    Raises:
        ValueError: if an argument has a wrong shape, type or value.
    """
    _check_maps(maps_Nhw, size)
    _check_thresholds(thresholds_T)
    check_threshold(float(thresholds_T[0]), normalise)
    check_threshold(float(thresholds_T[-1]), normalise)
    if connectivity not in (4, 8):
        raise ValueError(f"connectivity must be 4 or 8; got {connectivity!r}")
    from gapcam.cam.enlarge_numba import enlarging
    from gapcam.cam.levels import Masks

    maps = usable_maps(maps_Nhw.detach().cpu()).contiguous()
    thresholds_T = thresholds_T.detach().cpu().double()
    below, which = torch.zeros(0, dtype=torch.int32), torch.arange(len(thresholds_T))
    if grey:
        greys, which = torch.unique((thresholds_T * 255).long(), return_inverse=True)
        below = torch.searchsorted(greys, torch.arange(256), out_int32=True)
        thresholds_T = greys.double()
    masks = Masks(
        enlarging(maps.numpy(), size, interpolation),
        thresholds_T.to(maps.dtype).numpy(),
        below.numpy(),
        normalise == "minmax",
        int(connectivity == 8),
    )
    return SweepInput(maps.numpy(), masks, which, maps_Nhw.device)


def prepare_truth(maps_Nhw: Tensor, truth_NG4: Tensor, counts_N: Tensor) -> tuple[Tensor, Tensor]:
    """Check true boxes and their counts; bring them to the CPU as float64 and int64.

    Raises:
        ValueError: if they do not fit the maps or each other.
    """
    count = len(maps_Nhw)
    if truth_NG4.ndim != 3 or len(truth_NG4) != count or truth_NG4.shape[2] != 4:
        raise ValueError(f"truth must be ({count}, G, 4); got {tuple(truth_NG4.shape)}")
    if counts_N.shape != (count,) or counts_N.is_floating_point():
        raise ValueError(
            f"counts must be ({count},) whole numbers; "
            f"got {tuple(counts_N.shape)} of {counts_N.dtype}"
        )
    if count and not 0 <= int(counts_N.min()) <= int(counts_N.max()) <= truth_NG4.shape[1]:
        raise ValueError(
            f"counts must be 0..{truth_NG4.shape[1]}, as many as there are true boxes; "
            f"got {int(counts_N.min())}..{int(counts_N.max())}"
        )
    return truth_NG4.detach().cpu().double().contiguous(), counts_N.cpu().long()


def _check_maps(maps_Nhw: Tensor, size: tuple[int, int]) -> None:
    if maps_Nhw.ndim != 3 or not maps_Nhw.is_floating_point() or 0 in maps_Nhw.shape[1:]:
        raise ValueError(
            "maps must be floats (N, h, w), h and w at least 1; "
            f"got {tuple(maps_Nhw.shape)} of {maps_Nhw.dtype}"
        )
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"size must be height and width, each at least 1; got {size!r}")


def _check_thresholds(thresholds_T: Tensor) -> None:
    if thresholds_T.ndim != 1 or not 1 <= len(thresholds_T) <= MOST_THRESHOLDS:
        raise ValueError(
            f"thresholds must be (T,), 1 to {MOST_THRESHOLDS} of them; "
            f"got {tuple(thresholds_T.shape)}"
        )
    if not (thresholds_T.diff() >= 0).all():
        raise ValueError(f"thresholds must be ascending; got {thresholds_T}")
