"""Questions of a split, and their pictures, each once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gapcam.data.image_files import ImageFiles
from gapcam.data.index import Entry, SplitIndex
from gapcam.data.vqa import VQA

NO_CLASS = -1


@dataclass(frozen=True)
class Questions:
    """N questions in the order of their numbers.

    Args:
        ids: `(N,)`, as published.
        pictures: `(N,)`, the row of `dataset` that each is about.
        texts: the questions.
        types: of the answers: `yes/no`, `number`, `other`.
        answers: what people said, mostly ten each.
        top: the most frequent of these, as published.
        labels: `(N,)`, its class, or `NO_CLASS`.
        dataset: the pictures, each once; their labels mean nothing.
    """

    ids: NDArray[np.int64]
    pictures: NDArray[np.int64]
    texts: list[str]
    types: list[str]
    answers: list[list[str]]
    top: list[str]
    labels: NDArray[np.int64]
    dataset: ImageFiles

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def known(self) -> NDArray[np.int64]:
        """Rows of the questions whose answer is a class."""
        return np.flatnonzero(self.labels != NO_CLASS)


def read_questions(data: VQA, split: str) -> Questions:
    """All questions of `train` or `val`, also those whose answer is no class.

    Raises:
        UserError: if the data are missing or wrong.
    """
    rows: dict[str, int] = {}
    found = []
    pictures = []
    for question in data.questions(split):
        folder = question.image.parent
        pictures.append(rows.setdefault(question.image.name, len(rows)))
        found.append(question)
    index = SplitIndex.of(Entry(name, 0) for name in rows)
    return Questions(
        ids=np.array([one.id for one in found], np.int64),
        pictures=np.array(pictures, np.int64),
        texts=[one.question for one in found],
        types=[one.type for one in found],
        answers=[one.answers for one in found],
        top=[one.answer for one in found],
        labels=np.array([NO_CLASS if one.label is None else one.label for one in found], np.int64),
        dataset=ImageFiles(folder, index, data.views, data.seed, split),
    )
