"""The pointing game as a torchmetrics metric (Zhang et al., 2016)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gapcam.cam.outcomes import Outcome, rates
from gapcam.cam.pointing import are_hits, brightest_points, centre_points
from gapcam.cam.slices import object_sizes
from gapcam.cam.views import Size
from gapcam.metrics.drawing import draw_pointing
from gapcam.metrics.row_metric import RowMetric
from gapcam.protocol import Protocol


class PointingRows(NamedTuple):
    """One line per sample, in the order of the data set.

    `index` `(N,)`; `labels` `(N,)`, -1 where not given; `points` `(N, 2)`, `x, y` of the map's
    brightest pixel in pixels of the original image, NaN without one; `hits` and `centre_hits`
    `(N,)` uint8, of that point and of the image's centre; `counts` `(N,)` of true boxes;
    `object_sizes` `(N,)`, the largest one as a share of the image.
    """

    index: Tensor  # type: ignore[assignment]  # tuple.index is not used
    labels: Tensor
    points: Tensor
    hits: Tensor
    centre_hits: Tensor
    counts: Tensor
    object_sizes: Tensor


class PointingGame(RowMetric[PointingRows]):
    """How often a map's brightest point lies on the object.

    The rule (Zhang et al. 2016, Top-down Neural Attention by Excitation Backprop): the map is
    enlarged to the protocol's grid and its brightest pixel taken, of several the first in raster
    order; it is a hit if its centre lies in any true box of the class or no further from one than
    `tolerance` pixels of the original image. No threshold is needed.

    `compute` returns a flat dict of 0-d tensors, accuracies in 0..1, NaN over no sample:
    `pointing`, over the samples that have a true box; `pointing_class_mean`, the mean over the
    classes that have one; `pointing_centre`, of the image's centre, which looks at nothing; and
    `classes_without_boxes`, how many classes could not be judged (0 without labels). A map without
    a positive value under `normalise="max"`, or that is constant, NaN or infinite anywhere, points
    at nothing and is no hit.

    An image with objects of several classes is a sample for each, with the boxes of that class and
    an index of its own.

    Args:
        tolerance: in pixels of the original image.
        protocol: a protocol or the name of a published one.
        size: height and width of the view that the network sees; needed where the protocol's grid
            is the view.
        num_classes: C; where it is given labels are held to it, and classes that no image is of
            are without boxes, too.
        kwargs: passed to `torchmetrics.Metric`.

    Raises:
        ValueError: if the tolerance is negative, or the protocol needs a size or has a grid for
            each image.

    Example:
        >>> metric = PointingGame(tolerance=0, size=(2, 2))
        >>> metric.update(
        ...     maps=torch.tensor([[[3.0, 2.0], [1.0, 0.0]]]),
        ...     boxes=torch.tensor([[[0.0, 0.0, 10.0, 10.0]]]),
        ...     sizes=torch.tensor([[20, 20]]),
        ... )
        >>> metric.compute()["pointing"]
        tensor(1.)
    """

    higher_is_better = True

    tolerance: Tensor

    def __init__(
        self,
        tolerance: float = 15,
        protocol: Protocol | str = "paper",
        size: Size | None = None,
        num_classes: int | None = None,
        **kwargs: Any,
    ) -> None:
        if not tolerance >= 0:
            raise ValueError(f"tolerance must be 0 pixels or more; got {tolerance!r}")
        super().__init__(protocol, size, num_classes, _no_rows(), **kwargs)
        self._require_one_grid()
        # A state, so that metrics of different tolerance are never taken for one.
        self.add_state("tolerance", torch.tensor(float(tolerance)), dist_reduce_fx="max")

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
            index: `(B,)` row of each sample; None: each counts.

        Raises:
            ValueError: if a shape or type does not fit, or a value is out of its range. Values on
                another device than the CPU are judged by `compute`.
        """
        maps = self._maps_of_truth(maps, features, weight, labels)
        known = self._truth(maps, 3, boxes, counts, sizes, regions, labels, index)
        if len(maps) == 0:
            return
        heat = self.protocol.heat(maps, self._view(maps), known.regions, known.sizes)
        points, is_one = brightest_points(heat, self._shown(maps, 3, known))
        centres = centre_points(known.sizes)
        hits = is_one & are_hits(points, known.boxes, known.counts, self.tolerance)
        centre_hits = are_hits(centres, known.boxes, known.counts, self.tolerance)
        self._append(
            PointingRows(
                index=known.index,
                labels=known.labels,
                points=points.where(is_one[:, None], torch.nan).float(),
                hits=hits.to(torch.uint8),
                centre_hits=centre_hits.to(torch.uint8),
                counts=known.counts,
                object_sizes=object_sizes(known.boxes, known.counts, known.sizes),
            )
        )

    def compute(self) -> dict[str, Tensor]:
        """Return the accuracies of all samples seen, on all processes."""
        rows = self._own_rows()
        outcomes = self._outcomes(rows)
        found = rates(outcomes)
        by_class = self._slices(rows, outcomes).get("class")
        nothing = torch.full_like(found["pointing"], torch.nan)
        return {
            **found,
            "pointing_class_mean": by_class.numbers["pointing"].nanmean() if by_class else nothing,
            "classes_without_boxes": (by_class.with_boxes == 0).sum().float()
            if by_class
            else torch.zeros_like(nothing),
        }

    def plot(self, val: Any = None, ax: Any = None) -> Any:
        """Draw the accuracies as bars, and that of the image's centre as a line.

        Args:
            val: what `compute` or `forward` returned; a list of them is drawn over steps, as
                torchmetrics does. None: computed here.
            ax: axes to draw on.

        Returns:
            Figure (None if `ax` was given) and axes.
        """
        if isinstance(val, list | tuple):
            return self._plot(val, ax)
        return draw_pointing(val or self.compute(), self.protocol.title, ax)

    def _outcomes(self, rows: PointingRows) -> dict[str, Outcome]:
        has_box = rows.counts > 0
        return {
            "pointing": Outcome(rows.hits, has_box),
            "pointing_centre": Outcome(rows.centre_hits, has_box),
        }


def _no_rows() -> PointingRows:
    return PointingRows(
        index=torch.zeros(0, dtype=torch.int64),
        labels=torch.zeros(0, dtype=torch.int64),
        points=torch.zeros(0, 2),
        hits=torch.zeros(0, dtype=torch.uint8),
        centre_hits=torch.zeros(0, dtype=torch.uint8),
        counts=torch.zeros(0, dtype=torch.int64),
        object_sizes=torch.zeros(0),
    )
