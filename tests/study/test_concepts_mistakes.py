"""Concepts: what cannot work is refused before any picture is looked at."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benches import bench, colour_network, save_network, study_config
from concepts_studies import Made, concepts, concepts_words, made_concepts
from twins import make_folders

from gapcam.build import build
from gapcam.errors import UserError
from gapcam.study.bench import Bench


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made_concepts(tmp_path_factory.mktemp("concepts"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"phrases": []}, r"study.phrases must be a list of phrases, such as .*; got \[\]"),
        ({"phrases": None}, r"or how many of the most frequent ones; got None"),
        ({"phrases": "a kite"}, r"must be a list of phrases, such as 'study.phrases=\[.*'a kite'"),
        ({"phrases": ["kite", " "]}, r"study.phrases has an empty phrase; expected words"),
        ({"phrases": ["a kite", None]}, r"study.phrases has an empty phrase"),
        ({"phrases": ["a kite", "lamp", "A  kite"]}, r"study.phrases names 'A kite' twice"),
        ({"phrases": 0}, r"study.phrases must be a whole number, at least 1; got 0"),
        ({"phrases": True}, r"study.phrases must be a whole number, at least 1; got True"),
        ({"least": 0}, r"study.least must be a whole number, at least 1; got 0"),
        ({"longest": 1}, r"study.longest must be a whole number, at least 2; got 1"),
        ({"first": 1.5}, r"study.first must be a whole number, at least 1; got 1.5"),
        ({"rounds": -1}, r"study.rounds must be a whole number, at least 0; got -1"),
        ({"pool": 0}, r"study.pool must be a whole number, at least 1; got 0"),
        ({"margin": 1}, r"study.margin must lie between -1, the SVM's own, and 1; got 1"),
        ({"margin": -2}, r"study.margin must lie between -1"),
        ({"c": 0}, r"study.c must be a number above 0; got 0"),
        ({"c": "x"}, r"study.c must be a number above 0; got 'x'"),
        ({"c": float("inf")}, r"study.c must be a number above 0; got inf"),
        ({"margin": None}, r"study.margin must lie between -1.* got None"),
        ({"between": "the"}, r"study.between must be a list of words, such as .* got 'the'"),
        ({"between": None}, r"study.between must be a list of words, .* or \[\]; got None"),
    ],
)
def test_settings_are_checked(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        concepts(**changed)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"phrases": ["kyte in cloud"]},
            r"0 of the 240 captioned pictures that train have 'kyte in cloud' in a caption: "
            r"expected 3 at least \(study.least\). Words there that come near: kite .*clouds \(",
        ),
        ({"phrases": ["zebra"]}, r"come near: none"),
        (
            {"phrases": ["barn in field"], "least": 60},
            r"240 .* 'barn in field' .* expected 60 at l",
        ),
        ({"phrases": 3, "least": 200}, r"None of the phrases of 2 to 4 words is in the captions"),
        (
            {"phrases": ["people talking"], "pool": 1},
            r"No picture of those drawn to train is without the words of 'people talking', so none",
        ),
    ],
)
def test_phrases_without_pictures_are_refused_before_features(
    made: Made, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], message: str
) -> None:
    monkeypatch.setattr(made.bench.trainer, "test", lambda *_, **__: pytest.fail("looked"))
    with pytest.raises(UserError, match=message):
        concepts(**changed).check(made.bench)


def test_other_networks_and_data_are_refused(made: Made, tmp_path: Path) -> None:
    other = replace(made.bench, network=bench_of_folders(tmp_path).network)
    other.network.pool = "max"
    with pytest.raises(UserError, match=r"study=concepts needs average pooling"):
        concepts().check(other)
    with pytest.raises(UserError, match=r"and Folders has none: give data=captions data.phrase"):
        concepts().check(bench_of_folders(tmp_path))
    one = replace(made.bench, data=made.bench.data_with(phrase="lamp"))
    with pytest.raises(UserError, match=r"give data.phrase=all, and 'study.phrases=\[lamp\]'"):
        concepts().check(one)


def bench_of_folders(tmp_path: Path) -> Bench:
    weights = save_network(tmp_path / "colours.ckpt", colour_network(["a cat", "dög"]))
    return bench(
        tmp_path / "runs",
        *("arch=small_gap", "arch.units=8", f"arch.weights={weights}", "study=concepts"),
        *("data=folders", "data.train_per_class=3", f"data.root={make_folders(tmp_path / 'data')}"),
    )


def test_settings_of_the_command(made: Made, tmp_path: Path) -> None:
    words = concepts_words(made.root, tmp_path / "none")
    config = study_config(tmp_path, *words, "study.phrases=5", "study.pool=null")
    assert build(config["study"], "study").phrases == 5
