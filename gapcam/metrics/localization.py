"""Localization error as a torchmetrics metric: maps in, error rates and per-image rows out."""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from gapcam.cam.boxes import best_iou, centred_boxes
from gapcam.cam.localization import FLOOR_SIDES, floor_errors, localization_errors
from gapcam.cam.views import boxes_from_view
from gapcam.protocol import PaperProtocol


class LocalizationRows(NamedTuple):
    """One line per image, in the order of the data set.

    `index` `(N,)`; `labels` `(N,)`; `classes` `(N, M)` guesses, best first, then the true class;
    `boxes` `(N, M, 4)` of those classes, half-open, in pixels of the original image; `iou`
    `(N, M)` with the best fitting true box; `floor_iou` `(N, S)` of centred boxes; `counts`
    `(N,)` of true boxes.
    """

    index: Tensor  # type: ignore[assignment]  # tuple.index is not used
    labels: Tensor
    classes: Tensor
    boxes: Tensor
    iou: Tensor
    floor_iou: Tensor
    counts: Tensor


class LocalizationError(Metric):
    """Top-1, top-5 and GT-known localization error, classification error, and their floors.

    Boxes are cut from the maps on the maps' device; nothing goes to the host. The states are rows
    that carry the index of their sample: a sample that a padded distributed sampler repeats counts
    once, and any number of processes gives exactly the same numbers.

    An image without a true box counts for classification alone; where none has one, localization
    errors are NaN.

    `compute` returns a flat dict of 0-d tensors, error rates in 0..1 as documented at
    `gapcam.cam.localization.localization_errors` and `floor_errors`.

    Args:
        protocol: turns maps into boxes and says what counts as found.
        size: height and width of the view that the network sees.
        kwargs: passed to `torchmetrics.Metric`.

    Example:
        >>> metric = LocalizationError(PaperProtocol(), size=(4, 4))
        >>> maps = torch.tensor([[9.0, 9, 0, 0], [9, 9, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
        >>> metric.update(
        ...     maps=maps.expand(1, 3, 4, 4),
        ...     classes=torch.tensor([[1, 0, 1]]),  # two guesses, then the true class
        ...     labels=torch.tensor([1]),
        ...     boxes=torch.tensor([[[0.0, 0.0, 2.0, 2.0]]]),
        ...     counts=torch.tensor([1]),
        ...     sizes=torch.tensor([[4, 4]]),
        ...     regions=torch.tensor([[0.0, 0.0, 4.0, 4.0]]),
        ...     index=torch.tensor([0]),
        ... )
        >>> metric.compute()["loc_top1"]
        tensor(0.)
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0

    index: list[Tensor]
    labels: list[Tensor]
    classes: list[Tensor]
    boxes: list[Tensor]
    iou: list[Tensor]
    floor_iou: list[Tensor]
    counts: list[Tensor]
    floor_sides: Tensor

    def __init__(self, protocol: PaperProtocol, size: tuple[int, int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.protocol = protocol
        self.size = size
        self.register_buffer("floor_sides", torch.tensor(FLOOR_SIDES), persistent=False)
        for name in LocalizationRows._fields:
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(
        self,
        maps: Tensor,
        classes: Tensor,
        labels: Tensor,
        boxes: Tensor,
        counts: Tensor,
        sizes: Tensor,
        regions: Tensor,
        index: Tensor,
    ) -> None:
        """Add a batch.

        Args:
            maps: `(B, M, h, w)` maps of `classes` at mapping resolution.
            classes: `(B, M)` int64, guesses, best first, then the true class (`ranked_classes`).
            labels: `(B,)` int64 true classes.
            boxes: `(B, G, 4)` true boxes in pixels of the original images, padded.
            counts: `(B,)` how many of the G boxes are real; an image may have none.
            sizes: `(B, 2)` height and width of the original images.
            regions: `(B, 4)` the part of each original that the network saw, a box in its pixels.
            index: `(B,)` row of each sample in its split.

        Raises:
            ValueError: if the shapes do not agree.
        """
        if maps.ndim != 4 or maps.shape[:2] != classes.shape or boxes.shape[2:] != (4,):
            raise ValueError(
                "LocalizationError needs maps (B, M, h, w), classes (B, M), boxes (B, G, 4); got "
                f"{tuple(maps.shape)}, {tuple(classes.shape)} and {tuple(boxes.shape)}"
            )
        predicted = boxes_from_view(self.protocol.boxes(maps, self.size), self.size, regions)
        centred = centred_boxes(sizes, self.floor_sides)
        self.index.append(index)
        self.labels.append(labels)
        self.classes.append(classes)
        self.boxes.append(predicted)
        self.iou.append(best_iou(predicted, boxes, counts))
        self.floor_iou.append(best_iou(centred, boxes, counts))
        self.counts.append(counts)

    def compute(self) -> dict[str, Tensor]:
        """Return the errors and floors of all samples seen, on all processes."""
        rows = self._own_rows()
        return self._errors(rows) | floor_errors(
            rows.floor_iou, rows.counts > 0, self.protocol.iou_threshold
        )

    def rows(self) -> LocalizationRows:
        """Return every sample once, sorted by index, gathered from all processes."""
        with self.sync_context(should_sync=not self._is_synced, should_unsync=not self._is_synced):
            return self._own_rows()

    def running_errors(self) -> dict[str, Tensor]:
        """Return this process's errors so far, without waiting for others."""
        return self._errors(self._own_rows())

    def _errors(self, rows: LocalizationRows) -> dict[str, Tensor]:
        return localization_errors(
            rows.classes, rows.iou, rows.labels, rows.counts > 0, self.protocol.iou_threshold
        )

    def _own_rows(self) -> LocalizationRows:
        index, order = dim_zero_cat(self.index).sort(stable=True)
        is_first = torch.ones_like(index, dtype=torch.bool)
        is_first[1:] = index[1:] != index[:-1]
        order = order[is_first]
        return LocalizationRows(
            *(dim_zero_cat(getattr(self, f))[order] for f in LocalizationRows._fields)
        )
