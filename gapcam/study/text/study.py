"""Weakly supervised text detector: an SVM learns which pictures have text, its map shows where."""

import hashlib
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapcam.errors import UserError
from gapcam.protocol import Protocol
from gapcam.study.bench import Bench
from gapcam.study.extraction import Features, extract
from gapcam.study.head import with_classifier
from gapcam.study.layer import require_pooled_classifier
from gapcam.study.linear_svm import MOST_ITERATIONS, LinearSVM, fit_svm
from gapcam.study.outcome import Outcome
from gapcam.study.steps import Arrays
from gapcam.study.study import Study
from gapcam.study.text.findings import Findings, false_alarms
from gapcam.study.text.maps import TEXT, TextMaps, map_text
from gapcam.study.text.page import (
    detector_section,
    numbers_section,
    picture_sections,
    pictures_each,
)
from gapcam.study.text.word_numbers import (
    RESAMPLES,
    Counts,
    Ends,
    Tally,
    bootstrap,
    detector_numbers,
    gains,
    highest_floors,
    map_numbers,
)
from gapcam.study.text.word_scores import OWN, MapScore, Rules, Truth, score_blind, score_map

CLASSES = ["no text", "text"]


class Text(Study):
    """Text detection learnt from pictures with and without text (Section 4.2 of the paper).

    The paper shows maps. Beyond it they are compared with the boxes of the words.

    Args:
        c: of the SVM.
        covered: a word is found if at least this share of its box is marked.
        iou: a word is met by a box around a marked region with at least this IoU.

    Raises:
        UserError: if a setting is out of its range.
    """

    title = "Text detector"

    def __init__(self, *, c: float, covered: float, iou: float) -> None:
        self.c = _number("c", c, math.inf)
        self.covered = _number("covered", covered, 1)
        self.iou = _number("iou", iou, 1)

    def check(self, bench: Bench) -> None:
        require_pooled_classifier(bench.network, "The text detector")
        _require_regions(bench.protocol)
        data = bench.data
        if data.class_names != CLASSES:
            raise UserError(
                f"The text detector learns the classes {' and '.join(map(repr, CLASSES))}, and "
                f"these data have {data.num_classes}, such as {data.class_names[0]!r}: give "
                "data=svt data.root=... data.negatives=<folder of pictures without text>"
            )
        for split in (data.train, data.test):
            for label, name in enumerate(CLASSES):
                if not (split.labels == label).any():
                    raise UserError(
                        f"The {split.split} split has no picture of the class {name!r}, and the "
                        "text detector is trained and tested on both: mend the lists in data.root, "
                        "or give more pictures by data.negatives and data.negatives_count"
                    )
        if not data.test.has_boxes:
            raise UserError(
                f"No word has a box in the {len(data.test):,} pictures of the {data.test.split} "
                "split, and maps are compared with these boxes: mark words as taggedRectangle in "
                "test.xml"
            )

    def run(self, bench: Bench) -> Outcome:
        data = bench.data
        train, test = extract(bench, [data.train, data.test])
        svm = self._train(bench, train)
        decisions = svm.decide(test)[:, TEXT]
        network = with_classifier(bench.network, svm.weight, svm.bias, CLASSES)
        protocol = network.test_evaluation.for_pictures()
        rows = np.flatnonzero(data.test.index.box_counts > 0)
        looked_at = [*rows.tolist(), *false_alarms(data.test, decisions, pictures_each(bench))]
        maps = map_text(bench, network, protocol, looked_at, _digest(test, svm.weight))
        rules = self._rules(protocol)
        truths = [_truth(bench, maps, place) for place in range(len(rows))]
        scores = _score(bench, maps, truths, rules)
        tallies = {kind: Tally(every, rules) for kind, every in scores.items()}

        def numbers(times: Counts) -> dict[str, float]:
            told = detector_numbers(data.test.labels, decisions, times)
            return told | map_numbers(tallies, times[rows])

        found = numbers(np.ones(len(data.test), np.int64))
        floors = highest_floors(found)  # chosen once: the highest in each resample would be biased
        found |= gains(found, floors)
        with bench.progress("Intervals", RESAMPLES) as advance:
            ends = bootstrap(
                lambda times: (drawn := numbers(times)) | gains(drawn, floors),
                *(len(data.test), bench.seed, advance),
            )
        findings = Findings(data.test, CLASSES, decisions, rows, truths, scores[OWN], rules)
        return Outcome(
            metrics={name: value for name, value in found.items() if not math.isnan(value)},
            evaluated_on=f"{len(data.test):,} {data.test.split} pictures, {len(rows):,} with words",
            headline=_headline(found, ends, findings.words),
            sections=[
                numbers_section(tallies, ends, findings),
                detector_section(findings),
                *picture_sections(bench, findings, maps),
            ],
            rows=findings.by_picture(),
            tables={"words": findings.by_word()},
            intervals={name: both for name, both in ends.items() if not math.isnan(both[0])},
            notes=_notes(bench, svm, rules),
        )

    def _train(self, bench: Bench, features: Features) -> LinearSVM:
        labels = bench.data.train.labels

        def fit() -> Arrays:
            return fit_svm(features, labels, self.c, bench.seed).as_arrays()

        key = [_digest(features, labels), self.c, bench.seed]
        return LinearSVM.of_arrays(bench.steps.arrays("svm", key, fit))

    def _rules(self, protocol: Protocol) -> Rules:
        assert protocol.threshold is not None
        return Rules(
            thresholds=protocol.thresholds,
            cut=protocol.threshold,
            covered=self.covered,
            iou=self.iou,
            connectivity=protocol.connectivity,
        )


