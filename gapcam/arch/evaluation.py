"""The metrics of one stage: what a network's maps are worth under each of several protocols."""

import math
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from torch import Tensor, nn

from gapcam.arch.details import Details, details_of, facts_of
from gapcam.arch.look import Look, rank_of_truth
from gapcam.batch import Batch
from gapcam.cam.max_box import percent
from gapcam.metrics import LocalizationError, MaxBoxAcc
from gapcam.metrics.sample_metric import main_iou
from gapcam.protocol import BEST_HERE, Protocol

Metric = TypeVar("Metric", LocalizationError, MaxBoxAcc)

THRESHOLD_OF_NOTHING = 0.2
"""For pictures of a network that has not been evaluated: the paper's."""


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
        self.source = BEST_HERE
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

    def choose(self, chosen: Mapping[str, dict[str, float]], source: str) -> None:
        """Score at these thresholds from now on.

        Args:
            chosen: `best` of an evaluation.
            source: of which images they are the best, in words.
        """
        self.chosen, self.source = dict(chosen), source
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

    def protocol_facts(self) -> dict[str, Any]:
        """What each protocol is, and where its thresholds are from."""
        return {
            name: protocol.as_dict(self.source if name in self.chosen else BEST_HERE)
            for name, protocol in self.protocols.items()
        }

    def facts(self) -> dict[str, Any]:
        """Protocols, thresholds and details, for a file."""
        return {
            "protocols": self.protocol_facts(),
            "thresholds": self.chosen,
            **facts_of(self.details),
        }

    def _details(self, name: str) -> Details:
        return details_of(
            self._error(name) if name in self.errors else None,
            self._sweep(name) if name in self.sweeps else None,
            self.chosen.get(name),
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
