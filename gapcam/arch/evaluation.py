"""The metrics of one stage: what a network's maps are worth under each of several protocols."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar, cast

import torch
from torch import Tensor, nn

from gapcam.batch import Batch
from gapcam.cam.bootstrap import Interval
from gapcam.cam.localization import GUESSES
from gapcam.cam.max_box import Curves, percent
from gapcam.cam.slices import Slice
from gapcam.metrics import LocalizationError, MaxBoxAcc
from gapcam.metrics.localization import LocalizationRows
from gapcam.metrics.sample_metric import main_iou
from gapcam.protocol import Protocol

Metric = TypeVar("Metric", LocalizationError, MaxBoxAcc)

THRESHOLD_OF_NOTHING = 0.2
"""For pictures of a network that has not been evaluated: the paper's."""


class Look(NamedTuple):
    """What a network says of a batch and where it looks, in one kind of view.

    `classes` `(B, M)` guesses, best first, then the true class; their `scores` `(B, M)`, softmax
    probabilities, averaged over the views; their `maps` `(B, M, h, w)`, or `(B, V, M, h, w)` of
    several views; `regions` `(B, 4)` or `(B, V, 4)`.
    """

    classes: Tensor
    scores: Tensor
    maps: Tensor
    regions: Tensor


class Details(NamedTuple):
    """What one protocol says of a split, beyond its numbers.

    `images` scored; `rows` their boxes and `kinds` the shares of kinds of mistakes, where the
    protocol has a threshold; `slices` numbers by groups of images; `intervals` bootstrap intervals
    of the numbers (95 %); `curves` over all thresholds, where they were tried.
    """

    images: int
    rows: LocalizationRows | None
    kinds: dict[str, float]
    slices: dict[str, Slice]
    intervals: dict[str, Interval]
    curves: Curves | None


