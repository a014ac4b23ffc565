"""Questions with a planted truth: a colour that only the picture shows, words that say it all."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from benches import COLOURS, colour_network, save_network
from planted_vqa import NOBODY_KNOWS, WORDS_ALONE, make_planted_vqa
from sklearn.linear_model import LogisticRegression
from support import type_in
from vqa_studies import ANSWERS, QUICK, put_on_bench, study

from gapcam.cam.boxes import box_iou
from gapcam.execution import keep_lightning_quiet
from gapcam.study.extraction import extract_pool
from gapcam.study.head import with_classifier
from gapcam.study.layer import Layer
from gapcam.study.outcome import Outcome
from gapcam.study.pool import Pool
from gapcam.study.vqa.answerer import Answerer
from gapcam.study.vqa.models import BOTH, Models
from gapcam.study.vqa.question_words import Vocabulary
from gapcam.study.vqa.questions import Questions, read_questions
from gapcam.viz.localizations import localize


class Done:
    """The study, done once for all tests of it."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = make_planted_vqa(root, train=60, val=24)
        self.bench = put_on_bench(root, folder, f"data.answers={ANSWERS}")
        study().check(self.bench)
        self.outcome: Outcome = study().run(self.bench)
        columns = self.outcome.rows.columns
        self.rows: list[Any] = [
            dict(zip(columns, row, strict=True)) for row in self.outcome.rows.rows
        ]


@pytest.fixture(autouse=True)
def _as_the_command_does() -> None:
    keep_lightning_quiet()


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        return Done(tmp_path_factory.mktemp("planted"), tmp_path_factory.mktemp("study"))


def models(done: Done) -> tuple[Models, Questions, Questions]:
    """Those of the study, which are not trained again."""
    data: Any = done.bench.data
    train, val = read_questions(data, "train"), read_questions(data, "val")
    pool = Pool([train.dataset, val.dataset])
    features = extract_pool(done.bench, pool, Layer(done.bench.network))
    vocabulary = Vocabulary(train.texts, QUICK["least_count"])
    return (
        Models(done.bench, train, val, pool, features, vocabulary, data.class_names),
        train,
        val,
    )


def test_colours_are_seen_and_the_rest_is_read(done: Done) -> None:
    metrics = done.outcome.metrics
    painters = sum(row["question"] == NOBODY_KNOWS for row in done.rows)
    assert painters == 2
    assert metrics["vqa_accuracy"] == pytest.approx(1 - painters / len(done.rows))
    for row in done.rows:
        assert row["accuracy"] == (row["question"] != NOBODY_KNOWS)
        assert (row["answer"] == row["people"]) == (row["question"] != NOBODY_KNOWS)
        if row["question"] in WORDS_ALONE:
            assert row["words_alone"] == WORDS_ALONE[row["question"]][1]
    # Without the picture a colour is one of six; without the words a question is one of three.
    assert 0.5 < metrics["vqa_accuracy_words"] < 0.72
    assert metrics["vqa_accuracy_picture"] < 0.6
    assert metrics["vqa_accuracy_yes_no"] == metrics["vqa_accuracy_number"] == 1
    always = done.bench.data.class_names[0]
    same = [row["people"] == always for row in done.rows]
    assert metrics["floor_vqa_accuracy"] == pytest.approx(np.mean(same))
    low, high = done.outcome.intervals["vqa_accuracy"]
    assert low < metrics["vqa_accuracy"] < high


def test_a_plain_softmax_answers_the_same(done: Done) -> None:
    """Scikit-learn's, on bags and features that are put together here."""
    _, train, val = models(done)
    words = sorted({word.strip("?") for text in train.texts for word in text.lower().split()})

    def dense(asked: Questions) -> np.ndarray:
        images = torch.stack([asked.dataset[row].image for row in range(len(asked.dataset))])
        with torch.no_grad():
            looked = done.bench.network(images).features.mean((-2, -1))
        pictures = looked.numpy()[asked.pictures]
        bags = [[word in text.lower().strip("?").split() for word in words] for text in asked.texts]
        return np.hstack([np.array(bags, np.float64), 10 * pictures])

    plain = LogisticRegression(C=100)
    plain.fit(dense(train)[train.known], train.labels[train.known])
    names = done.bench.data.class_names
    guesses = [names[label] for label in plain.predict(dense(val))[val.known]]
    assert guesses == [done.rows[row]["answer"] for row in val.known]


