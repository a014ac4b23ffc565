"""Metrics that keep a row for each sample: from rows follow numbers, slices and intervals."""

import typing
from abc import abstractmethod
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from gapcam.cam.bootstrap import Interval, bootstrap_intervals
from gapcam.cam.outcomes import Outcomes
from gapcam.cam.slices import (
    COUNT_GROUPS,
    SIZE_GROUPS,
    Slice,
    count_groups,
    size_groups,
    sliced,
)
from gapcam.cam.views import Size
from gapcam.metrics.sample_metric import SampleMetric
from gapcam.protocol import Protocol


class SampleRows(typing.Protocol):
    """Named columns of N rows; these four every metric has."""

    @property
    def index(self) -> Tensor: ...
    @property
    def labels(self) -> Tensor: ...
    @property
    def counts(self) -> Tensor: ...
    @property
    def object_sizes(self) -> Tensor: ...
    def _asdict(self) -> dict[str, Any]: ...


Rows = TypeVar("Rows", bound=SampleRows)


class RowMetric(SampleMetric, Generic[Rows]):
    """A metric whose states are the columns of rows.

    A row carries the index of its sample: a sample that comes again, as from a padded distributed
    sampler, counts once, and any number of processes gives exactly the same numbers. Samples
    without an index all count.

    Args:
        protocol: see `SampleMetric`.
        size: see `SampleMetric`.
        num_classes: see `SampleMetric`.
        empty: no rows, with the types and axes of the columns.
        kwargs: passed to `torchmetrics.Metric`.
    """

    def __init__(
        self,
        protocol: Protocol | str,
        size: Size | None,
        num_classes: int | None,
        empty: Rows,
        **kwargs: Any,
    ) -> None:
        super().__init__(protocol, size, num_classes, empty._asdict(), **kwargs)
        self._rows_type = type(empty)

    @abstractmethod
    def _outcomes(self, rows: Rows) -> Outcomes:
        """What each row adds to each number."""

    def rows(self) -> Rows:
        """Return every sample once, sorted by index, gathered from all processes."""
        with self._synced():
            return self._own_rows()

    def slices(self) -> dict[str, Slice]:
        """Return the numbers of groups of images, gathered from all processes.

        Returns:
            By `size` of the largest true box, by number of true `boxes`, and, if labels were given,
            by `class`, see `gapcam.cam.slices`. A class that no image of has a true box has
            `with_boxes` 0, and NaN for numbers of localization.
        """
        rows = self.rows()
        return self._slices(rows, self._outcomes(rows))

    def classes_without_boxes(self) -> list[int]:
        """Return the classes that no image of has a true box, gathered from all processes.

        They are those of `num_classes`, or else of the labels up to the highest that came.
        """
        rows = self.rows()
        located = torch.zeros(self._class_count(rows), dtype=torch.bool, device=rows.labels.device)
        located[rows.labels[(rows.counts > 0) & (rows.labels >= 0)]] = True
        missing: list[int] = (~located).nonzero().flatten().tolist()
        return missing

    def confidence(
        self, level: float = 0.95, resamples: int = 1000, seed: int = 0
    ) -> dict[str, Interval]:
        """Return bootstrap intervals of the numbers, over images gathered from all processes.

        They say what another draw of images would do to a number. What is chosen on all images (a
        threshold, the floor's side) stays as it is. With indices they are the same on any number
        of processes. See `gapcam.cam.bootstrap.bootstrap_intervals` for the arguments.
        """
        return bootstrap_intervals(self._outcomes(self.rows()), level, resamples, seed)

    def _slices(self, rows: Rows, outcomes: Outcomes) -> dict[str, Slice]:
        has_box = rows.counts > 0
        sizes = size_groups(rows.object_sizes, rows.counts)
        slices = {
            "size": sliced(outcomes, has_box, sizes, SIZE_GROUPS),
            "boxes": sliced(outcomes, has_box, count_groups(rows.counts), COUNT_GROUPS),
        }
        if classes := tuple(str(label) for label in range(self._class_count(rows))):
            slices["class"] = sliced(outcomes, has_box, rows.labels, classes)
        return slices

    def _append(self, rows: Rows) -> None:
        for name, column in rows._asdict().items():
            kept = getattr(self, name)
            if kept and kept[0].shape[1:] != column.shape[1:]:
                raise ValueError(
                    f"{name} must have the shape of earlier updates, (B, "
                    f"{', '.join(map(str, kept[0].shape[1:]))}); got {tuple(column.shape)}"
                )
            kept.append(column)

    def _own_rows(self) -> Rows:
        return self._rows_type(**self._own_columns(*self._empty))

    def _own_columns(self, *names: str) -> dict[str, Tensor]:
        """Columns of this process, or of all within `_synced`, each sample once."""
        self._raise_faults()
        index, order = self._column("index").sort(stable=True)
        is_first = torch.ones_like(index, dtype=torch.bool)
        is_first[1:] = (index[1:] != index[:-1]) | (index[1:] < 0)
        for name in ("labels", "counts", "object_sizes"):
            column = self._column(name)[order]
            if ((column[1:] != column[:-1]) & ~is_first[1:]).any():
                raise ValueError(
                    "index must be the row of each sample in its split, so that a repeated sample "
                    f"counts once; got samples of one index with different {name}"
                )
        order = order[is_first]
        return {name: self._column(name)[order] for name in names}

    def _class_count(self, rows: Rows) -> int:
        if self.num_classes is not None:
            return self.num_classes
        return 1 + int(rows.labels.max()) if len(rows.labels) else 0
