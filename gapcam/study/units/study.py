"""Class-specific units: what the units that speak for a class answer to (Section 5, Figure 13)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from gapcam.arch.gap_module import GAPModule
from gapcam.cam.views import VIEWS, Size
from gapcam.data.dataset import LocalizationDataset
from gapcam.errors import UserError
from gapcam.study.bench import Bench
from gapcam.study.extraction import extract
from gapcam.study.layer import require_pooled_classifier
from gapcam.study.outcome import Outcome
from gapcam.study.study import Study
from gapcam.study.units.asked_classes import asked_classes
from gapcam.study.units.checks import require_own_classes, require_places, require_whole
from gapcam.study.units.class_units import top_pictures, units_of_class
from gapcam.study.units.findings import Findings, headline, sightings_sheet, units_sheet
from gapcam.study.units.measured_fields import Measured, measure_fields
from gapcam.study.units.occlusion import KINDS, Occluders
from gapcam.study.units.pages import sections
from gapcam.study.units.receptive_field import Cells, cells_of
from gapcam.study.units.segments import Mask, segment_by_field, segment_by_map
from gapcam.study.units.sightings import Pictures, Sighting, look_again

THRESHOLDS = {"receptive_field": 0.5, "map": 0.2}
"""What pictures are cut by, and where: at half height; as the authors' cnnvisualizer does."""
SPLITS = ("train", "val", "test")
_VIEW, _PATCH, _STRIDE = 227, 11, 3
"""Side of the view in ICLR'15, and the occluders there, in its pixels."""


