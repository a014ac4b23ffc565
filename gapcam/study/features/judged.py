"""What a linear classifier on deep features says of the test pictures of one split."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold

from gapcam.study.features.repetition import Repetition
from gapcam.study.linear_svm import LinearSVM, fit_svm
from gapcam.study.steps import Steps

FOLDS = 5
"""Parts of the training pictures among which C is chosen."""


@dataclass(frozen=True)
class Judged:
    """A split, the machine that was trained on it, and what that says of the test pictures.

    `c` is the machine's; `guesses` `(N,)` are the classes with the largest decision value, whose
    values are `of_guess` `(N,)`; those of the true classes are `of_label` `(N,)`. `score` in 0..1
    is what is measured of the data set, and `chance` what comes out without looking: naming the
    class that most test pictures have, or ranking at random.
    """

    repetition: Repetition
    machine: LinearSVM
    c: float
    guesses: NDArray[np.int64]
    of_guess: NDArray[np.float32]
    of_label: NDArray[np.float32]
    score: float
    chance: float

    @property
    def labels(self) -> NDArray[np.int32]:
        """True classes of the test pictures, `(N,)`."""
        return self.repetition.data.test.labels


def judge(
    repetition: Repetition,
    train: NDArray[np.float32],
    test: NDArray[np.float32],
    choices: Sequence[float],
    seed: int,
    steps: Steps,
    name: str,
) -> Judged:
    """Train a machine and look at the test pictures.

    Args:
        repetition: has the labels.
        train: features `(N, K)` of the training pictures.
        test: those of the test pictures.
        choices: of C; of several the best in cross-validation on the training pictures.
        seed: of solver and folds.
        steps: keep the machine.
        name: of the step.
    """
    data = repetition.data
    labels = np.asarray(data.train.labels)

    def train_machine() -> dict[str, NDArray[np.generic]]:
        c = choices[0]
        if len(choices) > 1:
            c = best_c(train, labels, choices, seed, data.measure)
        return {**fit_svm(train, labels, c, seed).as_arrays(), "c": np.array(c)}

    key = {
        "features": sha256(np.ascontiguousarray(train).data).hexdigest(),
        "labels": sha256(labels.tobytes()).hexdigest(),
        "c": list(choices),
        "seed": seed,
    }
    kept = steps.arrays(name, key, train_machine)
    machine = LinearSVM.of_arrays(kept)
    decisions = machine.decide(test)
    guesses = decisions.argmax(1)
    each = np.arange(len(decisions))
    true = np.asarray(data.test.labels)
    return Judged(
        repetition=repetition,
        machine=machine,
        c=float(kept["c"]),
        guesses=guesses,
        of_guess=decisions[each, guesses],
        of_label=decisions[each, true],
        score=score(decisions, true, data.measure),
        chance=_chance(true, data.measure),
    )


def score(decisions: NDArray[np.float32], labels: NDArray[np.integer], measure: str) -> float:
    """Accuracy, or average precision of the second class, in 0..1.

    The average precision is the area under the steps of the curve, without interpolation.

    Args:
        decisions: values `(N, C)`.
        labels: `(N,)`.
        measure: see `gapcam.data.data_module.DataModule`.
    """
    if measure == "average_precision":
        return float(average_precision_score(labels == 1, decisions[:, 1]))
    return float((decisions.argmax(1) == labels).mean())


def best_c(
    features: NDArray[np.float32],
    labels: NDArray[np.integer],
    choices: Sequence[float],
    seed: int,
    measure: str,
) -> float:
    """Of several C the one with the best mean score over folds; the smallest of equals.

    Args:
        features: `(N, K)`.
        labels: `(N,)`, `FOLDS` of each class at least.
        choices: of C.
        seed: of solver and folds.
        measure: what is scored.
    """
    folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(features, labels))

    def mean_score(c: float) -> float:
        scores = [
            score(fit_svm(features[a], labels[a], c, seed).decide(features[b]), labels[b], measure)
            for a, b in folds
        ]
        return float(np.mean(scores))

    return max(sorted(choices), key=mean_score)


def _chance(labels: NDArray[np.integer], measure: str) -> float:
    if measure == "average_precision":
        return float((labels == 1).mean())
    return float(np.bincount(labels).max() / len(labels))
