"""Informative objects of scenes: which objects lie where a network looks (section 4.2, Fig. 9)."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gapcam.data.sun_objects import SunObjects
from gapcam.errors import UserError
from gapcam.study.bench import Bench
from gapcam.study.extraction import extract
from gapcam.study.head import with_classifier
from gapcam.study.layer import require_pooled_classifier
from gapcam.study.linear_svm import LinearSVM, kept_svm
from gapcam.study.objects.guess_maps import Map, maps_of_classes, spread
from gapcam.study.objects.informative import (
    RANKINGS,
    Looked,
    Rule,
    Scene,
    judge,
    most_informative,
    rank,
)
from gapcam.study.objects.outlined import Outlined, read_outlined
from gapcam.study.objects.overlap import MEASURES, REGIONS
from gapcam.study.objects.page import Report, sections
from gapcam.study.objects.tables import notes, numbers, object_sheet, row_sheet
from gapcam.study.outcome import Outcome
from gapcam.study.study import Study

_FEWEST = 2
"""Training pictures of a scene: one alone does not show what a scene's pictures share."""


class Objects(Study):
    """One SVM a scene, maps of the predicted scene, and objects ranked by where they lie in them.

    Args:
        c: of the SVM, its loss against the norm of its weights.
        pictures: whose objects are ranked: `test`, or `all`, training pictures, too.
        guesses: whose maps count: of `right` or of `all` predictions.
        region: kind of the region of high activation, see `overlap.high_region`.
        level: of the region.
        overlap: what is measured, see `gapcam.study.objects.overlap.measure`.
        least_overlap: from which an object counts as overlapping.
        rank_by: see `gapcam.study.objects.informative.most_informative`.
        least: judged in fewer pictures of a scene, an object does not rank.
        top: objects shown of each scene.
        ignore_words: left out of objects' names.
        join_plurals: whether "chairs" are "chair", where both names occur.
        grid: cells along each side of a picture.
        paper: numbers of a publication by scene: `frequent` and `informative`, each by object;
            null for none.

    Raises:
        UserError: if a setting is impossible.
    """

    title = "Informative objects of scenes"

    def __init__(
        self,
        *,
        c: float,
        pictures: str,
        guesses: str,
        region: str,
        level: float,
        overlap: str,
        least_overlap: float,
        rank_by: str,
        least: int,
        top: int,
        ignore_words: Sequence[str],
        join_plurals: bool,
        grid: int,
        paper: Mapping[str, Mapping[str, Mapping[str, float]]] | None,
    ) -> None:
        _require_choice("pictures", pictures, ("test", "all"))
        _require_choice("guesses", guesses, ("right", "all"))
        _require_choice("region", region, REGIONS)
        _require_choice("overlap", overlap, MEASURES)
        _require_choice("rank_by", rank_by, RANKINGS)
        _require(c > 0, "c must be larger than 0", c)
        _require(0 < level < 1, "level must lie between 0 and 1", level)
        _require(0 < least_overlap <= 1, "least_overlap must be above 0, at most 1", least_overlap)
        _require(least >= 1, "least must be 1 picture or more", least)
        _require(top >= 1, "top must be 1 object or more", top)
        _require(8 <= grid <= 1024, "grid must be 8 to 1024 cells", grid)
        _require_numbers(paper or {})
        self.c = c
        self.splits = ("test",) if pictures == "test" else ("train", "test")
        self.only_right = guesses == "right"
        self.rule = Rule(region, level, overlap, least_overlap, grid)
        self.rank_by = rank_by
        self.least = least
        self.top = top
        self.ignored = [str(word).lower() for word in ignore_words]
        self.join_plurals = join_plurals
        self.paper = paper or {}
        self._outlined: list[Outlined] | None = None

    def check(self, bench: Bench) -> None:
        require_pooled_classifier(bench.network, "study=objects")
        if bench.network.cam.method != "cam":
            raise UserError(
                "study=objects is about class activation maps; leave out "
                f"cam={bench.network.cam.word}"
            )
        data = _scenes(bench)
        _require_training(data)
        self._require_objects(data, self._read(bench))

    def run(self, bench: Bench) -> Outcome:
        data = _scenes(bench)
        svm, guesses = self._guess(bench)
        network = with_classifier(bench.network, svm.weight, svm.bias, data.class_names)
        maps = {
            split: maps_of_classes(bench, network, getattr(data, split), guesses[split].tolist())
            for split in self.splits
        }
        looked = list(self._look(bench, guesses, maps))
        scenes = [self._scene(label, name, looked) for label, name in enumerate(data.class_names)]
        error = float((guesses["test"] != data.test.labels).mean())
        metrics, repeats = numbers(scenes, error, self.top)
        right = sum(one.guess == one.picture.label for one in looked)
        report = Report(scenes, self.rule, self.rank_by, self.least, self.top, self.only_right)
        return Outcome(
            metrics=metrics,
            evaluated_on=f"{len(looked):,} {' and '.join(self.splits)} images, {right:,} of them "
            "guessed right",
            headline=report.headline(),
            sections=sections(bench, report, self.paper),
            rows=row_sheet(data, looked),
            tables={"objects": object_sheet(scenes)},
            repeats=repeats,
            notes=[*data.notes(), *notes(scenes, svm.converged, self.splits, self.least)],
        )

    def _read(self, bench: Bench) -> list[Outlined]:
        """The pictures with their objects, read once."""
        if self._outlined is None:
            data = _scenes(bench)
            count = sum(len(getattr(data, split)) for split in self.splits)
            with bench.progress("Annotations", count) as advance:
                self._outlined = read_outlined(
                    data, self.splits, self.ignored, self.join_plurals, advance
                )
        return self._outlined

    def _guess(self, bench: Bench) -> tuple[LinearSVM, dict[str, NDArray[np.int64]]]:
        """The SVM, and what it takes each picture for."""
        data = bench.data
        train, test = extract(bench, [data.train, data.test])
        svm = kept_svm(bench.steps, "svm", train, data.train.labels, self.c, bench.seed)
        found = {"train": svm.decide(train).argmax(1), "test": svm.decide(test).argmax(1)}
        return svm, found

    def _look(
        self,
        bench: Bench,
        guesses: Mapping[str, NDArray[np.int64]],
        maps: Mapping[str, Sequence[Map]],
    ) -> Iterator[Looked]:
        pictures = self._read(bench)
        with bench.progress("Overlaps", len(pictures)) as advance:
            for picture in pictures:
                guess = int(guesses[picture.split][picture.row])
                one = maps[picture.split][picture.row]
                judged, region = judge(spread(one, self.rule.grid), picture.objects, self.rule)
                counts = guess == picture.label or not self.only_right
                yield Looked(picture, guess, counts, one, judged, region)
                advance(1)

    def _scene(self, label: int, name: str, looked: Sequence[Looked]) -> Scene:
        own = [one for one in looked if one.picture.label == label]
        objects = rank([one.judged for one in own], [one.counts for one in own])
        return Scene(name, own, objects, most_informative(objects, self.rank_by, self.least))

    def _require_objects(self, data: SunObjects, pictures: Sequence[Outlined]) -> None:
        """Refuse pictures of which no object could rank."""
        if not any(one.objects for one in pictures):
            raise UserError(
                f"None of the {len(pictures):,} {' and '.join(self.splits)} pictures in "
                f"{data.root} has an outlined object: study=objects needs annotations with "
                "polygons; docs/data/sun_objects.md says which"
            )
        counts = Counter((one.label, name) for one in pictures for name in one.objects)
        (label, name), most = max(counts.items(), key=lambda item: item[1])
        if most < self.least:
            raise UserError(
                f"No object is in study.least={self.least} pictures of a scene, so none could "
                f"rank: the most frequent, {name} of {data.class_names[label]}, is in {most}. Give "
                f"a smaller study.least"
                + ("" if "train" in self.splits else ", or study.pictures=all")
            )