class Evaluation(nn.Module):
    """Score batches under every protocol; the first protocol is the main one.

    A protocol with a threshold (or the released rule) is scored by `LocalizationError`. One that
    tries all thresholds is scored by `MaxBoxAcc`, and by `LocalizationError`, too, once thresholds
    were chosen: they give boxes.

    Args:
        protocols: by name.
        size: height and width of a view.
        view: kind of view for protocols that name none.
        num_classes: classes for numbers by class; None: up to the highest label that comes.
        alone: whether other processes, if there are any, score something else.
    """

    def __init__(
        self,
        protocols: Mapping[str, Protocol],
        size: tuple[int, int],
        view: str = "whole",
        num_classes: int | None = None,
        alone: bool = False,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.alone = alone
        self.protocols = dict(protocols)
        self.view = view
        self.size = size
        self.chosen: dict[str, dict[str, float]] = {}
        self.best: dict[str, dict[str, float]] = {}
        self.seen = 0
        self.details: dict[str, Details] = {}
        self.errors = nn.ModuleDict()
        self.sweeps = nn.ModuleDict()
        for name, protocol in self.protocols.items():
            if protocol.is_swept:
                self.sweeps[name] = self._metric(MaxBoxAcc, protocol)
            else:
                self.errors[name] = self._metric(LocalizationError, protocol)

    @property
    def main(self) -> Protocol:
        """The protocol whose numbers have plain names."""
        return next(iter(self.protocols.values()))

    @property
    def kinds(self) -> set[str]:
        """Which kinds of views are looked at."""
        return {self.kind(protocol) for protocol in self.protocols.values()}

    def kind(self, protocol: Protocol) -> str:
        """Which kind of view a protocol looks at."""
        return protocol.view or self.view

    def choose(self, chosen: Mapping[str, dict[str, float]]) -> None:
        """Score at these thresholds from now on: `best` of an evaluation of other images."""
        self.chosen = dict(chosen)
        for name, thresholds in self.chosen.items():
            threshold = thresholds[main_threshold(self.protocols[name])]
            metric = self._metric(LocalizationError, self.protocols[name].at(threshold))
            self.errors[name] = metric.to(self._sweep(name).device)

    def for_pictures(self) -> Protocol:
        """The main protocol at a threshold: the chosen one, or else the best of what was seen."""
        name, protocol = self.main.name, self.main
        if not protocol.is_swept:
            return protocol
        known = self.chosen.get(name) or self.best.get(name) or {}
        threshold = known.get(main_threshold(protocol), math.nan)
        return protocol.at(THRESHOLD_OF_NOTHING if math.isnan(threshold) else threshold)

    def reset(self) -> None:
        for metric in (*self.errors.values(), *self.sweeps.values()):
            cast(LocalizationError | MaxBoxAcc, metric).reset()

    def update(self, looks: Mapping[str, Look], batch: Batch) -> None:
        """Add a batch, seen in each kind of view that the protocols look at."""
        for name, protocol in self.protocols.items():
            look = looks[self.kind(protocol)]
            truth = {
                "labels": batch.labels,
                "boxes": batch.boxes,
                "counts": batch.counts,
                "sizes": batch.sizes,
                "regions": look.regions,
                "index": batch.index,
            }
            if name in self.errors:
                self._error(name).update(maps=look.maps, classes=look.classes, **truth)
            if name in self.sweeps:
                maps = look.maps.select(-3, -1)  # of the true class: no other can be right
                ranks = rank_of_truth(look.classes)
                self._sweep(name).update(maps=maps, ranks=ranks, **truth)

    def compute(self) -> dict[str, Tensor]:
        """All numbers; those of the main protocol have plain names, others `<protocol>/<name>`.

        Where thresholds were chosen elsewhere, `oracle_<name>` are the numbers at the thresholds
        that are best for these very images.
        """
        numbers: dict[str, Tensor] = {}
        for rank, name in enumerate(self.protocols):
            prefix = f"{name}/" if rank else ""
            numbers |= {f"{prefix}{key}": value for key, value in self._numbers(name).items()}
        return numbers

    def running_errors(self) -> dict[str, Tensor]:
        """The main protocol's errors of this process so far, without waiting for others."""
        name = self.main.name
        if name in self.errors:
            return self._error(name).running_errors()
        return self._sweep(name).running_errors()

    def gather(self) -> None:
        """Keep the `best` thresholds under each protocol that tries all, and how many were `seen`.

        Every process has to ask, as they exchange what they saw.
        """
        self.best = {name: self._sweep(name).best_thresholds() for name in self.sweeps}
        self.seen = max((len(self._sweep(name).rows().index) for name in self.sweeps), default=0)

    def gather_details(self) -> None:
        """Keep `details` of every protocol.

        Every process has to ask, as they exchange what they saw.
        """
        self.details = {name: self._details(name) for name in self.protocols}

    def facts(self) -> dict[str, Any]:
        """What `details` hold, for a file: `intervals` (95 %), and `mistakes` of the best guess."""
        return {
            "intervals": {
                name: {
                    key: [round(end, 6) for end in ends]
                    for key, ends in one.intervals.items()
                    if not math.isnan(ends.low)
                }
                for name, one in self.details.items()
            },
            "mistakes": {
                name: {kind: round(share, 6) for kind, share in one.kinds.items()}
                for name, one in self.details.items()
                if one.kinds and not any(map(math.isnan, one.kinds.values()))
            },
        }

    def _details(self, name: str) -> Details:
        error = self._error(name) if name in self.errors else None
        rows = error.rows() if error else None
        kinds = {kind: float(v) for kind, v in error.taxonomy().items()} if error else {}
        if name in self.sweeps:
            sweep, chosen = self._sweep(name), self.chosen.get(name)
            return Details(
                images=len(sweep.rows().index),
                rows=rows,
                kinds=kinds,
                slices=sweep.slices(chosen),
                intervals=sweep.confidence(thresholds=chosen),
                curves=sweep.curve(),
            )
        assert error is not None
        assert rows is not None
        return Details(
            images=len(rows.index),
            rows=rows,
            kinds=kinds,
            slices=error.slices(),
            intervals=error.confidence(),
            curves=None,
        )

    def _numbers(self, name: str) -> dict[str, Tensor]:
        if name not in self.sweeps:
            return self._error(name).compute()
        best = self._sweep(name).compute()
        if name not in self.chosen:
            return best
        reported = self._sweep(name).compute_at(self.chosen[name])
        compared = [key for key in reported if key.startswith(("loc_", "max_box_acc"))]
        return reported | {f"oracle_{key}": best[key] for key in compared}

    def _metric(self, kind: type[Metric], protocol: Protocol) -> Metric:
        return kind(protocol, self.size, self.num_classes, sync_on_compute=not self.alone)

    def _error(self, name: str) -> LocalizationError:
        return cast(LocalizationError, self.errors[name])

    def _sweep(self, name: str) -> MaxBoxAcc:
        return cast(MaxBoxAcc, self.sweeps[name])


def main_threshold(protocol: Protocol) -> str:
    """Name of the threshold, among the best ones, at which boxes are cut."""
    return f"threshold_{percent(main_iou(protocol))}"


def rank_of_truth(classes_BM: Tensor) -> Tensor:
    """Place of the true class, the last of the M, among the guesses before it; 0 is the first.

    `(B,)` int64; `GUESSES` where it is not among them.
    """
    is_true_BG = classes_BM[:, :-1] == classes_BM[:, -1:]
    first_B = is_true_BG.int().argmax(1)
    return torch.where(is_true_BG.any(1), first_B, GUESSES)
