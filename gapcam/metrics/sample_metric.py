"""What the metrics share: arguments, states of processes without samples, faults on devices."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat
from torchmetrics.utilities.distributed import gather_all_tensors

from gapcam.cam.views import Size
from gapcam.metrics.checks import Check, in_range, truth_checks
from gapcam.metrics.samples import Truth, class_maps, require, require_tensor, truth, whole_images
from gapcam.protocol import Protocol, named

_CHECKED = ("sizes", "counts", "regions", "boxes", "labels", "index", "classes", "ranks")

USUAL_IOU = 0.5


def main_iou(protocol: Protocol) -> float:
    """The IoU of numbers whose names have none: 0.5, or the protocol's only one.

    Raises:
        ValueError: if it has several without 0.5.
    """
    if USUAL_IOU in protocol.iou:
        return USUAL_IOU
    if len(protocol.iou) == 1:
        return protocol.iou[0]
    raise ValueError(
        f"protocol {protocol.name!r}: iou must have 0.5 among several, as numbers such as loc_top1 "
        f"and max_box_acc are at 0.5; got {protocol.iou}"
    )


def _require_size(size: object) -> Size | None:
    if size is None:
        return None
    sides = list(size) if isinstance(size, Sequence | torch.Size) else []
    if len(sides) != 2 or not all(isinstance(side, int) and side > 0 for side in sides):
        raise ValueError(f"size must be height and width, as in size=(224, 224); got {size!r}")
    return sides[0], sides[1]


class SampleMetric(Metric):
    """A metric of maps, true boxes and a protocol.

    Args:
        protocol: a protocol, or the name of a published one.
        size: height and width of the view that the network sees.
        num_classes: C; where it is given labels are held to it, and numbers by class have all.
        lists: an empty tensor for each state that is a list, with its type and number of axes.
        kwargs: passed to `torchmetrics.Metric`.

    Raises:
        ValueError: if there is no such protocol, or it needs a size.
    """

    is_differentiable = False
    full_state_update = False
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0

    faults: Tensor

    def __init__(
        self,
        protocol: Protocol | str,
        size: Size | None,
        num_classes: int | None,
        lists: Mapping[str, Tensor],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.protocol = named(protocol)
        self.size = _require_size(size)
        self.num_classes = num_classes
        if self.size is None and (self.protocol.grid == "view" or self.protocol.region == "dt_box"):
            raise ValueError(
                f"size must be the height and width of the view that the network sees, as in "
                f"size=(224, 224): protocol {self.protocol.name!r} depends on it; got None"
            )
        # torchmetrics.MetricCollection computes metrics whose states are equal after the first
        # batch as if they were one: these never are, unless their settings are.
        digest = hashlib.sha256(repr((self.protocol.id, self.size, num_classes)).encode()).digest()
        self.add_state("settings", torch.tensor(list(digest)), dist_reduce_fx="max")
        self._empty = dict(lists)
        for name in lists:
            self.add_state(name, default=[], dist_reduce_fx="cat")
        self.add_state(
            "faults", torch.zeros(len(_CHECKED), dtype=torch.int64), dist_reduce_fx="sum"
        )

    def set_dtype(self, dst_type: str | torch.dtype) -> "SampleMetric":  # noqa: ARG002
        """Do nothing: what is kept has the precision that its numbers need."""
        return self

    def _maps(
        self,
        maps: Tensor | None,
        features: Tensor | None,
        weight: Tensor | None,
        classes: Tensor | None,
    ) -> Tensor:
        """Maps `(B, M, h, w)` or `(B, V, M, h, w)` of the classes `(B, M)`."""
        if classes is not None:
            require("classes", classes, "B M", whole=True)
            if isinstance(weight, Tensor):
                self._hold([in_range("classes", classes, len(weight))])
        found = class_maps(maps, features, weight, classes)
        sides = {} if classes is None else {"B": len(classes), "M": classes.shape[1]}
        require("maps", found, "B V M h w" if found.ndim == 5 else "B M h w", sides)
        return found

    def _maps_of_truth(
        self,
        maps: Tensor | None,
        features: Tensor | None,
        weight: Tensor | None,
        labels: Tensor | None,
    ) -> Tensor:
        """Maps `(B, h, w)` or `(B, V, h, w)` of the true classes `(B,)`."""
        if maps is not None:
            require_tensor("maps", maps)
            require("maps", maps, "B V h w" if maps.ndim == 4 else "B h w")
            maps = maps.unsqueeze(-3)
        elif labels is not None:
            require("labels", labels, "B", whole=True)
        classes = None if labels is None or maps is not None else labels[:, None]
        return self._maps(maps, features, weight, classes).squeeze(-3)

    def _truth(
        self,
        maps: Tensor,
        axes: int,
        boxes: Tensor | Sequence[Tensor],
        counts: Tensor | None,
        sizes: Tensor,
        regions: Tensor | None,
        labels: Tensor | None,
        index: Tensor | None,
    ) -> Truth:
        """Check what came with maps that have so many axes if there is one view."""
        if maps.device != self.device:
            raise ValueError(
                f"maps must be on the metric's device, {self.device}; got {maps.device}: move the "
                f"metric with .to({str(maps.device)!r})"
            )
        views = maps.shape[1] if maps.ndim > axes else None
        known = truth(len(maps), views, boxes, counts, sizes, regions, labels, index)
        self._hold(truth_checks(known, self.num_classes, labels is not None, index is not None))
        return known

    def _shown(self, maps: Tensor, axes: int, known: Truth) -> Tensor:
        """What the grid of `Protocol.heat` shows, `(B, 4)`: a view, or all of the originals."""
        return whole_images(known.sizes) if maps.ndim > axes else known.regions

    def _require_one_grid(self) -> None:
        if self.protocol.grid == "original":
            raise ValueError(
                f"{type(self).__name__} needs one grid for all images, and protocol "
                f"{self.protocol.name!r} has one for each (grid: original): give one with "
                "grid: view, or a side"
            )

    def _view(self, maps: Tensor) -> Size:
        """The view's size; where the protocol does not ask for it, any."""
        return self.size or (maps.shape[-2], maps.shape[-1])

    @contextmanager
    def _synced(self) -> Iterator[None]:
        """States gathered from all processes."""
        alone = self._is_synced or not self._to_sync
        with self.sync_context(
            dist_sync_fn=self.dist_sync_fn, should_sync=not alone, should_unsync=not alone
        ):
            yield

    def _hold(self, checks: Sequence[Check]) -> None:
        """Raise where a check fails; on a device count it, as asking would make the host wait."""
        for check in checks:
            if check.is_wrong.device.type != "cpu":
                place = _CHECKED.index(check.argument)
                counted = torch.zeros_like(self.faults)
                counted[place] = check.is_wrong.sum()
                self.faults = self.faults + counted
            elif check.is_wrong.any():
                row = int(check.is_wrong.int().argmax())
                raise ValueError(
                    f"{check.argument} must {check.expected}; got {check.came[row].tolist()} "
                    f"{check.what}for sample {row} of the batch"
                )

    def _raise_faults(self) -> None:
        """Raise where a check failed on a device."""
        for argument, count in zip(_CHECKED, self.faults.tolist(), strict=True):
            if count:
                raise ValueError(
                    f"{argument} of {count} samples were out of their range; updates on "
                    f"{self.device.type} cannot say so at once. Give the same batches to a metric "
                    "on the CPU, which names the first"
                )

    def _column(self, name: str) -> Tensor:
        """A state that is a list, as one tensor."""
        state = getattr(self, name)
        return dim_zero_cat(state) if len(state) else self._empty[name].to(self.device)

    def _sync_dist(
        self, dist_sync_fn: Any = gather_all_tensors, process_group: Any | None = None
    ) -> None:
        # A process may have seen no sample. Its share of a list has to have the type and the
        # number of axes of the others' to be gathered, and is left out then.
        for name, empty in self._empty.items():
            if not len(getattr(self, name)):
                setattr(self, name, [empty.to(self.device)])

        def gathered(tensor: Tensor, group: Any | None = None) -> list[Tensor]:
            parts: list[Tensor] = dist_sync_fn(tensor, group=group)
            return [part for part in parts if part.numel()] or parts[:1]

        super()._sync_dist(gathered, process_group)
