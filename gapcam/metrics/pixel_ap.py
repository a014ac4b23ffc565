"""Average precision of pixels as a torchmetrics metric (wsolevaluation's PxAP)."""

from typing import Any

import torch
from torch import Tensor

from gapcam.cam.pixel_curve import (
    PixelCurve,
    bin_edges,
    pixel_curve,
    pixel_histograms,
    pixels_of_grid,
)
from gapcam.cam.views import Size
from gapcam.metrics.drawing import draw_precision_recall
from gapcam.metrics.sample_metric import SampleMetric
from gapcam.metrics.samples import require
from gapcam.protocol import Protocol

_OF_LAST_UPDATE = ("last_index", "last_counts")


class PixelAP(SampleMetric):
    """Area under precision and recall of the maps' pixels, over all thresholds.

    wsolevaluation's PxAP: normalised maps, not quantised, are compared with masks on the protocol's
    grid, in histograms of false and true pixels of all images. Memory does not grow with the
    images, but for 8 bytes each, their indices. The histograms of the last update alone are kept by
    image: a padded distributed sampler repeats samples at its end, where they are taken back, so
    that any number of processes gives exactly the same number.

    `compute` returns a flat dict of 0-d tensors in 0..1, higher is better, NaN where no pixel is
    true: `pixel_ap`, and `floor_pixel_ap`, the share of true pixels, which is what a constant map
    gets. A map that is constant, NaN or infinite anywhere is zero everywhere.

    Args:
        protocol: a protocol or the name of a published one; its `steps` are the thresholds.
        size: height and width of the view that the network sees; needed where the protocol's grid
            is the view.
        kwargs: passed to `torchmetrics.Metric`.

    Raises:
        ValueError: if the protocol needs a size, or has a grid for each image.

    Example:
        >>> metric = PixelAP("exact", size=(2, 2))
        >>> metric.update(
        ...     maps=torch.tensor([[[3.0, 2.0], [1.0, 0.0]]]),
        ...     masks=torch.tensor([[[True, True], [False, False]]]),
        ... )
        >>> metric.compute()["pixel_ap"]
        tensor(1.)
    """

    higher_is_better = True

    counts: Tensor
    index: list[Tensor]
    last_index: list[Tensor]
    last_counts: list[Tensor]

    def __init__(
        self, protocol: Protocol | str = "wsolevaluation", size: Size | None = None, **kwargs: Any
    ) -> None:
        no_index = torch.zeros(0, dtype=torch.int64)
        no_counts = torch.zeros(0, 2, 0, dtype=torch.int64)
        lists = {"index": no_index, "last_index": no_index, "last_counts": no_counts}
        super().__init__(protocol, size, None, lists, **kwargs)
        self._require_one_grid()
        bins = len(self._edges()) - 1
        self.add_state("counts", torch.zeros(2, bins, dtype=torch.int64), dist_reduce_fx="sum")

    def update(
        self,
        *,
        masks: Tensor,
        maps: Tensor | None = None,
        features: Tensor | None = None,
        weight: Tensor | None = None,
        labels: Tensor | None = None,
        ignore: Tensor | None = None,
        sizes: Tensor | None = None,
        regions: Tensor | None = None,
        index: Tensor | None = None,
    ) -> None:
        """Add a batch, of maps or of features and weights.

        Args:
            masks: `(B, H, W)` bool or uint8, true pixels of the whole originals, at any size;
                anything but 0 is true.
            maps: `(B, h, w)` maps of the true classes, of any floating type; or `(B, V, h, w)` of
                several views.
            features: `(B, K, h, w)` or `(B, V, K, h, w)`, the units that are average-pooled.
            weight: `(C, K)`, of the linear classifier after the pooling.
            labels: `(B,)` true classes; needed with features.
            ignore: `(B, H, W)` bool or uint8, at any size, pixels that count nowhere unless they
                are true.
            sizes: `(B, 2)` height and width of the original images; None: those of the masks.
            regions: `(B, 4)` or `(B, V, 4)` the part of each original that a view shows, a box in
                its pixels; None: the whole image, squashed.
            index: `(B,)` row of each sample in its split; None: each counts.

        Raises:
            ValueError: if a shape or type does not fit, or a value is out of its range. Values on
                another device than the CPU are judged by `compute`.
        """
        maps = self._maps_of_truth(maps, features, weight, labels)
        _require_masks("masks", masks, len(maps))
        if sizes is None:
            sizes = torch.tensor(masks.shape[1:], device=masks.device).expand(len(maps), 2)
        no_boxes = torch.zeros(len(maps), 0, 4, device=sizes.device)
        known = self._truth(maps, 3, no_boxes, None, sizes, regions, labels, index)
        if ignore is not None:
            _require_masks("ignore", ignore, len(maps))
        if len(maps) == 0:
            return
        heat = self.protocol.heat(maps, self._view(maps), known.regions, known.sizes)
        where = known.sizes, self._shown(maps, 3, known), (heat.shape[1], heat.shape[2])
        kinds = (pixels_of_grid(masks, *where) != 0).long()  # 0 false, 1 true, 2 ignored
        if ignore is not None:
            is_ignored = pixels_of_grid(ignore, *where) != 0
            kinds = kinds.masked_fill(is_ignored & (kinds == 0), 2)
        counts = pixel_histograms(heat, kinds, self._edges())
        self.counts = self.counts + counts.sum(0)
        self.index.append(known.index)
        self.last_index, self.last_counts = [known.index], [counts]

    def compute(self) -> dict[str, Tensor]:
        """Return the average precision of all samples seen, on all processes, and its floor."""
        counts = self._own_counts()
        area = pixel_curve(counts, self._edges()).average_precision
        false, true = counts.sum(1)
        return {"pixel_ap": area.float(), "floor_pixel_ap": true / (true + false)}

    def curve(self) -> PixelCurve:
        """Return precision and recall at every threshold, of all processes."""
        with self._synced():
            return pixel_curve(self._own_counts(), self._edges())

    def plot(self, val: Any = None, ax: Any = None) -> Any:
        """Draw precision over recall, and the floor.

        Args:
            val: what `compute` or `forward` returned, or a list of them, drawn as torchmetrics
                does. None: the curve.
            ax: axes to draw on.

        Returns:
            Figure (None if `ax` was given) and axes.
        """
        if val is not None:
            return self._plot(val, ax)
        return draw_precision_recall(self.curve(), self.compute(), self.protocol.title, ax)

    def _edges(self) -> Tensor:
        return bin_edges(self.protocol.thresholds).to(self.device, non_blocking=True)

    def _own_counts(self) -> Tensor:
        self._raise_faults()
        index, last_index = self._column("index"), self._column("last_index")
        repeated = self._column("last_counts")[_repeats(index, last_index)]
        return (
            self.counts - repeated.sum(0).to(self.counts.device) if len(repeated) else self.counts
        )

    def _reduce_states(self, incoming_state: dict[str, Any]) -> None:
        last = {name: getattr(self, name) or incoming_state[name] for name in _OF_LAST_UPDATE}
        super()._reduce_states(incoming_state)
        for name, kept in last.items():
            setattr(self, name, kept)


def _require_masks(name: str, masks: object, batch: int) -> None:
    require(name, masks, "B H W", {"B": batch})
    assert isinstance(masks, Tensor)
    if masks.dtype not in (torch.bool, torch.uint8):
        raise ValueError(f"{name} must be of bool or uint8; got {masks.dtype}")


def _repeats(index_N: Tensor, last_L: Tensor) -> Tensor:
    """Which samples of the last updates are to be taken back, `(L,)` bool.

    Args:
        index_N: indices of all samples, negative where unknown.
        last_L: indices of those whose histograms are still known.

    Raises:
        ValueError: if a sample came again and cannot be taken back.
    """
    known, times = torch.unique(index_N[index_N >= 0], return_counts=True)
    is_extra_L = torch.zeros_like(last_L, dtype=torch.bool)
    too_often = known[times > 1]
    for index, count in zip(too_often.tolist(), times[times > 1].tolist(), strict=True):
        places = (last_L == index).nonzero()[: count - 1, 0]
        if len(places) < count - 1:
            raise ValueError(
                f"index must not repeat samples, but for those that a padded sampler adds at its "
                f"end; {index} came {count} times. Was reset() forgotten between evaluations?"
            )
        is_extra_L[places] = True
    return is_extra_L
