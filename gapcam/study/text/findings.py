"""What the text detector found, picture by picture and word by word."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from gapcam.cam.pixel_curve import pixel_curve
from gapcam.data.dataset import LocalizationDataset
from gapcam.study.outcome import Sheet
from gapcam.study.text.word_scores import MapScore, Rules, Truth

_ROWS = ("index", "name", "label", "score", "guess", "words", "words_found", "words_met")
_MAPS = ("marked", "pixel_ap")
_WORDS = ("index", "name", "text", "x0", "y0", "x1", "y1", "found", "covered", "found_below", "iou")


@dataclass(frozen=True)
class Findings:
    """Of the test split: `decisions` `(N,)`, above zero for text, and what the maps are worth.

    `truths` and `scores` are those of the pictures `rows` `(P,)`, which have words.
    """

    dataset: LocalizationDataset
    class_names: Sequence[str]
    decisions: NDArray[np.float32]
    rows: NDArray[np.integer]
    truths: Sequence[Truth]
    scores: Sequence[MapScore]
    rules: Rules

    @property
    def words(self) -> int:
        """How many words there are."""
        return sum(len(one.covered) for one in self.scores)

    def precision(self, place: int) -> float:
        """Average precision of the pixels of one picture, NaN if no pixel is true."""
        counts = torch.from_numpy(self.scores[place].counts)
        return float(pixel_curve(counts, self.rules.edges).average_precision)

    def name(self, row: int) -> str:
        """A short name of a picture: negatives have absolute paths."""
        return "/".join(self.dataset.name(row).split("/")[-2:])

    def by_picture(self) -> Sheet:
        """`rows.csv`: a line for each picture; what maps are worth where words are known."""
        places = {int(row): place for place, row in enumerate(self.rows)}
        lines = []
        for row, decision in enumerate(self.decisions):
            named = self.class_names[self.dataset.labels[row]], float(decision)
            line = [row, self.dataset.name(row), *named, self.class_names[int(decision > 0)]]
            place = places.get(row)
            lines.append([*line, *(self._of_maps(place) if place is not None else (0,))])
        width = len(_ROWS) + len(_MAPS)
        return Sheet((*_ROWS, *_MAPS), [[*line, *[None] * (width - len(line))] for line in lines])

    def by_word(self) -> Sheet:
        """`words.csv`: a line for each word box."""
        lines = []
        for row, truth, score in zip(self.rows, self.truths, self.scores, strict=True):
            texts = words_of(self.dataset.index.text(row), len(truth.boxes))
            for word, text in enumerate(texts):
                lines.append(
                    [
                        *(int(row), self.dataset.name(row), text),
                        *map(float, truth.boxes[word]),
                        int(score.is_found[word]),
                        *map(float, (score.covered[word], score.below[word], score.iou[word])),
                    ]
                )
        return Sheet(_WORDS, lines)

    def _of_maps(self, place: int) -> list[object]:
        score = self.scores[place]
        precision = self.precision(place)
        return [
            len(score.covered),
            int(score.is_found.sum()),
            int((score.iou >= self.rules.iou).sum()),
            score.marked / int(score.counts.sum()),
            None if np.isnan(precision) else precision,
        ]


def words_of(text: str, count: int) -> list[str | None]:
    """The words of a picture by box; None for each where they cannot be told apart."""
    words = text.split()
    return list(words) if len(words) == count else [None] * count


def false_alarms(
    dataset: LocalizationDataset, decisions: NDArray[np.floating], most: int
) -> list[int]:
    """Rows of so many pictures without text (label 0) of highest decision values."""
    without = np.flatnonzero(dataset.labels == 0)
    order = without[np.argsort(-decisions[without], kind="stable")]
    return [int(row) for row in order[:most]]
