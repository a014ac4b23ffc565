"""The answerers that a study trains, and what they answer."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from gapcam.study.bench import Bench
from gapcam.study.extraction import Features
from gapcam.study.pool import Pool
from gapcam.study.vqa.accuracy import vqa_accuracy
from gapcam.study.vqa.answer_batches import AskedQuestions
from gapcam.study.vqa.answer_training import answer, fit
from gapcam.study.vqa.answerer import Answerer, Recipe
from gapcam.study.vqa.question_words import Bags, Vocabulary
from gapcam.study.vqa.questions import Questions

BOTH, WORDS, PICTURE = "words and picture", "words alone", "picture alone"
_FOLDERS = {BOTH: "", WORDS: "words", PICTURE: "picture"}


@dataclass(frozen=True)
class Answers:
    """What was answered to N questions.

    `guesses` `(N,)` classes; `scores` `(N,)`, their share of the softmax; `accuracy` `(N,)` in
    0..1, see `vqa_accuracy`.
    """

    guesses: NDArray[np.int64]
    scores: NDArray[np.float32]
    accuracy: NDArray[np.float64]


class Models:
    """Trains answerers on the same questions.

    Args:
        bench: the study's.
        train: questions; those whose answer is a class are trained on.
        val: questions to answer.
        pool: the pictures of both, in this order.
        features: of the pool.
        vocabulary: of words.
        names: answers, by class.
    """

    def __init__(
        self,
        bench: Bench,
        train: Questions,
        val: Questions,
        pool: Pool,
        features: Features,
        vocabulary: Vocabulary,
        names: Sequence[str],
    ) -> None:
        self._bench = bench
        self._val = val
        self._rows = train.known
        self._names = names
        self._sizes = len(vocabulary), features.shape[1]
        self.bags = vocabulary.bags(val.texts)
        bags = vocabulary.bags(train.texts)
        places = pool.places(0)[train.pictures], pool.places(1)[val.pictures]
        self._train = AskedQuestions(bags, places[0], features, train.labels)
        self._asked = AskedQuestions(self.bags, places[1], features, val.labels)
        self._key = _key(bags, places[0], train.labels, features, names)

    def train(self, kind: str, recipe: Recipe, every: int) -> Answerer:
        """Train one, or take the one that is there.

        Args:
            kind: `BOTH`, `WORDS` or `PICTURE`.
            recipe: of training.
            every: so many epochs between two looks at the validation questions.
        """
        vocabulary, units = self._sizes
        self._bench.say(f"an answerer that is given {kind}")
        answerer = Answerer(
            vocabulary=0 if kind == PICTURE else vocabulary,
            features=0 if kind == WORDS else units,
            answers=len(self._names),
            recipe=recipe,
            judge=self._judge,
            seed=self._bench.seed,
        )
        fit(
            self._bench,
            answerer,
            self._train,
            self._rows,
            self._asked,
            folder=self._bench.folder / "checkpoints" / _FOLDERS[kind],
            key=self._key,
            every=every,
            is_logged=kind == BOTH,
        )
        return answerer

    def answers(self, answerer: Answerer) -> Answers:
        """What one says to the validation questions."""
        guesses, scores = answer(self._bench, answerer, self._asked)
        return Answers(guesses, scores, self.accuracies(guesses))

    def accuracies(self, guesses: NDArray[np.integer]) -> NDArray[np.float64]:
        """Accuracy of answers to the validation questions, `(N,)`."""
        return np.array([self._judge(row, guess) for row, guess in enumerate(guesses.tolist())])

    @torch.no_grad()
    def parts(
        self, answerer: Answerer, row: int, guess: int
    ) -> tuple[list[tuple[int, float]], float]:
        """What the words of a question and its picture add to the logit of an answer.

        Above what they add to the logits of all answers on average, which moves no answer.

        Returns:
            Places of the words in the vocabulary with their shares, the largest first; the
            picture's share.
        """
        asked = self._asked[np.array([row])]
        answerer.cpu()
        by_word = answerer.contributions(asked.words)
        by_word = by_word[:, guess] - by_word.mean(1)
        by_picture = (asked.features @ answerer.image_weight().T)[0]
        shares = zip(asked.words.tolist(), by_word.tolist(), strict=True)
        return (
            sorted(shares, key=lambda share: -share[1]),
            float(by_picture[guess] - by_picture.mean()),
        )

    def _judge(self, row: int, guess: int) -> float:
        return vqa_accuracy(self._names[guess], self._val.answers[row])


def _key(
    bags: Bags,
    pictures: NDArray[np.int64],
    labels: NDArray[np.int64],
    features: Features,
    names: Sequence[str],
) -> str:
    """Digest of all that is trained on."""
    digest = hashlib.sha256("\n".join(names).encode())
    for array in (bags.words, bags.ends, pictures, labels, features):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]
