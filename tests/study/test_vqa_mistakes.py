"""Questions about pictures: what cannot work is refused before any picture is looked at."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from planted_vqa import make_planted_vqa
from vqa_studies import ANSWERS, put_on_bench, study

from gapcam.errors import UserError
from gapcam.study.bench import Bench


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("vqa")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        root = make_planted_vqa(folder / "data", train=60, val=24)
        return put_on_bench(root, folder, f"data.answers={ANSWERS}")


def _without_pooling(made: Bench) -> Bench:
    network: Any = made.network
    layer = torch.nn.Identity()
    return replace(made, network=_changed(network, "classifier", layer))


def _changed(network: Any, name: str, value: Any) -> Any:
    other = copy.copy(network)
    other.__dict__ = {**network.__dict__, "_modules": dict(network._modules)}
    setattr(other, name, value)
    return other


@pytest.mark.parametrize(
    ("spoil", "changed", "match"),
    [
        (
            lambda one: one,
            {"least_count": 1000},
            r"No word is asked 1000 times in the 123 training questions\. Give a smaller study",
        ),
        (
            _without_pooling,
            {},
            r"The map of an answer needs a network with a linear classifier on pooled features, "
            r"and SmallGAP has none: give arch=googlenet_gap",
        ),
        (
            lambda one: replace(one, network=_changed(one.network, "pool", "max")),
            {},
            r"The map of an answer needs average pooling: give arch\.pool=avg",
        ),
        (
            lambda one: replace(one, data=object()),
            {},
            r"study=vqa asks questions about pictures, and object has none: give data=vqa",
        ),
    ],
)
def test_what_cannot_work(
    made: Bench, spoil: Callable[[Bench], Bench], changed: dict[str, Any], match: str
) -> None:
    with pytest.raises(UserError, match=match):
        study(**changed).check(spoil(made))


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"validate_every": None}, r"study\.validate_every must be 1 epoch or more; got None"),
        ({"validate_every": 0}, r"study\.validate_every must be 1 epoch or more; got 0"),
        ({"least_count": 0.5}, r"study\.least_count must be 1 or more; got 0\.5"),
        ({"paper": 101}, r"study\.paper must be null or a number of percent; got 101"),
        ({"paper": "55.89 %"}, r"study\.paper must be null or a number of percent; got '55\.89 %'"),
        ({"alone": "no"}, r"study\.alone must be true or false; got 'no'"),
        ({"epochs": 0}, r"study\.epochs must be a whole number"),
    ],
)
def test_settings_out_of_range(changed: dict[str, Any], match: str) -> None:
    with pytest.raises(UserError, match=match):
        study(**changed)


def test_no_validation_question_can_be_answered(tmp_path: Path) -> None:
    """That is told by the data, before there is a bench."""
    root = make_planted_vqa(tmp_path / "data", train=6, val=2)
    path = root / "mscoco_val2014_annotations.json"
    path.write_text(path.read_text().replace('_answer": "', '_answer": "not '))
    with pytest.raises(
        UserError, match=r"None of the 5 val questions in .* one of the 9 most frequent training"
    ):
        put_on_bench(root, tmp_path, "data.answers=9")


def test_a_picture_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    root = make_planted_vqa(tmp_path / "data", train=6, val=2)
    made = put_on_bench(root, tmp_path, "data.answers=9")
    next((root / "train2014").iterdir()).write_bytes(b"no picture")
    study().check(made)
    with pytest.raises(UserError, match=r"Cannot read a picture of the train split: .*COCO_train"):
        study().run(made)