def _truth(bench: Bench, maps: TextMaps, place: int) -> Truth:
    size = maps.size(place)
    boxes = bench.data.test.true_boxes(maps.rows[place], size)
    return Truth(size, boxes.numpy(), maps.shown(place))


def _score(
    bench: Bench, maps: TextMaps, truths: list[Truth], rules: Rules
) -> dict[str, list[MapScore]]:
    """Scores of all kinds of maps, by kind, one for each picture with words."""
    scores: dict[str, list[MapScore]] = {}
    count = len(truths)
    with bench.progress("Words in maps", 2 * count) as advance:
        # In double precision: from the sum of all each map is taken away again.
        total = np.zeros(maps.heat(0).shape)
        for place in range(count):
            total += maps.heat(place)
            advance(1)
        for place, truth in enumerate(truths):
            heat = maps.heat(place)
            others = ((total - heat) / (count - 1)).clip(0, 1) if count > 1 else None
            own = score_map(heat, truth, rules)
            blind = score_blind(others, truth, own, heat.shape, rules)
            for kind, one in {OWN: own, **blind}.items():
                scores.setdefault(kind, []).append(one)
            advance(1)
    return scores


def _headline(found: dict[str, float], ends: Ends, words: int) -> str:
    blind = found["box_recall"] - found["box_recall_gain"]
    low, high = ends["box_recall_gain"]
    return (
        f"At the threshold the map of text marks {found['marked']:.1%} of the pictures, and "
        f"{found['box_recall']:.1%} of {words:,} words are found; a map that does not look at the "
        f"picture and marks as much finds {blind:.1%} (95 % interval of the difference "
        f"{100 * low:+.1f} to {100 * high:+.1f} points). Average precision of pixels: "
        f"{found['pixel_ap']:.1%}, without looking "
        f"{found['pixel_ap'] - found['pixel_ap_gain']:.1%}. "
        f"{1 - found['cls_top1']:.1%} of the pictures are told rightly."
    )


def _notes(bench: Bench, svm: LinearSVM, rules: Rules) -> list[str]:
    notes = bench.data.notes()
    if bench.protocol.is_swept:
        notes.append(
            f"protocol {bench.protocol.name} tries all thresholds, and none may be chosen here by "
            f"word boxes: words are found at {rules.cut:g}, the paper's"
        )
    if not svm.converged:
        notes.append(f"the SVM was stopped after {MOST_ITERATIONS:,} rounds")
    return notes


def _require_regions(protocol: Protocol) -> None:
    if protocol.region == "dt_box" or protocol.grid == "original":
        raise UserError(
            f"The text detector needs a threshold and one grid for all pictures, and protocol "
            f"{protocol.name} has neither: give protocol=paper or another with grid: view"
        )


def _number(key: str, value: Any, most: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value <= most or value == math.inf:
        limit = "" if most == math.inf else f" and at most {most:g}"
        raise UserError(f"study.{key} must be a number above 0{limit}; got {value!r}")
    return float(value)


def _digest(*arrays: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
