"""What one map of `text` is worth, beside maps that do not look at the picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from gapcam.cam.boxes import box_iou
from gapcam.cam.pixel_curve import bin_edges, pixel_histograms, pixels_of_grid
from gapcam.cam.reference_maps import centre_gaussian
from gapcam.study.text.word_boxes import boxes_around_marks, found_below, marked_shares, word_mask

Heat = NDArray[np.float64]
"""`(H, W)` in 0..1, on the protocol's grid."""

OWN, CENTRE, OTHERS = "own", "centre", "others"
"""The map of the picture; a Gaussian in the middle; the mean of the other pictures' maps."""


@dataclass(frozen=True)
class Truth:
    """The words of a picture.

    `size` is its height and width, `boxes` `(G, 4)` lie in its pixels, `region` `(4,)` is the part
    of it that its map shows.
    """

    size: tuple[int, int]
    boxes: NDArray[np.float32]
    region: NDArray[np.float32]


@dataclass(frozen=True)
class Rules:
    """How maps are judged.

    `thresholds` `(T,)` are those of the pixel curve, `cut` is what marked pixels exceed; a word is
    found if a share `covered` of it is marked, and met by a box of at least this `iou` around a
    region of marked pixels, `connectivity` 8 or 4.
    """

    thresholds: torch.Tensor
    cut: float
    covered: float
    iou: float
    connectivity: int

    @property
    def edges(self) -> torch.Tensor:
        """Edges of the bins that pixels are counted in."""
        return bin_edges(self.thresholds)


@dataclass(frozen=True)
class MapScore:
    """What one map is worth.

    `counts` `(2, E - 1)` int64: its false and true pixels in each bin; `marked`: how many pixels
    exceed the cut, `hits`: how many of these are true. Of each of G words: `covered` `(G,)`, the
    share that is marked; `below` `(G,)`, the cut below which it is found; `iou` `(G,)` with the
    best of the `boxes` `(K, 4)` around marked regions, which lie in the picture's pixels.
    """

    counts: NDArray[np.int64]
    marked: int
    hits: int
    covered: NDArray[np.floating]
    below: NDArray[np.floating]
    is_found: NDArray[np.bool_]
    iou: NDArray[np.floating]
    boxes: NDArray[np.float32]


def score_map(heat: Heat, truth: Truth, rules: Rules, cut: float | None = None) -> MapScore:
    """Compare a map with the words of its picture.

    Args:
        heat: the map.
        truth: of the picture.
        rules: of judging.
        cut: that marked pixels exceed; null for the rules'.
    """
    cut = rules.cut if cut is None else cut
    is_true, is_marked = true_pixels(truth, heat.shape), heat > cut
    counts = pixel_histograms(
        torch.tensor(heat)[None], torch.from_numpy(is_true)[None].long(), rules.edges
    )
    where = heat, truth.boxes, truth.region
    below = found_below(*where, rules.covered)
    boxes = boxes_around_marks(heat, truth.region, cut, rules.connectivity)
    iou = np.zeros(len(truth.boxes))
    if len(boxes):
        of_each_word = torch.tensor(truth.boxes)[:, None]
        iou = box_iou(of_each_word, torch.tensor(boxes)[None]).amax(1).numpy()
    return MapScore(
        counts=counts[0].numpy(),
        marked=int(is_marked.sum()),
        hits=int((is_marked & is_true).sum()),
        covered=marked_shares(*where, cut),
        below=below,
        is_found=below > cut,
        iou=iou,
        boxes=boxes,
    )


def score_blind(
    others: Heat | None, truth: Truth, own: MapScore, grid: Sequence[int], rules: Rules
) -> dict[str, MapScore]:
    """Score maps that do not look at the picture, cut so that they mark as much as its own map.

    So nothing is gained by marking more of a picture.

    Args:
        others: mean map of the other pictures; None if there are none.
        truth: of the picture.
        own: what its own map is worth.
        grid: height and width of the maps.
        rules: of judging.

    Returns:
        By kind, `CENTRE` and, where there is one, `OTHERS`.
    """
    blind: dict[str, Heat] = {CENTRE: middle(grid)}
    if others is not None:
        blind[OTHERS] = others
    return {
        kind: score_map(heat, truth, rules, cut_that_marks(heat, own.marked))
        for kind, heat in blind.items()
    }


def true_pixels(truth: Truth, grid: Sequence[int]) -> NDArray[np.bool_]:
    """Which pixels of a grid lie on words, as `gapcam.metrics.PixelAP` takes them from a mask."""
    mask = torch.from_numpy(word_mask(truth.boxes, truth.size))[None]
    size, region = torch.tensor([truth.size]), torch.tensor(truth.region)[None]
    found: NDArray[np.bool_] = pixels_of_grid(mask, size, region, (grid[0], grid[1]))[0].numpy()
    return found


def middle(grid: Sequence[int]) -> Heat:
    """A Gaussian in the middle of the grid, with a maximum of 1."""
    heat = centre_gaussian((grid[0], grid[1])).double().numpy()
    return np.asarray(heat / heat.max())


def cut_that_marks(heat: Heat, count: int) -> float:
    """The cut that marks so many pixels; of equal ones all, but none where the map is zero."""
    if count == 0:
        return float("inf")
    least = np.partition(heat.ravel(), -count)[-count]
    return max(float(np.nextafter(least, -1)), 0.0)
