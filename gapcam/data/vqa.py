"""VQA v1, real pictures: open questions about COCO pictures, ten answers each.

    root/  (or root/Questions/ and root/Annotations/)
      OpenEnded_mscoco_{train,val}2014_questions.json
        {"questions": [{"question_id": 90, "image_id": 9, "question": "What is it?"}, ...], ...}
      mscoco_{train,val}2014_annotations.json
        {"annotations": [{"question_id": 90, "image_id": 9, "multiple_choice_answer": "food",
                          "answers": [{"answer": "food", "answer_id": 1, ...}, ...], ...}, ...], ...}
    root/{train,val}2014/COCO_{train,val}2014_000000000009.jpg  (or below root/Images/mscoco/)
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gapcam.data.file_module import FileDataModule, Listing
from gapcam.data.index import Entry
from gapcam.data.json_records import read_records
from gapcam.data.tree import Layout, Tree
from gapcam.errors import UserError

_QUESTIONS = "OpenEnded_mscoco_{}2014_questions.json"
_ANNOTATIONS = "mscoco_{}2014_annotations.json"
_FOLDERS = {"flat": ("", ""), "folders": ("Questions/", "Annotations/")}
_SPLITS = ("train", "val")


class Question(NamedTuple):
    """A question about the picture `image`, and what ten people answered.

    `label` is the class of their most frequent answer, None if that is not one of the classes.
    """

    id: int
    image: Path
    question: str
    answers: list[str]
    label: int | None


class _Answered(NamedTuple):
    image_id: int
    answer: str
    answers: list[str]


class VQA(FileDataModule):
    """Questions as samples, the most frequent training answers as classes.

    A network that is trained on it sees the picture alone, not the question.

    Args:
        answers: so many classes; of equally frequent answers the first in the alphabet. Questions
            with another answer are left out, but for `questions`.
        kwargs: see `FileDataModule`.

    Raises:
        UserError: if a setting is out of range.
    """

    title = "VQA v1"
    layouts = tuple(
        Layout(
            name,
            tuple(
                f"{folder}{file.format(split)}"
                for split in _SPLITS
                for folder, file in zip(folders, (_QUESTIONS, _ANNOTATIONS), strict=True)
            ),
        )
        for name, folders in _FOLDERS.items()
    )
    remedy = "docs/data/vqa.md says where its questions, annotations and pictures come from."

    def __init__(self, *, answers: int = 1000, **kwargs: Any) -> None:
        super().__init__(choices={"answers": answers}, **kwargs)
        if answers < 2:
            raise UserError(f"data.answers must be 2 or more; got {answers}")
        self.answers = answers

    def questions(self, split: str) -> Iterator[Question]:
        """All questions of `train` or `val`, also those whose answer is not a class.

        Raises:
            UserError: if the data are missing or wrong.
        """
        if split not in _SPLITS:
            raise UserError(f"VQA has the splits {' and '.join(_SPLITS)}; got {split!r}")
        self.setup()
        labels = {answer: label for label, answer in enumerate(self.class_names)}
        yield from _questions(self.find(), split, labels)

    def read_classes(self, tree: Tree) -> list[str]:
        # Kept for the training split, which is read next.
        self._answered = _read_annotations(tree, "train")
        counts = Counter(found.answer for found in self._answered.values())
        return sorted(counts, key=lambda answer: (-counts[answer], answer))[: self.answers]

...
