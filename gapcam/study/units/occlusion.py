"""What units lose when a small patch hides a part of a picture."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapcam.arch.network import Network
from gapcam.cam.views import Size
from gapcam.study.units.receptive_field import Cells

KINDS = ("random", "grey")


class Occluders:
    """Square patches on a grid, each on a copy of the picture of its own.

    The grid begins in the corner; its last row and column lie at the far border, whatever the
    stride.

    Args:
        size: height and width of the pictures.
        patch: side of a patch, smaller than a picture's.
        stride: from one patch to the next, in pixels.
        kind: `random`: noise, each pixel and colour of its own; `grey`: the middle of 0..255.
        seed: of the noise, which is the same for every picture.

    Attributes:
        rows: centres of the patches, `(R,)`, in pixels; the first pixel's centre is 0.
        columns: likewise, `(C,)`.
        facts: all that they depend on.
    """

    def __init__(self, size: Size, patch: int, stride: int, kind: str, seed: int) -> None:
        self.size = size
        self.facts = [*size, patch, stride, kind, seed]
        noise = np.random.default_rng(seed).integers(256, size=(3, *size), dtype=np.uint8)
        self._canvas = torch.from_numpy(noise if kind == "random" else np.full_like(noise, 128))
        self.patch, self.stride = patch, stride
        tops, lefts = (_starts(side, patch, stride) for side in size)
        self._corners = torch.cartesian_prod(tops, lefts)
        self.rows = tops.numpy() + (patch - 1) / 2
        self.columns = lefts.numpy() + (patch - 1) / 2

    def __len__(self) -> int:
        return len(self._corners)

    def within(self, cells: Cells, places: Sequence[tuple[int, int]]) -> Tensor:
        """Numbers of the patches, in order, that any of some cells can depend on."""
        if cells.reach is None:
            return torch.arange(len(self))
        middles = self._corners + (self.patch - 1) / 2
        centres = torch.tensor([cells.centre(*place) for place in places])
        distance_PN2 = (middles - centres[:, None]).abs()
        is_near_PN = (distance_PN2 < (cells.reach + self.patch) / 2).all(2)
        return is_near_PN.any(0).nonzero()[:, 0]

    def cover(self, image: Tensor, which: Tensor) -> Tensor:
        """Copies `(B, 3, H, W)` of a picture `(3, H, W)`, uint8, with one patch each.

        Args:
            image: on any device.
            which: numbers of the patches `(B,)`.
        """
        corners = self._corners[which].to(image.device)
        down, across = (
            _within(torch.arange(side, device=image.device), corners[:, axis], self.patch)
            for axis, side in enumerate(image.shape[1:])
        )
        is_hidden_B1HW = (down[:, :, None] & across[:, None, :])[:, None]
        return torch.where(is_hidden_B1HW, self._canvas.to(image.device), image)


def discrepancies(
    network: Network,
    occluders: Occluders,
    image: Tensor,
    cells: Cells,
    units: Sequence[int],
    places: Sequence[tuple[int, int]],
    batch_size: int,
    advance: Callable[[int], None],
) -> NDArray[np.float32]:
    """By how much each patch changes units, at one place of their maps each.

    Section 3.2 of Zhou et al., "Object detectors emerge in deep scene CNNs" (2015), up to the maps
    of single pictures. All units are read from the same occluded pictures. The place is fixed: the
    largest activation anywhere would move away from what is hidden.

    Args:
        network: its pooled units.
        occluders: of the picture's size.
        image: `(3, H, W)` uint8, on the network's device.
        cells: of its maps: patches that the units cannot see are left out.
        units: U of them.
        places: row and column in the map of each.
        batch_size: occluded pictures at a time.
        advance: is told how many more are done.

    Returns:
        `(U, R, C)`, the absolute change under the patch of row r and column c.
    """
    units_U = torch.tensor(units, device=image.device)
    down_U, across_U = torch.tensor(places, device=image.device).unbind(1)

    def activations(images: Tensor) -> Tensor:
        found: Tensor = network(images).features[:, units_U, down_U, across_U]
        return found.float().cpu()

    which = occluders.within(cells, places)
    changes = torch.zeros(len(units), len(occluders))
    with torch.no_grad():
        whole = activations(image[None])
        for start in range(0, len(which), batch_size):
            part = which[start : start + batch_size]
            changes[:, part] = (activations(occluders.cover(image, part)) - whole).abs().T
            advance(len(part))
    advance(len(occluders) - len(which))
    return changes.view(len(units), len(occluders.rows), -1).numpy()


def _starts(side: int, patch: int, stride: int) -> Tensor:
    last = side - patch
    return torch.tensor(sorted({*range(0, last + 1, stride), last}))


def _within(pixels: Tensor, starts: Tensor, length: int) -> Tensor:
    """Which pixels `(N,)` a stretch from each of the starts `(B,)` covers, `(B, N)`."""
    offset = pixels - starts[:, None]
    is_within: Tensor = (offset >= 0) & (offset < length)
    return is_within
