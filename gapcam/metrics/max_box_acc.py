"""Box accuracy over all thresholds as a torchmetrics metric (wsolevaluation's MaxBoxAcc)."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from gapcam.cam.bootstrap import Interval, bootstrap_intervals
from gapcam.cam.localization import floor_ious, floor_numbers, floor_outcomes
from gapcam.cam.max_box import (
    UNRANKED,
    Curves,
    Hits,
    best_places,
    curves,
    hits,
    max_box_outcomes,
    outcomes_so_far,
    places_of,
    threshold_names,
)
from gapcam.cam.outcomes import Outcome, rates
from gapcam.cam.slices import Slice, object_sizes
from gapcam.cam.views import Size
from gapcam.metrics.checks import in_range
from gapcam.metrics.drawing import draw_curves
from gapcam.metrics.max_box_rows import MaxBoxRows, no_rows
from gapcam.metrics.row_metric import RowMetric
from gapcam.metrics.sample_metric import main_iou
from gapcam.metrics.samples import require
from gapcam.protocol import Protocol, named


class MaxBoxAcc(RowMetric[MaxBoxRows]):
    """Localization accuracy at the best of all thresholds, its curve, and errors at that threshold.

    The maps are those of the true classes. The states are rows of bits, 750 bytes an image at 1000
    thresholds and three IoUs, from which everything is computed at the end, exactly the same on any
    number of processes: a sample that a padded distributed sampler repeats counts once.

    `compute` returns a flat dict of 0-d tensors, all NaN before the first sample:

    - Accuracies in 0..1 over the images that have a true box. `max_box_acc` is V1 (the largest
      region's box) at IoU 0.5, or at the protocol's only IoU; `max_box_acc_30`, ... V1 at each IoU,
      each at its own best threshold; `max_box_acc_v2_30`, ... V2 (any region's box);
      `max_box_acc_v2` their mean; `max_box_acc_v2_one_threshold` the mean at one threshold for all.
    - The best thresholds, of several the lowest: `threshold` (of `max_box_acc`), `threshold_30`,
      ..., `threshold_v2_30`, ..., `threshold_v2` (the one for all).
    - Errors in 0..1, named and meant as in `LocalizationError`, at `threshold`: `loc_gt_known`,
      and from `ranks` `loc_top1`, `loc_top5`, `cls_top1`, `cls_top5`, NaN where no ranks were
      given. No guess but the true class can be right, so its map and its rank are enough.
    - The floors, errors, see `gapcam.cam.localization.floor_numbers`.

    A threshold that is chosen and reported on the same images is an oracle's: choose with
    `best_thresholds` on validation images, and report with `compute_at` on others. A map without a
    region (constant, NaN or infinite anywhere) is found at no threshold.

    Args:
        protocol: a protocol that tries all thresholds, or the name of a published one.
        size: height and width of the view that the network sees; needed where the protocol's grid
            is the view.
        num_classes: C; where it is given labels are held to it, and classes that no image is of
            are reported, too.
        kwargs: passed to `torchmetrics.Metric`.

    Raises:
        ValueError: if the protocol has a threshold or needs a size.

    Example:
        >>> metric = MaxBoxAcc("exact", size=(4, 4))
        >>> maps = torch.tensor([[[9.0, 9, 0, 0], [9, 9, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]])
        >>> metric.update(
        ...     maps=maps,
        ...     boxes=torch.tensor([[[0.0, 0.0, 2.0, 2.0]]]),
        ...     sizes=torch.tensor([[4, 4]]),
        ... )
        >>> metric.compute()["max_box_acc_v2"]
        tensor(1.)
    """

    higher_is_better = True

    def __init__(
        self,
        protocol: Protocol | str = "wsolevaluation",
        size: Size | None = None,
        num_classes: int | None = None,
        **kwargs: Any,
    ) -> None:
        protocol = named(protocol)
        if not protocol.is_swept:
            raise ValueError(
                f"MaxBoxAcc tries all thresholds, and protocol {protocol.name!r} has its own: give "
                "one with threshold=None, or use LocalizationError"
            )
        self.main_iou = main_iou(protocol)
        super().__init__(protocol, size, num_classes, no_rows(protocol), **kwargs)

    def update(
        self,
        *,
        boxes: Tensor | Sequence[Tensor],
        sizes: Tensor,
        maps: Tensor | None = None,
        features: Tensor | None = None,
        weight: Tensor | None = None,
        counts: Tensor | None = None,
        regions: Tensor | None = None,
        labels: Tensor | None = None,
        ranks: Tensor | None = None,
        index: Tensor | None = None,
    ) -> None:
        """Add a batch, of maps or of features and weights.

        Args:
            boxes: `(B, G, 4)` true boxes in pixels of the original images, padded, half-open; or a
                list of B `(G_i, 4)`.
            sizes: `(B, 2)` height and width of the original images.
            maps: `(B, h, w)` maps of the true classes, of any floating type; or `(B, V, h, w)` of
                several views.
            features: `(B, K, h, w)` or `(B, V, K, h, w)`, the units that are average-pooled.
            weight: `(C, K)`, of the linear classifier after the pooling.
            counts: `(B,)` how many of the G boxes are real, maybe none; None: all.
            regions: `(B, 4)` or `(B, V, 4)` the part of each original that a view shows, a box in
                its pixels; None: the whole image, squashed.
            labels: `(B,)` true classes; needed with features, and for numbers by class.
            ranks: `(B,)` place of the true class among the guesses, 0 is the first, 5 or more: not
                among the five.
            index: `(B,)` row of each sample in its split; None: each counts.

        Raises:
            ValueError: if a shape or type does not fit, or a value is out of its range. Values on
                another device than the CPU are judged by `compute`.
        """
        maps = self._maps_of_truth(maps, features, weight, labels)
        known = self._truth(maps, 3, boxes, counts, sizes, regions, labels, index)
        if ranks is None:
            ranks = torch.full_like(known.counts, UNRANKED)
        else:
            require("ranks", ranks, "B", {"B": len(maps)}, whole=True)
            self._hold([in_range("ranks", ranks, None)])
            ranks = ranks.clamp(max=UNRANKED - 1)
        if len(maps) == 0:
            return
        swept = self.protocol.sweep(
            maps, self._view(maps), known.regions, known.sizes, known.boxes, known.counts
        )
        self._append(
            MaxBoxRows(
                index=known.index,
                labels=known.labels,
                largest=hits(swept.largest_NT, self.protocol.iou),
                every=hits(swept.any_NT, self.protocol.iou),
                ranks=ranks.to(torch.uint8),
                counts=known.counts,
                object_sizes=object_sizes(known.boxes, known.counts, known.sizes),
                floor_iou=floor_ious(known.boxes, known.counts, known.sizes).float(),
            )
        )

    def compute(self) -> dict[str, Tensor]:
        """Return the numbers of all samples seen, on all processes, at their best thresholds."""
        return self._numbers(self._own_rows(), None)

    def compute_at(self, thresholds: Mapping[str, float]) -> dict[str, Tensor]:
        """Return the same numbers at thresholds that were chosen elsewhere.

        Args:
            thresholds: as `best_thresholds` returns them.

        Raises:
            ValueError: if one is missing or is not among those tried.
        """
        return self._numbers(self.rows(), thresholds)

    def best_thresholds(self) -> dict[str, float]:
        """Return the best thresholds, as plain numbers, of all processes; NaN over no image."""
        rows, tried = self.rows(), self.protocol.thresholds
        is_any = bool((rows.counts > 0).any())
        return {
            name: float(tried[place]) if is_any else float("nan")
            for name, place in self._places(rows, None).items()
        }

    def curve(self) -> Curves:
        """Return how many images are found at every threshold, of all processes."""
        return self._curves(self.rows())

    def slices(self, thresholds: Mapping[str, float] | None = None) -> dict[str, Slice]:
        """Return the numbers of groups of images, see `RowMetric.slices`.

        They are at `thresholds`, None for those that are best for all images.
        """
        rows = self.rows()
        return self._slices(rows, self._outcomes_at(rows, self._places(rows, thresholds)))

    def confidence(
        self,
        level: float = 0.95,
        resamples: int = 1000,
        seed: int = 0,
        thresholds: Mapping[str, float] | None = None,
    ) -> dict[str, Interval]:
        """Return bootstrap intervals of the numbers, see `RowMetric.confidence`.

        They are at `thresholds`, None for those that are best for all images; these stay as they
        are in every resample.
        """
        rows = self.rows()
        outcomes = self._outcomes_at(rows, self._places(rows, thresholds))
        return bootstrap_intervals(outcomes, level, resamples, seed)

    def running_errors(self) -> dict[str, Tensor]:
        """Return this process's errors so far, without waiting for others.

        They are the localization and classification errors at the threshold that is best so far.
        """
        own = self._own_columns("largest", "ranks", "counts")
        largest = own["largest"][:, self.protocol.iou.index(self.main_iou)]
        has_box = own["counts"] > 0
        return rates(outcomes_so_far(largest, own["ranks"], has_box, self.protocol.steps))

    def plot(self, val: Any = None, ax: Any = None) -> Any:
        """Draw accuracy over threshold, V1 and V2 at each IoU, the best thresholds and the floors.

        Args:
            val: what `compute` or `forward` returned, or a list of them, drawn as torchmetrics
                does. None: the curves.
            ax: axes to draw on.

        Returns:
            Figure (None if `ax` was given) and axes.
        """
        if val is not None:
            return self._plot(val, ax)
        return draw_curves(self.curve(), self.compute(), self.main_iou, self.protocol.title, ax)

    def _curves(self, rows: MaxBoxRows) -> Curves:
        return curves(
            Hits(rows.largest, rows.every),
            rows.counts > 0,
            self.protocol.thresholds,
            self.protocol.iou,
        )

    def _places(self, rows: MaxBoxRows, thresholds: Mapping[str, float] | None) -> dict[str, int]:
        if thresholds is None:
            return best_places(self._curves(rows), self.main_iou)
        names = threshold_names(self.protocol.iou)
        return places_of(thresholds, self.protocol.thresholds, names)

    def _outcomes(self, rows: MaxBoxRows) -> dict[str, Outcome]:
        return self._outcomes_at(rows, self._places(rows, None))

    def _outcomes_at(self, rows: MaxBoxRows, places: Mapping[str, int]) -> dict[str, Outcome]:
        has_box = rows.counts > 0
        found = max_box_outcomes(
            Hits(rows.largest, rows.every),
            rows.ranks,
            has_box,
            places,
            self.protocol.iou,
            self.main_iou,
        )
        return found | floor_outcomes(rows.floor_iou, has_box, self.main_iou)

    def _numbers(
        self, rows: MaxBoxRows, thresholds: Mapping[str, float] | None
    ) -> dict[str, Tensor]:
        has_box, tried = rows.counts > 0, self.protocol.thresholds.float()
        is_any, places = has_box.any(), self._places(rows, thresholds)
        return {
            **rates(self._outcomes_at(rows, places)),
            **{
                name: tried[place].to(is_any.device).where(is_any, torch.nan)
                for name, place in places.items()
            },
            **floor_numbers(rows.floor_iou, has_box, self.main_iou),
        }
