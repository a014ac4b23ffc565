"""VQA v1, real pictures: open questions about COCO pictures, ten answers each.

root/  (or root/Questions/ and root/Annotations/)
  OpenEnded_mscoco_{train,val}2014_questions.json
    {"questions": [{"question_id": 90, "image_id": 9, "question": "What is it?"}, ...], ...}
  mscoco_{train,val}2014_annotations.json
    {"annotations": [{"question_id": 90, "image_id": 9, "multiple_choice_answer": "food",
                      "answer_type": "other",
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
from gapcam.data.settings import require_whole
from gapcam.data.tree import Layout, Tree
from gapcam.errors import UserError

_QUESTIONS = "OpenEnded_mscoco_{}2014_questions.json"
_ANNOTATIONS = "mscoco_{}2014_annotations.json"
_FOLDERS = {"flat": ("", ""), "folders": ("Questions/", "Annotations/")}
_SPLITS = ("train", "val")


class Question(NamedTuple):
    """A question about the picture `image`, and what ten people answered.

    `answer` is their most frequent one, `label` its class, None if it is not one of the classes;
    `type` is `yes/no`, `number` or `other`.
    """

    id: int
    image: Path
    question: str
    answers: list[str]
    answer: str
    label: int | None
    type: str


class _Answered(NamedTuple):
    image_id: int
    answer: str
    answers: list[str]
    type: str


def _layout(name: str) -> Layout:
    questions, annotations = _FOLDERS[name]
    files = (f"{questions}{_QUESTIONS}", f"{annotations}{_ANNOTATIONS}")
    return Layout(name, tuple(file.format(split) for split in _SPLITS for file in files))


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
    layouts = (_layout("flat"), _layout("folders"))
    remedy = "docs/data/vqa.md says where its questions, annotations and pictures come from."

    def __init__(self, *, answers: int = 1000, **kwargs: Any) -> None:
        super().__init__(choices={"answers": answers}, **kwargs)
        require_whole("answers", answers, 2)
        self.answers = answers
        self._answered: dict[int, _Answered] = {}

    def questions(self, split: str) -> Iterator[Question]:
        """All questions of `train` or `val`, also those whose answer is not a class.

        Raises:
            UserError: if there is no such split, or the data are missing or wrong.
        """
        if split not in _SPLITS:
            raise UserError(f"VQA v1 has the splits {' and '.join(_SPLITS)}; got {split!r}")
        self.setup()
        tree = self.find()
        labels = {answer: label for label, answer in enumerate(self.class_names)}
        yield from _questions(tree, split, _read_annotations(tree, split), labels)

    def read_classes(self, tree: Tree) -> list[str]:
        # Kept until the questions to them are read: it takes a while.
        self._answered = _read_annotations(tree, "train")
        counts = Counter(found.answer for found in self._answered.values())
        return sorted(counts, key=lambda answer: (-counts[answer], answer))[: self.answers]

    def read_splits(self, tree: Tree, class_names: list[str]) -> Mapping[str, Listing]:
        labels = {answer: label for label, answer in enumerate(class_names)}
        train, self._answered = self._answered, {}
        return {
            "train": Listing(_pictures(tree, "train"), _entries(tree, "train", train, labels)),
            "val": Listing(_pictures(tree, "val"), _entries(tree, "val", None, labels)),
        }


def _entries(
    tree: Tree, split: str, answered: dict[int, _Answered] | None, labels: Mapping[str, int]
) -> Iterator[Entry]:
    if answered is None:
        answered = _read_annotations(tree, split)
    total = known = 0
    for question in _questions(tree, split, answered, labels):
        total += 1
        if question.label is not None:
            known += 1
            yield Entry(question.image.name, question.label, text=question.question)
    if total and not known and not tree.faults:
        raise UserError(
            f"None of the {total:,} {split} questions in {tree.root} is answered with one of the "
            f"{len(labels):,} most frequent training answers. Give more of them: data.answers=..."
        )


def _questions(
    tree: Tree, split: str, answered: dict[int, _Answered], labels: Mapping[str, int]
) -> Iterator[Question]:
    """Questions by their number; takes their answers out of `answered`."""
    where = f"{_FOLDERS[tree.layout][0]}{_QUESTIONS.format(split)}"
    fields = {"question_id": int, "image_id": int, "question": str}
    (asked,) = read_records(tree, where, {"questions": fields})
    folder = _pictures(tree, split)
    there = set(tree.files(folder))
    seen: set[int] = set()
    for key, image_id, question in sorted(asked):
        file = f"COCO_{split}2014_{image_id:012d}.jpg"
        found = answered.pop(key, None)
        if key in seen:
            tree.fault("listed twice", where, f"question_id {key} appears again.")
        elif found is None:
            tree.fault("missing annotation", where, f"question {key} has no annotation.")
        elif found.image_id != image_id:
            tree.fault(
                "broken annotation",
                where,
                f"question {key} is about picture {image_id}, its annotation about picture "
                f"{found.image_id}: the two files do not belong together.",
            )
        elif file not in there:
            tree.fault(
                "missing picture",
                f"{folder}/{file}",
                f"question {key} is about it. Unpack {split}2014.zip again.",
            )
        else:
            image = tree.root / folder / file
            label = labels.get(found.answer)
            yield Question(
                key, image, question, found.answers, found.answer, label, sys.intern(found.type)
            )
        seen.add(key)
    for key in sorted(answered):
        tree.fault("missing question", where, f"annotation {key} belongs to no question.")


def _read_annotations(tree: Tree, split: str) -> dict[int, _Answered]:
    where = f"{_FOLDERS[tree.layout][1]}{_ANNOTATIONS.format(split)}"
    fields: dict[str, type] = {"question_id": int, "image_id": int, "multiple_choice_answer": str}
    fields |= {"answers": list, "answer_type": str}
    (records,) = read_records(tree, where, {"annotations": fields}, _answer_alone)
    answered: dict[int, _Answered] = {}
    for key, *rest in records:
        found = _Answered(*rest)
        if key in answered:
            tree.fault("listed twice", where, f"question_id {key} appears again.")
        elif not found.answers or not all(isinstance(answer, str) for answer in found.answers):
            tree.fault("broken annotation", where, f"question {key} has no answers.")
        answered.setdefault(key, found)
    return answered


def _answer_alone(record: dict[str, Any]) -> Any:
    """Of each of the millions of answers, its text: most are the same few strings."""
    answer = record.get("answer")
    return sys.intern(answer) if isinstance(answer, str) else record


def _pictures(tree: Tree, split: str) -> str:
    official = f"Images/mscoco/{split}2014"
    return official if tree.has(official) else f"{split}2014"
