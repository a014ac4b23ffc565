"""A detector for a phrase: learned with hard negatives, judged by its ranking of pictures."""

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from gapcam.study.bench import Bench
from gapcam.study.concepts.captioned import Sorted
from gapcam.study.concepts.hard_negatives import mine
from gapcam.study.extraction import Features
from gapcam.study.linear_svm import LinearSVM
from gapcam.study.steps import Arrays


class Concept(NamedTuple):
    """A phrase, and the pictures of both sides sorted by it."""

    phrase: str
    train: Sorted
    test: Sorted


class Mining(NamedTuple):
    """Settings of `gapcam.study.concepts.hard_negatives.mine`."""

    first: int
    rounds: int
    margin: float
    c: float


class Trained(NamedTuple):
    """A round of mining.

    `negatives` were trained on, `hard` are among the others. `average_precision` is that on the
    held-out pictures, which decides nothing.
    """

    negatives: int
    hard: int
    average_precision: float


class Detector(NamedTuple):
    """What was learned of a phrase, and how it ranks the held-out pictures.

    Those that are judged are `concept.test.said` and `.unsaid`. `scores` `(N,)` are decision values
    of all held-out pictures; `ranking` are the rows of those sorted by the phrase, best first.
    """

    concept: Concept
    machine: LinearSVM
    rounds: list[Trained]
    scores: NDArray[np.float32]
    ranking: NDArray[np.int64]

    @property
    def phrase(self) -> str:
        return self.concept.phrase

    @property
    def average_precision(self) -> float:
        return self.rounds[-1].average_precision

    @property
    def chance(self) -> float:
        """Average precision of a random ranking: the share of positives among those judged."""
        said, unsaid = len(self.concept.test.said), len(self.concept.test.unsaid)
        return said / (said + unsaid)

    def said(self, row: int) -> int | None:
        """What captions of a held-out picture say.

        1: the phrase; 0: none of its words; None: some of them.
        """
        if row in self.concept.test.said:
            return 1
        return 0 if row in self.concept.test.unsaid else None

    def judged(self) -> NDArray[np.int64]:
        """The ranking without the pictures between."""
        return self.ranking[~np.isin(self.ranking, self.concept.test.between)]

    def precision_at(self, count: int) -> float:
        """Share of positives among the first so many; where fewer are judged, among all."""
        return float(np.isin(self.judged()[:count], self.concept.test.said).mean())


def detect(
    bench: Bench, concept: Concept, train: Features, test: Features, mining: Mining
) -> Detector:
    """Learn a phrase and rank the held-out pictures by it.

    Args:
        bench: keeps the machine, under the phrase and all that it depends on.
        concept: with rows of the features.
        train: `(M, K)`.
        test: `(N, K)`.
        mining: settings.
    """
    positives, negatives = train[concept.train.said], train[concept.train.unsaid]
    judged = test[np.concatenate([concept.test.said, concept.test.unsaid])]
    labels = np.repeat([1, 0], [len(concept.test.said), len(concept.test.unsaid)])

    def learn() -> Arrays:
        rounds = list(mine(positives, negatives, **mining._asdict(), seed=bench.seed))
        scores = [one.machine.decide(judged)[:, 1] for one in rounds]
        return {
            **rounds[-1].machine.as_arrays(),
            "negatives": np.array([one.negatives for one in rounds]),
            "hard": np.array([one.hard for one in rounds]),
            "precisions": np.array([average_precision_score(labels, one) for one in scores]),
        }

    key = [concept.phrase, *mining, bench.seed, _digest(positives, negatives, judged)]
    name = hashlib.sha256(concept.phrase.encode()).hexdigest()[:12]
    kept = bench.steps.arrays(f"phrase-{name}", key, learn)
    machine = LinearSVM.of_arrays(kept)
    rounds = zip(
        kept["negatives"].tolist(), kept["hard"].tolist(), kept["precisions"].tolist(), strict=True
    )
    scores = machine.decide(test)[:, 1]
    every = np.sort(np.concatenate(concept.test))
    return Detector(
        concept=concept,
        machine=machine,
        rounds=[Trained(*one) for one in rounds],
        scores=scores,
        ranking=every[np.argsort(-scores[every], kind="stable")],
    )


def _digest(*features: Features) -> str:
    digest = hashlib.sha256()
    for array in features:
        digest.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