def _scenes(bench: Bench) -> SunObjects:
    if not isinstance(bench.data, SunObjects):
        raise UserError(
            "study=objects needs pictures of scenes with outlined objects: give data=sun_objects; "
            f"got {bench.data.describe()}"
        )
    return bench.data


def _require_training(data: SunObjects) -> None:
    counts = np.bincount(data.train.labels, minlength=data.num_classes).tolist()
    few = [
        f"{n} of {name}" for n, name in zip(counts, data.class_names, strict=True) if n < _FEWEST
    ]
    if few:
        raise UserError(
            f"Each scene must have {_FEWEST} or more training pictures for its SVM; there are "
            f"{', '.join(few)}. Give a larger data.train_share, or leave these out of data.scenes"
        )


def _require(is_right: bool, expected: str, got: object) -> None:
    if not is_right:
        raise UserError(f"study.{expected}; got {got}")


def _require_choice(name: str, value: object, choices: Sequence[str]) -> None:
    _require(value in choices, f"{name} must be {' or '.join(choices)}", repr(value))


def _require_numbers(paper: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    for scene, lists in paper.items():
        is_right = isinstance(lists, Mapping) and set(lists) <= {"frequent", "informative"}
        _require(
            is_right and all(isinstance(found, Mapping) for found in lists.values()),
            f"paper.{scene} must hold frequent and informative, each with a number by object",
            lists,
        )
