"""Numbers of linear classifiers on deep features, over all splits."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from gapcam.cam.bootstrap import bootstrap_intervals
from gapcam.cam.outcomes import Outcome
from gapcam.study.features.judged import Judged
from gapcam.study.outcome import Sheet

PERCENT = 100


class Numbers(NamedTuple):
    """What `gapcam.study.outcome.Outcome` wants of numbers."""

    metrics: Mapping[str, float]
    repeats: Mapping[str, Sequence[float]]
    intervals: Mapping[str, tuple[float, float]]


class ClassScore(NamedTuple):
    """A class over all splits: how many pictures were `tested`, and how many of them were `right`.

    `taken_for` is the class that most others were taken for, empty where all were right.
    """

    name: str
    tested: int
    right: int
    taken_for: str

    @property
    def accuracy(self) -> float:
        """In 0..1; NaN where none was tested."""
        return self.right / self.tested if self.tested else float("nan")


def measures_rank(judged: Sequence[Judged]) -> bool:
    """Whether average precision is measured, not accuracy."""
    return judged[0].repetition.data.measure == "average_precision"


def mean_and_deviation(judged: Sequence[Judged]) -> tuple[float, float | None]:
    """Mean score in 0..1 and its sample standard deviation, None for a single split."""
    scores = [one.score for one in judged]
    deviation = float(np.std(scores, ddof=1)) if len(scores) > 1 else None
    return float(np.mean(scores)), deviation


def metrics_of(judged: Sequence[Judged], seed: int) -> Numbers:
    """Means over the splits; with one split a bootstrap interval over its pictures.

    Args:
        judged: one for each split.
        seed: of the resampling.
    """
    chance = float(np.mean([one.chance for one in judged]))
    scores = [one.score for one in judged]
    if measures_rank(judged):
        metrics = {
            "average_precision": float(np.mean(scores)),
            "floor_average_precision": chance,
        }
        return Numbers(metrics, {"average_precision": scores} if len(judged) > 1 else {}, {})
    errors = [1 - score for score in scores]
    metrics = {"cls_top1": float(np.mean(errors)), "floor_accuracy": chance}
    classes = [one.accuracy for one in class_scores(judged) if one.tested]
    metrics["cls_top1_per_class"] = 1 - float(np.mean(classes))
    if len(judged) > 1:
        return Numbers(metrics, {"cls_top1": errors}, {})
    wrong = torch.from_numpy(judged[0].guesses != judged[0].labels)
    ends = bootstrap_intervals({"cls_top1": Outcome(wrong, torch.ones_like(wrong))}, seed=seed)
    low, high = ends["cls_top1"]
    return Numbers(metrics, {}, {"cls_top1": (low, high)})


def all_labels_and_guesses(
    judged: Sequence[Judged],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """True classes and best guesses of the test pictures of all splits, one after the other."""
    labels = np.concatenate([one.labels for one in judged]).astype(np.int64)
    return labels, np.concatenate([one.guesses for one in judged])


def tested_on(judged: Sequence[Judged]) -> str:
    """How many pictures the numbers are of, in words."""
    counts = [len(one.labels) for one in judged]
    if len(judged) == 1:
        return f"{counts[0]:,} pictures of the {judged[0].repetition.data.test.split} split"
    least, most = min(counts), max(counts)
    each = f"{most:,}" if least == most else f"{least:,} to {most:,}"
    return f"{len(judged)} {judged[0].repetition.kind}s of {each} test pictures"


def class_scores(judged: Sequence[Judged]) -> list[ClassScore]:
    """Each class over all splits, in the order of the classes."""
    names = judged[0].repetition.data.class_names
    labels, guesses = all_labels_and_guesses(judged)
    found = []
    for label, name in enumerate(names):
        counts = np.bincount(guesses[labels == label], minlength=len(names))
        right = int(counts[label])
        counts[label] = 0
        taken_for = names[int(counts.argmax())] if counts.any() else ""
        found.append(ClassScore(name, right + int(counts.sum()), right, taken_for))
    return found


def classes_sheet(scores: Sequence[ClassScore]) -> Sheet:
    """A line for each class."""
    rows = [
        (one.name, one.tested, PERCENT * one.accuracy if one.tested else None, one.taken_for)
        for one in scores
    ]
    return Sheet(("class", "tested", "accuracy, %", "else mostly taken for"), rows)


def repetitions_sheet(judged: Sequence[Judged]) -> Sheet:
    """A line for each split or attribute."""
    number = "average precision, %" if measures_rank(judged) else "accuracy, %"
    rows = [
        (
            one.repetition.name,
            len(one.repetition.data.train),
            len(one.labels),
            f"{one.c:g}",
            PERCENT * one.score,
            PERCENT * one.chance,
        )
        for one in judged
    ]
    kind = judged[0].repetition.kind or "split"
    return Sheet((kind, "trained on", "tested", "C", number, "chance, %"), rows)


def tables_of(judged: Sequence[Judged]) -> dict[str, Sheet]:
    """Whole tables of splits or attributes, and of classes, by the name of their file."""
    tables = {f"{judged[0].repetition.kind or 'split'}s": repetitions_sheet(judged)}
    if not measures_rank(judged):
        tables["classes"] = classes_sheet(class_scores(judged))
    return tables


def rows_of(judged: Sequence[Judged]) -> Sheet:
    """A line for each test picture of each split, with its decision values."""
    columns = (
        *(judged[0].repetition.kind or "split", "index", "image"),
        *("label", "label_name", "guess", "guess_name", "label_value", "guess_value"),
    )
    return Sheet(columns, [row for one in judged for row in _rows(one)])


def _rows(one: Judged) -> Iterator[tuple[object, ...]]:
    data, names = one.repetition.data, one.repetition.data.class_names
    values = (one.labels, one.guesses, one.of_label, one.of_guess)
    for row, (label, guess, of_label, of_guess) in enumerate(
        zip(*(value.tolist() for value in values), strict=True)
    ):
        yield (
            *(one.repetition.name, row, data.test.name(row)),
            *(label, names[label], guess, names[guess], of_label, of_guess),
        )
