"""Localization error as a torchmetrics metric: maps in, error rates and per-image rows out."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gapcam.cam.boxes import best_iou
from gapcam.cam.localization import (
    FLOOR_SIDES,
    GUESSES,
    errors_by_guesses,
    floor_ious,
    floor_numbers,
    floor_outcomes,
    localization_outcomes,
)
from gapcam.cam.outcomes import Outcome, rates
from gapcam.cam.slices import object_sizes
from gapcam.cam.taxonomy import kinds_of_guesses, shares_of_kinds
from gapcam.cam.views import Size
from gapcam.metrics.checks import Check, in_range
from gapcam.metrics.drawing import draw_errors
from gapcam.metrics.row_metric import RowMetric
from gapcam.metrics.sample_metric import main_iou
from gapcam.protocol import Protocol, named


class LocalizationRows(NamedTuple):
    """One line per image, in the order of the data set.

    `index` `(N,)`; `labels` `(N,)`; `classes` `(N, M)` guesses, best first, then the true class;
    `boxes` `(N, M, K, 4)` of those classes, half-open, in pixels of the original image, K being 1,
    or 2 for a loose and a tight one; `iou` `(N, M, K)` with the best fitting true box; `floor_iou`
    `(N, S)` of centred boxes; `counts` `(N,)` of true boxes; `object_sizes` `(N,)`, the largest
    true box as a share of the image; `kinds` `(N,)`, what is wrong with the best guess, as a place
    in `gapcam.cam.taxonomy.KINDS`.
    """

    index: Tensor  # type: ignore[assignment]  # tuple.index is not used
    labels: Tensor
    classes: Tensor
    boxes: Tensor
    iou: Tensor
    floor_iou: Tensor
    counts: Tensor
    object_sizes: Tensor
    kinds: Tensor


class LocalizationError(RowMetric[LocalizationRows]):
    """Top-1, top-5 and GT-known localization error, classification error, and their floors.

    Boxes are cut from the maps on the maps' device; nothing goes to the host. The states are rows
    that carry the index of their sample: a sample that a padded distributed sampler repeats counts
    once, and any number of processes gives exactly the same numbers.

    `compute` returns a flat dict of 0-d tensors, error rates in 0..1 as documented at
    `gapcam.cam.localization.localization_outcomes` and `floor_numbers`. An image without a true box
    counts for classification alone; where none has one, localization errors are NaN, and so are
    all numbers before the first sample. A map without a box (constant, nothing positive under
    `normalise="max"`, NaN or infinite anywhere) is an error.

    Args:
        protocol: a protocol with a threshold, or the name of a published one: turns maps into boxes
            and says what counts as found. Errors are at IoU 0.5 if that is among the protocol's, or
            else at its only one.
        size: height and width of the view that the network sees; needed where the protocol's grid
            is the view, and for the released rule.
        num_classes: C; where it is given labels and classes are held to it, and classes that no
            image is of are reported, too.
        kwargs: passed to `torchmetrics.Metric`.

    Raises:
        ValueError: if the protocol has no threshold or needs a size.

    Example:
        >>> metric = LocalizationError("paper", size=(4, 4))
        >>> maps = torch.tensor([[9.0, 9, 0, 0], [9, 9, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
        >>> metric.update(
        ...     maps=maps.expand(1, 3, 4, 4),
        ...     classes=torch.tensor([[1, 0, 1]]),  # two guesses, then the true class
        ...     labels=torch.tensor([1]),
        ...     boxes=torch.tensor([[[0.0, 0.0, 2.0, 2.0]]]),
        ...     sizes=torch.tensor([[4, 4]]),
        ... )
        >>> metric.compute()["loc_top1"]
        tensor(0.)
    """

    higher_is_better = False

    def __init__(
        self,
        protocol: Protocol | str = "paper",
        size: Size | None = None,
        num_classes: int | None = None,
        **kwargs: Any,
    ) -> None:
        protocol = named(protocol)
        if protocol.is_swept:
            raise ValueError(
                f"LocalizationError needs a threshold, and protocol {protocol.name!r} tries all: "
                "give protocol.at(0.2), with a threshold chosen on validation images, or use "
                "MaxBoxAcc"
            )
        self.iou_threshold = main_iou(protocol)
        super().__init__(protocol, size, num_classes, _no_rows(protocol.boxes_per_map), **kwargs)

    def update(
        self,
        *,
        classes: Tensor,
        labels: Tensor,
        boxes: Tensor | Sequence[Tensor],
        sizes: Tensor,
        maps: Tensor | None = None,
        features: Tensor | None = None,
        weight: Tensor | None = None,
        counts: Tensor | None = None,
        regions: Tensor | None = None,
        index: Tensor | None = None,
    ) -> None:
        """Add a batch, of maps or of features and weights.

        Args:
            classes: `(B, M)` guesses, best first, then the true class (`ranked_classes`).
            labels: `(B,)` true classes.
            boxes: `(B, G, 4)` true boxes in pixels of the original images, padded, half-open; or a
                list of B `(G_i, 4)`.
            sizes: `(B, 2)` height and width of the original images.
            maps: `(B, M, h, w)` maps of `classes` at mapping resolution, of any floating type; or
                `(B, V, M, h, w)` of several views.
            features: `(B, K, h, w)` or `(B, V, K, h, w)`, the units that are average-pooled.
            weight: `(C, K)`, of the linear classifier after the pooling.
            counts: `(B,)` how many of the G boxes are real, maybe none; None: all.
            regions: `(B, 4)` or `(B, V, 4)` the part of each original that a view shows, a box in
                its pixels; None: the whole image, squashed.
            index: `(B,)` row of each sample in its split; None: each counts.

        Raises:
            ValueError: if a shape or type does not fit, or a value is out of its range. Values on
                another device than the CPU are judged by `compute`.
        """
        maps = self._maps(maps, features, weight, classes)
        known = self._truth(maps, 4, boxes, counts, sizes, regions, labels, index)
        if classes.shape[1] < 2:
            raise ValueError(
                "classes must have a guess or more, then the true class: shape (B, M) with M = 2 "
                f"or more; got {tuple(classes.shape)}"
            )
        is_last_other = classes[:, -1] != known.labels
        self._hold(
            [
                in_range("classes", classes, self.num_classes),
                Check("classes", "end with the label", is_last_other, classes),
            ]
        )
        if len(maps) == 0:
            return
        found = self.protocol.boxes(maps, self._view(maps), known.regions, known.sizes)
        iou = best_iou(found.flatten(1, 2), known.boxes, known.counts).view(found.shape[:3])
        is_right = classes[:, 0] == known.labels
        self._append(
            LocalizationRows(
                index=known.index,
                labels=known.labels,
                classes=classes.long(),
                boxes=found.float(),
                iou=iou.float(),
                floor_iou=floor_ious(known.boxes, known.counts, known.sizes),
                counts=known.counts,
                object_sizes=object_sizes(known.boxes, known.counts, known.sizes),
                kinds=kinds_of_guesses(
                    found[:, 0, 0], is_right, known.boxes, known.counts, self.iou_threshold
                ),
            )
        )

    def compute(self) -> dict[str, Tensor]:
        """Return the errors and floors of all samples seen, on all processes."""
        rows = self._own_rows()
        floors = floor_numbers(rows.floor_iou, rows.counts > 0, self.iou_threshold)
        return rates(self._errors(rows)) | floors

    def running_errors(self) -> dict[str, Tensor]:
        """Return this process's errors so far, without waiting for others."""
        return rates(self._errors(self._own_rows()))

    def errors_by_guesses(self) -> Tensor:
        """Return the localization error with 1, 2, ... guesses, `(M - 1,)`, of all processes."""
        rows = self.rows()
        return errors_by_guesses(
            rows.classes, rows.iou[..., 0], rows.labels, rows.counts > 0, self.iou_threshold
        )

    def taxonomy(self) -> dict[str, Tensor]:
        """Return which share of the best guesses is wrong in which way, of all processes.

        The kinds are those of `gapcam.cam.taxonomy.KINDS`; of two boxes the loose one is judged.
        Images without a true box do not count; the shares add up to 1, and are NaN over no image.
        """
        rows = self.rows()
        return shares_of_kinds(rows.kinds, rows.counts > 0)

    def plot(self, val: Any = None, ax: Any = None) -> Any:
        """Draw the errors as bars, and the floors as lines.

        Args:
            val: what `compute` or `forward` returned; a list of them is drawn over steps, as
                torchmetrics does. None: computed here.
            ax: axes to draw on.

        Returns:
            Figure (None if `ax` was given) and axes.
        """
        return (
            self._plot(val, ax)
            if isinstance(val, list)
            else draw_errors(val or self.compute(), self.protocol.title, ax)
        )

    def _errors(self, rows: LocalizationRows) -> dict[str, Outcome]:
        return localization_outcomes(
            rows.classes, rows.iou, rows.labels, rows.counts > 0, self.iou_threshold
        )

    def _outcomes(self, rows: LocalizationRows) -> dict[str, Outcome]:
        floors = floor_outcomes(rows.floor_iou, rows.counts > 0, self.iou_threshold)
        return self._errors(rows) | floors


def _no_rows(boxes_per_map: int) -> LocalizationRows:
    classes = GUESSES + 1
    return LocalizationRows(
        index=torch.zeros(0, dtype=torch.int64),
        labels=torch.zeros(0, dtype=torch.int64),
        classes=torch.zeros(0, classes, dtype=torch.int64),
        boxes=torch.zeros(0, classes, boxes_per_map, 4),
        iou=torch.zeros(0, classes, boxes_per_map),
        floor_iou=torch.zeros(0, len(FLOOR_SIDES)),
        counts=torch.zeros(0, dtype=torch.int64),
        object_sizes=torch.zeros(0),
        kinds=torch.zeros(0, dtype=torch.uint8),
    )