class Units(Study):
    """The units with the largest weights for a class, and the pictures that they answer to most.

    Args:
        classes: names; see `gapcam.study.units.asked_classes`.
        units: for each class.
        images: for each unit, from all classes.
        splits: where they are looked for.
        segment: what is cut out of them: `receptive_field`, measured by occlusion as in Zhou et
            al., "Object detectors emerge in deep scene CNNs" (2015), or the unit's `map`.
        threshold: in 0..1, of the maximum; null for that of `THRESHOLDS`.
        patch: side of the occluders in pixels of the view; null for 11 of 227.
        stride: between them; null for 3 of 227.
        occluder: `random` or `grey`.
    """

    title = "Class-specific units"

    def __init__(
        self,
        *,
        classes: Any,
        units: int,
        images: int,
        splits: Any,
        segment: str,
        threshold: float | None,
        patch: int | None,
        stride: int | None,
        occluder: str,
    ) -> None:
        self.classes = classes
        self.units = units
        self.images = images
        self.splits = splits
        self.segment = segment
        self.threshold = threshold
        self.patch = patch
        self.stride = stride
        self.occluder = occluder

    def check(self, bench: Bench) -> None:
        network = require_pooled_classifier(bench.network, "The study of class-specific units")
        require_own_classes(bench, network)
        asked_classes(self.classes, bench.data.class_names)
        self._check_settings(network)
        kinds = bench.data.views.kinds
        if sum(VIEWS[kind] for kind in kinds) > 1:
            raise UserError(
                "Units answer at a place of one view of a picture: give data.view=whole or "
                f"data.view=centre; got {', '.join(kinds)}"
            )
        count = sum(len(dataset) for dataset in self._datasets(bench))
        if count < self.images:
            raise UserError(
                f"study.images={self.images} for each unit are more than the {count} pictures of "
                "study.splits: ask for fewer, or for more splits"
            )
        require_places(network)

    def run(self, bench: Bench) -> Outcome:
        network = require_pooled_classifier(bench.network, self.title)
        datasets = self._datasets(bench)
        pictures = Pictures(datasets)
        maxima = np.concatenate(extract(bench, datasets, pool="max"))
        pooled = np.concatenate(extract(bench, datasets))
        weight, bias = _classifier(network)
        names = bench.data.class_names
        chosen = {
            label: units_of_class(weight, label, self.units, pooled[pictures.labels == label])
            for label in asked_classes(self.classes, names)
        }
        units = dict.fromkeys(one.unit for ones in chosen.values() for one in ones)
        tops = {unit: top_pictures(maxima[:, unit], self.images) for unit in units}
        network.to(bench.trainer.strategy.root_device)
        seen = look_again(network, pictures, tops, bench.data.eval_batch_size)
        cells = cells_of(network, next(iter(seen.values()))[0].unit_map.shape)
        occluders = self._occluders(network.size, bench.seed)
        measured = (
            measure_fields(bench, network, pictures, seen, occluders, cells)
            if self.segment == "receptive_field"
            else None
        )
        found = Findings(
            class_names=names,
            pictures=pictures,
            chosen=chosen,
            seen=seen,
            masks={
                unit: [self._mask(one, measured, cells, network.size) for one in ones]
                for unit, ones in seen.items()
            },
            fields={} if measured is None else measured.fields,
            reach=cells.reach,
        )
        splits = " and ".join(dataset.split for dataset in datasets)
        wrong = (pooled @ weight.T + bias).argmax(1) != pictures.labels
        return Outcome(
            metrics={"cls_top1": float(wrong.mean())},
            evaluated_on=f"{len(pictures):,} images of {splits}",
            headline=headline(found),
            sections=sections(bench, found, self._how(measured, occluders, splits)),
            rows=sightings_sheet(found),
            tables={"units": units_sheet(found)},
            notes=_notes(found),
            facts={
                "units": {
                    "share": found.mean_share,
                    "purity": found.mean_purity,
                    "reach": found.reach,
                    "occluded": None if measured is None else measured.pictures,
                    "seconds_each": None if measured is None else measured.seconds,
                }
            },
        )

    def _how(self, measured: Measured | None, occluders: Occluders, splits: str) -> list[str]:
        threshold = self.threshold or THRESHOLDS[self.segment]
        told = [
            f"For each class the {self.units} units with the largest weights; for each unit the "
            f"{self.images} pictures of the {splits} split in which its largest activation at any "
            "place is highest, whatever they show. Share of the score: weight times average "
            "activation over the class's pictures, as a part of all such contributions that are "
            "positive."
        ]
        if measured is None:
            return [*told, f"Bright: the unit's map, enlarged, above {threshold:g} of its maximum."]
        patch, stride = occluders.patch, occluders.stride
        height, width = occluders.size
        return [
            *told,
            "Bright: the unit's receptive field, laid on the cells where it is active, above "
            f"{threshold:g} of the maximum. The field was measured in the same pictures: "
            f"{len(occluders):,} copies of each with a patch of {patch}x{patch} pixels "
            f"({self.occluder}), one every {stride} pixels of the network's {height}x{width}; the "
            "change of the unit at its place, centred there and averaged. "
            f"{measured.pictures} pictures, {measured.seconds:.1f} s each.",
        ]

    def _datasets(self, bench: Bench) -> list[LocalizationDataset]:
        """The splits asked for; where one stands in for another it comes once."""
        names = [self.splits] if isinstance(self.splits, str) else self.splits
        if not isinstance(names, Sequence) or not names or not set(names) <= set(SPLITS):
            raise UserError(
                f"study.splits must be some of {', '.join(SPLITS)}, such as [test]; got "
                f"{self.splits!r}"
            )
        return list({id(d): d for d in (getattr(bench.data, name) for name in names)}.values())

    def _check_settings(self, network: GAPModule) -> None:
        require_whole("units", self.units, network.classifier.in_features)  # type: ignore[arg-type]
        require_whole("images", self.images)
        shorter = min(network.size)
        if self.patch is not None:
            require_whole("patch", self.patch, shorter - 1)
        if self.stride is not None:
            require_whole("stride", self.stride, shorter - 1)
        for key, value, choices in (
            ("segment", self.segment, tuple(THRESHOLDS)),
            ("occluder", self.occluder, KINDS),
        ):
            if value not in choices:
                raise UserError(f"study.{key} must be {' or '.join(choices)}; got {value!r}")
        threshold = self.threshold
        if threshold is not None and not (isinstance(threshold, float) and 0 < threshold < 1):
            raise UserError(
                f"study.threshold must be between 0 and 1, or null for "
                f"{THRESHOLDS[self.segment]}; got {threshold!r}"
            )

    def _occluders(self, size: Size, seed: int) -> Occluders:
        scale = min(size) / _VIEW
        patch = self.patch or max(2, round(_PATCH * scale))
        stride = self.stride or max(1, round(_STRIDE * scale))
        return Occluders(size, patch, stride, self.occluder, seed)

    def _mask(self, one: Sighting, found: Measured | None, cells: Cells, size: Size) -> Mask:
        threshold = self.threshold or THRESHOLDS[self.segment]
        if found is None:
            return segment_by_map(one.unit_map, size, threshold)
        return segment_by_field(found.fields[one.unit], one.unit_map, cells, size, threshold)


def _notes(found: Findings) -> list[str]:
    if not found.silent:
        return []
    silent = ", ".join(map(str, found.silent))
    return [
        f"no patch changed the units {silent}, so nothing is bright in their pictures; a larger "
        "one may (study.patch), as units after max pooling see what is left beside a small one"
    ]


def _classifier(network: GAPModule) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights `(C, K)` and biases `(C,)`."""
    assert isinstance(network.classifier, nn.Linear)
    weight = network.classifier.weight.detach().cpu().numpy()
    bias = network.classifier.bias
    return weight, 0 * weight[:, 0] if bias is None else bias.detach().cpu().numpy()