def test_the_map_of_a_colour_lies_on_the_square(done: Done) -> None:
    found, _, val = models(done)
    answerer = found.train(BOTH, study().recipe, 10)
    weight = answerer.image_weight().numpy()
    names = done.bench.data.class_names
    network = with_classifier(done.bench.network, weight, np.zeros(len(weight)), names)
    boxes = json.loads((done.root / "squares.json").read_text())
    rows = [row for row in range(len(val)) if val.top[row] in COLOURS]
    looked = localize(
        network,
        done.bench.data,
        val.dataset,
        [int(val.pictures[row]) for row in rows],
        [int(val.labels[row]) for row in rows],
    )
    cell = 4  # pixels; colours are flat, so the first of many equal pixels is the greatest
    overlaps = []
    for one in looked:
        x0, y0, x1, y1 = boxes[one.name]
        y, x = np.unravel_index(one.heat.argmax(), one.heat.shape)
        assert x0 - cell <= x < x1 + cell
        assert y0 - cell <= y < y1 + cell
        assert one.heat[(y0 + y1) // 2, (x0 + x1) // 2] > 0.95
        outside = one.heat.copy()
        outside[max(y0 - 2 * cell, 0) : y1 + 2 * cell, max(x0 - 2 * cell, 0) : x1 + 2 * cell] = 0
        assert outside.max() < 0.1
        true = torch.tensor([[x0, y0, x1, y1]], dtype=torch.float32)
        overlaps.append(float(box_iou(torch.from_numpy(one.boxes[:1]), true)[0]))
    assert len(overlaps) == 24
    assert min(overlaps) > 0.5
    assert np.mean(overlaps) > 0.6


def test_parts_of_the_answer_are_told(done: Done) -> None:
    """The picture decides the colour, the words the rest."""
    found, _, val = models(done)
    answerer = found.train(BOTH, study().recipe, 10)
    for row in range(len(val)):
        words, picture = found.parts(answerer, row, int(val.labels[row]))
        if val.top[row] in COLOURS:
            assert picture > 1
        elif val.texts[row] in WORDS_ALONE:
            assert sum(share for _, share in words) > abs(picture)


def test_pictures_and_pages(done: Done) -> None:
    outcome = done.outcome
    titles = [section.title for section in outcome.sections]
    assert titles == ["Accuracy, %", "Right answers", "Wrong answers", "The most frequent answers"]
    scores, right, wrong, frequent = outcome.sections
    table = {row[0]: row[1:] for row in scores.sheets[0].rows}
    assert table["questions"] == [50, 16, 8, 26]
    assert table["the best of the 9 answers"] == pytest.approx([96, 100, 100, 100 * 24 / 26])
    assert len(right.pictures) == 4
    assert len(wrong.pictures) == 2
    assert all(shown.path.is_file() for shown in (*right.pictures, *wrong.pictures))
    assert "people: painter" in wrong.pictures[0].caption
    # Of each type, and of as many answers as there are pictures.
    captions = [shown.caption for shown in right.pictures]
    assert len({caption.partition("?")[2].split()[0] for caption in captions}) == 4
    assert {"yes", "no", "1"} & {caption.partition("? ")[2].split()[0] for caption in captions}
    by_answer = {row[0]: row[-1] for row in frequent.sheets[0].rows}
    assert "dog" in str(by_answer["no"])
    assert "6 of 123" not in " ".join(outcome.notes)
    assert "3 of 123 training questions are left out" in outcome.notes[0]
    assert "2 of 50 validation questions have another answer" in outcome.notes[1]


def test_the_same_again(done: Done, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repeated command trains nothing, and finds the same."""
    monkeypatch.setattr(Answerer, "training_step", lambda *_: pytest.fail("trained again"))
    again = study().run(done.bench)
    assert again.metrics == done.outcome.metrics
    assert again.rows == done.outcome.rows


def test_alone_may_be_left_out_and_the_paper_put_in(done: Done) -> None:
    outcome = study(alone=False, paper=55.89).run(done.bench)
    assert "vqa_accuracy_words" not in outcome.metrics
    table = {row[0]: row[1:] for row in outcome.sections[0].sheets[0].rows}
    assert table["the paper (iBOWIMG, test-standard split)"] == [55.89, None, None, None]
    assert list(outcome.rows.columns)[-1] == "accuracy"


@pytest.mark.slow
def test_two_processes_train_the_same(tmp_path: Path) -> None:
    root = make_planted_vqa(tmp_path / "data", train=12, val=4)
    weights = save_network(tmp_path / "colours.ckpt", colour_network(list(COLOURS)))
    settings = {**QUICK, "epochs": 2, "batch_size": 7, "alone": "false", "paper": "null"}
    found = []
    for devices in (1, 2):
        done = type_in(
            *("study=vqa", "arch=small_gap", "arch.units=8", f"arch.weights={weights}"),
            *("data=vqa", f"data.root={root}", "data.num_workers=0", "gallery=2"),
            "data.eval_batch_size=4",
            *(
                "trainer.accelerator=cpu",
                f"trainer.devices={devices}",
                f"runs={tmp_path}/{devices}",
            ),
            *(("trainer.strategy=ddp",) if devices == 2 else ()),
            *(f"study.{key}={value}" for key, value in settings.items()),
            module="gapcam.study",
        )
        assert done.returncode == 0, done.stdout + done.stderr
        (path,) = (tmp_path / str(devices)).rglob("last.ckpt")
        found.append(torch.load(path, weights_only=True)["state_dict"])
    for name, value in found[0].items():
        torch.testing.assert_close(found[1][name], value, atol=1e-4, rtol=0)
