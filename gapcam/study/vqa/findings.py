"""What was found of questions: numbers, and a line for each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from gapcam.cam.bootstrap import bootstrap_intervals
from gapcam.cam.outcomes import Outcome as Points
from gapcam.study.outcome import Sheet
from gapcam.study.vqa.answerer import Answerer
from gapcam.study.vqa.models import BOTH, PICTURE, WORDS, Answers, Models
from gapcam.study.vqa.question_words import Vocabulary
from gapcam.study.vqa.questions import Questions

TYPES = ("yes/no", "number", "other")
_METRICS = {BOTH: "vqa_accuracy", WORDS: "vqa_accuracy_words", PICTURE: "vqa_accuracy_picture"}
_THOUSANDTHS = 1000


@dataclass(frozen=True)
class Findings:
    """Everything that a page is made of.

    `by_model` are answers by the model's name; `lines` accuracies of what is no model, `(N,)` by
    their titles; `answerer` is the model that sees both.
    """

    names: Sequence[str]
    val: Questions
    vocabulary: Vocabulary
    models: Models
    answerer: Answerer
    by_model: Mapping[str, Answers]
    lines: Mapping[str, np.ndarray]
    paper: float | None

    @property
    def best(self) -> Answers:
        return self.by_model[BOTH]


def metrics(found: Findings) -> dict[str, float]:
    """Accuracies in 0..1 by name: of each model, by the type of answer, and the floor."""
    val, best = found.val, found.best
    rates = {_METRICS[kind]: float(one.accuracy.mean()) for kind, one in found.by_model.items()}
    for name in TYPES:
        if name in val.types:
            of_type = best.accuracy[np.array(val.types) == name]
            rates[f"vqa_accuracy_{name.replace('/', '_')}"] = float(of_type.mean())
    floor, _ = found.lines.values()
    rates["floor_vqa_accuracy"] = float(floor.mean())
    return rates


def intervals(found: Findings, seed: int) -> Mapping[str, tuple[float, float]]:
    """Bootstrap interval (95 %) of the accuracy, over questions."""
    points = torch.from_numpy((found.best.accuracy * _THOUSANDTHS).round()).long()
    counted = Points(points, torch.ones_like(points, dtype=torch.bool), _THOUSANDTHS)
    return bootstrap_intervals({"vqa_accuracy": counted}, seed=seed)


def headline(found: Findings) -> str:
    """What came out, in a sentence."""
    rates = metrics(found)
    alone = [
        f"{100 * rates[_METRICS[kind]]:.1f} % from {'the ' * (kind == PICTURE)}{kind}"
        for kind in (WORDS, PICTURE)
        if kind in found.by_model
    ]
    always = f"{100 * rates['floor_vqa_accuracy']:.1f} % for always answering {found.names[0]!r}"
    return (
        f"VQA accuracy {100 * rates['vqa_accuracy']:.1f} % from words and picture, "
        + ", ".join([*alone, always])
        + f", of {len(found.val):,} validation questions."
    )


def notes(train: Questions, found: Findings) -> list[str]:
    """What somebody who reads the numbers must know."""
    val = found.val
    left_out, no_class = len(train) - len(train.known), len(val) - len(val.known)
    return [
        f"{left_out:,} of {len(train):,} training questions are left out: their answer is none of "
        f"the {len(found.names):,} most frequent ones",
        f"{no_class:,} of {len(val):,} validation questions have another answer; they count, and "
        "are right only as far as some people gave a known one",
        f"{found.models.bags.unknown:.1%} of the words of validation questions are unknown",
        "weights are those of the last epoch",
    ]


def rows_sheet(found: Findings) -> Sheet:
    """A line for each validation question."""
    val, names = found.val, found.names
    alone = {kind: one for kind, one in found.by_model.items() if kind != BOTH}
    columns = ["id", "picture", "type", "question", "people", "answer", "score", "accuracy"]
    rows = [
        [
            int(val.ids[row]),
            val.dataset.name(int(val.pictures[row])),
            val.types[row],
            val.texts[row],
            val.top[row],
            names[found.best.guesses[row]],
            float(found.best.scores[row]),
            float(found.best.accuracy[row]),
            *(names[one.guesses[row]] for one in alone.values()),
        ]
        for row in range(len(val))
    ]
    return Sheet([*columns, *(kind.replace(" ", "_") for kind in alone)], rows)
