"""Deep features and a linear classifier: planted truth, protocols, a plain script."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benches import bench
from PIL import Image
from planted_features import ARCH, bench_of, done, make_features
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.svm import LinearSVC
from twins_sun import make_sun_attribute

from gapcam.study.bench import Bench
from gapcam.study.extraction import extract
from gapcam.study.features.judged import best_c, score
from gapcam.study.outcome import Outcome


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_features(tmp_path_factory.mktemp("planted"))


@pytest.fixture
def made(root: Path, tmp_path: Path) -> Callable[..., Bench]:
    return partial(bench_of, root, tmp_path / "runs")


@pytest.fixture(scope="module")
def planted(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, Outcome]:
    found = bench_of(root, tmp_path_factory.mktemp("runs"), "data.splits=3")
    return found, done(found)


def test_planted_colours_are_told_apart(planted: tuple[Bench, Outcome]) -> None:
    _, outcome = planted
    assert outcome.metrics["cls_top1"] == 0
    assert outcome.metrics["cls_top1_per_class"] == 0
    assert outcome.metrics["floor_accuracy"] == 0.25
    assert outcome.repeats["cls_top1"] == [0, 0, 0]
    assert outcome.evaluated_on == "3 splits of 12 test pictures"
    assert outcome.tables["splits"].rows[1] == ("2", 20, 12, "1", 100.0, 25.0)
    assert outcome.tables["classes"].rows[2] == ("red", 9, 100.0, "")
    assert "100.00 ± 0.00 % over 3 splits; without looking it is 25.00 %" in outcome.headline
    assert [section.title for section in outcome.sections] == [
        *("How it was measured", "Splits", "Classes", "Where it looks"),
    ]


def test_its_rows(planted: tuple[Bench, Outcome]) -> None:
    found, outcome = planted
    assert len(outcome.rows.rows) == 3 * 12
    for number in (1, 2, 3):
        data = found.data_with(split=number)
        rows: Any = [row for row in outcome.rows.rows if row[0] == str(number)]
        assert [row[2] for row in rows] == [data.test.name(n) for n in range(12)]
        for _, index, name, label, label_name, guess, guess_name, value, best in rows:
            assert data.test.labels[index] == label == guess
            assert label_name == guess_name == name.partition("/")[0]
            assert value == best


def test_its_maps_lie_on_the_patches(planted: tuple[Bench, Outcome]) -> None:
    """Of the picture, its map and words below: where the map is bright there is colour."""
    _, outcome = planted
    (one,) = outcome.sections[-1].pictures  # half of two; there is no wrong one
    assert one.path.name == "right-01-0.png"
    with Image.open(one.path) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    plain, drawn = pixels[:256, :256], pixels[:256, 260:516]
    is_colour = plain.max(2) - plain.min(2) > 128
    is_bright = drawn[..., 1] > 120  # viridis ends in yellow
    assert (is_bright & is_colour).sum() > 0.8 * is_colour.sum()
    assert is_bright[~is_colour].mean() < 0.05


def test_against_a_plain_script(made: Callable[..., Bench], root: Path) -> None:
    """Features without colour tell little: errors, too, must be those of plain scikit-learn."""
    found = made("data.splits=2")
    outcome = done(found, layer="conv2_2", c=0.5)
    errors = []
    for number in (1, 2):
        data = found.data_with(split=number)
        train, test = extract(found, [data.train, data.test], "conv2_2")
        machine = LinearSVC(C=0.5, random_state=0, max_iter=10_000).fit(
            train.astype(np.float64), data.train.labels
        )
        errors.append(float((machine.predict(test) != data.test.labels).mean()))
    np.testing.assert_allclose(outcome.repeats["cls_top1"], errors)
    assert outcome.metrics["cls_top1"] == pytest.approx(np.mean(errors))


def test_one_split(made: Callable[..., Bench]) -> None:
    outcome = done(made("data.splits=3", "data.split=2"), splits="one")
    assert outcome.repeats == {}
    assert outcome.intervals["cls_top1"] == (0, 0)
    assert outcome.evaluated_on == "12 pictures of the test split"
    assert outcome.facts["features"]["repetitions"] == [""]  # type: ignore[index]


def test_features_that_draw_no_map(made: Callable[..., Bench]) -> None:
    section = done(made(), layer="added").sections[-1]
    assert not section.pictures
    assert re.search(r"layer added with pool=avg is not their average", section.text[0])
    section = done(made(), pool="max").sections[-1]
    assert not section.pictures


def test_fully_connected_features(made: Callable[..., Bench], tmp_path: Path, root: Path) -> None:
    from gapcam.build import build_module, data_facts

    found = made()
    config = {"_target_": "gapcam.arch.alexnet.AlexNet", "size": [67, 67]}
    facts = {**data_facts(found.data), "size": [67, 67]}
    network = build_module(config, {"paper": {"_target_": "gapcam.protocol.Protocol"}}, facts)
    outcome = done(replace(found, network=network.eval(), fresh=("fc8",)))
    assert outcome.facts["features"]["layer"] == "fc7"  # type: ignore[index]
    assert outcome.facts["features"]["units"] == 4096  # type: ignore[index]
    assert outcome.sections[-1].text[0].startswith("No maps: A map needs a network with a linear")


def test_ten_crops_are_averaged(made: Callable[..., Bench]) -> None:
    outcome = done(made("data.view=ten", "arch.size=[56,56]", "data.resize=64"))
    assert outcome.metrics["cls_top1"] < 0.2
    assert len(outcome.sections[-1].pictures) >= 1


def test_c_is_chosen_on_training_pictures(made: Callable[..., Bench]) -> None:
    outcome = done(made("data.splits=2"), c=[0.0001, 1, 10])
    assert all(one in (0.0001, 1, 10) for one in outcome.facts["features"]["c"])  # type: ignore[index]
    assert "cross-validation" in " ".join(outcome.sections[0].text)


def test_best_c_against_scikit_learn() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 30)
    features = (random.normal(size=(3, 40))[labels] + 4 * random.normal(size=(90, 40))).astype("f4")
    choices = [10.0, 1e-5, 1e-2]
    found = best_c(features, labels, choices, 0, "accuracy")
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    means = {
        c: cross_val_score(
            LinearSVC(C=c, random_state=0, max_iter=10_000, dual="auto"), features, labels, cv=folds
        ).mean()
        for c in choices
    }
    assert len(set(means.values())) == 3
    assert found == max(means, key=lambda c: means[c])
    assert best_c(features, labels, [1e-9, 1e-10], 0, "accuracy") == 1e-10  # of equals the smallest


@pytest.mark.parametrize(
    ("decisions", "labels", "measure", "expected"),
    [
        ([[0.0, 1.0]], [1], "accuracy", 1),
        ([[0, 1], [2, 1], [0, 1]], [1, 1, 0], "accuracy", 1 / 3),
        ([[0, 3], [0, 2], [0, 1]], [1, 0, 1], "average_precision", (1 + 2 / 3) / 2),
        ([[0, 3], [0, 2], [0, 1]], [0, 0, 1], "average_precision", 1 / 3),
    ],
)
def test_score(decisions: Any, labels: Any, measure: str, expected: float) -> None:
    found = score(np.array(decisions, np.float32), np.array(labels), measure)
    assert found == pytest.approx(expected)


@pytest.fixture
def attributes(tmp_path: Path, root: Path) -> Callable[..., Bench]:
    sun = make_sun_attribute(tmp_path / "sun")
    words = ("study=features", "data=sun_attribute", f"data.root={sun}", "data.splits=2")
    words += (f"arch.weights={root}/colours.ckpt", *ARCH, "data.size=[64,64]")
    return lambda *more: bench(tmp_path / "runs", *words, "gallery=4", *more)


def test_average_precision_of_attributes(attributes: Callable[..., Bench]) -> None:
    found = attributes("data.attribute=all", "data.train_per_class=1")
    outcome = done(found)
    assert outcome.facts["features"]["repetitions"] == ["snow", "direct sun/sunny"]  # type: ignore[index]
    expected = []
    for name in ("snow", "direct sun/sunny"):
        data = found.data_with(attribute=name)
        train, test = extract(found, [data.train, data.test])
        machine = LinearSVC(random_state=0, max_iter=10_000).fit(train, data.train.labels)
        value = machine.decision_function(test.astype(np.float64))
        expected.append(average_precision_score(data.test.labels == 1, value))
    np.testing.assert_allclose(outcome.repeats["average_precision"], expected)
    assert outcome.metrics["average_precision"] == pytest.approx(np.mean(expected))
    assert outcome.metrics["floor_average_precision"] == pytest.approx((5 / 8 + 1 / 10) / 2)
    assert "cls_top1" not in outcome.metrics
    assert "1 of 3 attributes are left out" in outcome.notes[-1]
    assert "over 2 attributes" in outcome.headline
    assert [row[0] for row in outcome.tables["attributes"].rows] == ["snow", "direct sun/sunny"]
    assert outcome.tables.keys() == {"attributes"}
    assert len(outcome.sections[-1].pictures) == 4


def test_splits_of_one_attribute(attributes: Callable[..., Bench]) -> None:
    outcome = done(attributes("data.attribute=snow", "data.train_per_class=2"))
    assert outcome.facts["features"]["repetitions"] == ["1", "2"]  # type: ignore[index]
    assert len(outcome.repeats["average_precision"]) == 2


def test_tables_of_many_classes_are_cut(attributes: Callable[..., Bench]) -> None:
    from gapcam.study.features.page import _shortened
    from gapcam.study.outcome import Sheet

    short = Sheet(("a",), [(n,) for n in range(30)])
    assert _shortened(short) == [short]
    first, last = _shortened(Sheet(("a",), [(n,) for n in range(31)]))
    assert [row[0] for row in (*first.rows, *last.rows)] == [*range(10), *range(21, 31)]
