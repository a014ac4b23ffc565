import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twins import edit
from twins_text import coco_file, make_vqa, write_json

from gapcam.data.vqa import VQA, Question
from gapcam.errors import UserError


def vqa(root: Path, **kwargs: Any) -> VQA:
    common: dict[str, Any] = {"batch_size": 2, "eval_batch_size": 2, "num_workers": 0}
    data = VQA(root=root, size=(24, 28), seed=0, flip=True, **common, **kwargs)
    data.setup()
    return data


FOLDERS = [
    ("", "", ""),
    ("Questions", "Annotations", ""),
    ("Questions", "Annotations", "Images/mscoco"),
]


@pytest.mark.parametrize("folders", FOLDERS)
def test_answers_are_classes(tmp_path: Path, folders: tuple[str, str, str]) -> None:
    data = vqa(make_vqa(tmp_path / "vqa", *folders), answers=2)
    # Two "no" and two "yes", in the order of the alphabet; the rare answer is no class.
    assert data.class_names == ["no", "yes"]
    assert data.train.labels.tolist() == [1, 0, 1, 0]
    assert [data.train.index.text(row) for row in (0, 1, 2)] == [
        "Is it red?",
        "Is it blue?",
        "Ist das schön?",
    ]
    assert [data.train.name(row) for row in (1, 2)] == [coco_file("train", n) for n in (1, 2)]
    assert data.val.labels.tolist() == [0]
    assert data.test.index is data.val.index
    assert data.val[0].size == (40, 60)


def test_more_classes(tmp_path: Path) -> None:
    root = make_vqa(tmp_path)
    assert vqa(root).class_names == ["no", "yes", "a rare thing"]
    assert len(vqa(root).train) == 5
    assert len(vqa(root, answers=2).train) == 4


def test_questions_are_all_of_them(tmp_path: Path) -> None:
    data = vqa(make_vqa(tmp_path), answers=2)
    train = list(data.questions("train"))
    assert [(question.id, question.label) for question in train] == [
        (10, 1),
        (11, None),
        (12, 0),
        (20, 1),
        (21, 0),
    ]
    assert train[1] == Question(
        id=11,
        image=tmp_path / "train2014" / coco_file("train", 1),
        question="What is it?",
        answers=["a rare thing"] * 9 + ["maybe"],
        answer="a rare thing",
        label=None,
        type="other",
    )
    val = list(data.questions("val"))
    assert [question.label for question in val] == [0, None]
    assert val[1].image.is_file()
    with pytest.raises(UserError, match=r"VQA v1 has the splits train and val; got 'test'"):
        next(data.questions("test"))


def test_classes_are_counted(tmp_path: Path) -> None:
    root = make_vqa(tmp_path)
    assert vqa(root, answers=2).class_names == ["no", "yes"]
    path = root / "mscoco_train2014_annotations.json"
    data = json.loads(path.read_text())
    data["annotations"][2]["multiple_choice_answer"] = "yes"
    write_json(path, data)
    assert vqa(root).class_names == ["yes", "a rare thing", "no"]


TRAIN = "OpenEnded_mscoco_train2014_questions.json"
ANSWERED = "mscoco_train2014_annotations.json"


def _change(file: str, old: str, new: str) -> Callable[[Path], None]:
    return lambda root: edit(root / file, lambda text: text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda root: (root / "train2014" / coco_file("train", 2)).unlink(),
            r"train2014/COCO_train2014_000000000002.jpg: question 20 is about it\. Unpack",
        ),
        (_change(TRAIN, '"question_id": 21', '"question_id": 99'), r"question 99 has no annot"),
        (
            _change(ANSWERED, '"question_id": 21', '"question_id": 99'),
            r"questions.json: question 21 has no annotation",
        ),
        (
            _change("mscoco_val2014_annotations.json", '"question_id": 30', '"question_id": 99'),
            r"val2014_questions.json: question 30 has no annotation\. \(and 1 more",
        ),
        (_change(TRAIN, '"question_id": 21', '"question_id": 20'), r"question_id 20 appears again"),
        (
            _change(ANSWERED, '"question_id": 21', '"question_id": 20'),
            r"mscoco_train2014_annotations.json: question_id 20 appears again",
        ),
        (_change(TRAIN, '"image_id": 2', '"image_id": 1'), r"21 is about picture 1, .* picture 2"),
        (_change(TRAIN, '"question": "What', '"asked": "What'), r"record 4 of questions: expected"),
        (_change(ANSWERED, '"answer": "yes"', '"answer": null'), r"question 10 has no answers"),
        (_change(ANSWERED, '"answers"', '"replies"'), r"record 1 of annotations: expected quest"),
        (_change(ANSWERED, '"answer_type"', '"kind"'), r"record 1 of annotations: .*answer_type"),
        (_change(ANSWERED, '"info": {},', '"info": {'), r"annotations.json is broken JSON at line"),
        (_change(ANSWERED, '"annotations"', '"notes"'), r"expected an object with the lists annot"),
        (lambda root: write_json(root / TRAIN, []), r"expected an object with the lists questions"),
        (
            lambda root: (root / ANSWERED).unlink(),
            r"does not hold VQA v1: looked for OpenEnded_mscoco_train2014_questions.json, ",
        ),
        (
            lambda root: (root / "val2014").rename(root / "other"),
            r"Folder .*/val2014 is missing\. docs/data/vqa.md says",
        ),
    ],
)  # fmt: skip
def test_faults_are_named(tmp_path: Path, spoil: Callable[[Path], Any], message: str) -> None:
    root = make_vqa(tmp_path)
    vqa(root)  # an index of the good data must not hide the fault
    spoil(root)
    with pytest.raises(UserError, match=message):
        vqa(root)


def test_annotation_without_question(tmp_path: Path) -> None:
    root = make_vqa(tmp_path)
    data = json.loads((root / TRAIN).read_text())
    data["questions"] = data["questions"][1:]
    write_json(root / TRAIN, data)
    with pytest.raises(UserError, match=r"annotation 21 belongs to no question"):
        vqa(root)


def test_one_class_is_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data.answers must be a whole number, at least 2; got 1"):
        vqa(make_vqa(tmp_path), answers=1)
