"""Visual question answering: questions about pictures, answered from words and deep features.

The paper (Section 4.2) puts its pooled features into the published baseline iBOWIMG, a softmax over
the words of the question and the features of the picture; the part of its weights that meets the
features draws the map of an answer.
"""

from typing import Any

import numpy as np

from gapcam.data.vqa import VQA
from gapcam.errors import UserError
from gapcam.study.bench import Bench
from gapcam.study.extraction import extract_pool
from gapcam.study.layer import Layer, require_pooled_classifier
from gapcam.study.outcome import Outcome
from gapcam.study.pool import Pool
from gapcam.study.study import Study
from gapcam.study.vqa.accuracy import best_accuracies
from gapcam.study.vqa.answerer import Recipe
from gapcam.study.vqa.findings import Findings, headline, intervals, metrics, notes, rows_sheet
from gapcam.study.vqa.models import BOTH, PICTURE, WORDS, Models
from gapcam.study.vqa.page import answers_section, picture_sections, scores_section, words_sheet
from gapcam.study.vqa.question_words import Vocabulary
from gapcam.study.vqa.questions import Questions, read_questions


class Vqa(Study):
    """Train answerers on the training questions, judge them by those of the validation split.

    Args:
        validate_every: epochs between two looks at the validation split.
        least_count: how often training must ask a word for it to have a place of its own.
        alone: whether words alone and the picture alone are trained, too.
        paper: VQA accuracy in percent of somebody else, to be shown; null for none.
        epochs: how long; as all the rest, of `gapcam.study.vqa.answerer.Recipe`.
        batch_size: questions a step.
        word_dimension: of a word's vector.
        lr_words: learning rate of the words' vectors.
        lr_softmax: of the softmax.
        momentum: of both.
        weight_decay: of both, times the learning rate.
        gradient_clip: greatest norm of each layer's gradient.
        clip_words: greatest norm of the words' vectors.
        clip_softmax: of the softmax's weights.

    Raises:
        UserError: if a setting is out of range.
    """

    title = "Questions about pictures"

    def __init__(
        self,
        *,
        validate_every: int,
        least_count: int,
        alone: bool,
        paper: float | None,
        epochs: int,
        batch_size: int,
        word_dimension: int,
        lr_words: float,
        lr_softmax: float,
        momentum: float,
        weight_decay: float,
        gradient_clip: float,
        clip_words: float,
        clip_softmax: float,
    ) -> None:
        self.validate_every = validate_every
        self.least_count = least_count
        self.alone = alone
        self.paper = paper
        self.recipe = Recipe(
            epochs=epochs,
            batch_size=batch_size,
            word_dimension=word_dimension,
            lr_words=lr_words,
            lr_softmax=lr_softmax,
            momentum=momentum,
            weight_decay=weight_decay,
            gradient_clip=gradient_clip,
            clip_words=clip_words,
            clip_softmax=clip_softmax,
        )
        if type(validate_every) is not int or validate_every < 1:
            raise UserError(f"study.validate_every must be 1 epoch or more; got {validate_every!r}")
        if type(least_count) is not int or least_count < 1:
            raise UserError(f"study.least_count must be 1 or more; got {least_count!r}")
        if not isinstance(alone, bool):
            raise UserError(f"study.alone must be true or false; got {alone!r}")
        if paper is not None and not _is_percent(paper):
            raise UserError(f"study.paper must be null or a number of percent; got {paper!r}")
        self._questions: tuple[Questions, Questions] | None = None

    def check(self, bench: Bench) -> None:
        require_pooled_classifier(bench.network, "The map of an answer")
        train, _ = self._read(bench)
        vocabulary = Vocabulary(train.texts, self.least_count)
        if len(vocabulary) == 1:
            raise UserError(
                f"No word is asked {self.least_count} times in the {len(train):,} training "
                "questions. Give a smaller study.least_count"
            )

    def run(self, bench: Bench) -> Outcome:
        train, val = self._read(bench)
        names = bench.data.class_names
        pool = Pool([train.dataset, val.dataset])
        features = extract_pool(bench, pool, Layer(bench.network))
        vocabulary = Vocabulary(train.texts, self.least_count)
        models = Models(bench, train, val, pool, features, vocabulary, names)
        trained = {
            kind: models.train(kind, self.recipe, self.validate_every)
            for kind in ((BOTH, WORDS, PICTURE) if self.alone else (BOTH,))
        }
        found = Findings(
            names=names,
            val=val,
            vocabulary=vocabulary,
            models=models,
            answerer=trained[BOTH],
            by_model={kind: models.answers(one) for kind, one in trained.items()},
            lines={
                f"always “{names[0]}”": models.accuracies(np.zeros(len(val), np.int64)),
                f"the best of the {len(names):,} answers": np.array(
                    best_accuracies(val.answers, names)
                ),
            },
            paper=self.paper,
        )
        return self._outcome(bench, train, found)

    def _read(self, bench: Bench) -> tuple[Questions, Questions]:
        """Training and validation questions."""
        data = bench.data
        if not isinstance(data, VQA):
            raise UserError(
                f"study=vqa asks questions about pictures, and {type(data).__name__} has none: "
                "give data=vqa data.root=..., see docs/data/vqa.md"
            )
        if self._questions is None:
            self._questions = read_questions(data, "train"), read_questions(data, "val")
        return self._questions

    def _outcome(self, bench: Bench, train: Questions, found: Findings) -> Outcome:
        val = found.val
        return Outcome(
            metrics=metrics(found),
            evaluated_on=f"{len(val):,} questions about {len(val.dataset):,} pictures of the "
            "validation split",
            headline=headline(found),
            sections=[
                scores_section(bench, found),
                *picture_sections(bench, found),
                answers_section(found),
            ],
            rows=rows_sheet(found),
            tables={"words": words_sheet(found)},
            intervals=intervals(found, bench.seed),
            notes=notes(train, found),
            facts={
                "trained": {
                    "epochs": self.recipe.epochs,
                    "steps": self.recipe.epochs * -(-len(train.known) // self.recipe.batch_size),
                },
                "questions": {
                    "train": len(train),
                    "trained_on": len(train.known),
                    "val": len(val),
                    "val_answer_is_a_class": len(val.known),
                    "words": len(found.vocabulary),
                    "unknown_words": found.models.bags.unknown,
                },
            },
        )


def _is_percent(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and bool(0 <= value <= 100)
