"""The study of birds: what cannot work is refused before any picture is looked at."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from benches import bench
from planted_cub import NETWORK, birds, cub, make_seen_birds
from torch import nn
from twins import edit, make_folders

from gapcam.errors import UserError
from gapcam.study.bench import Bench


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_seen_birds(tmp_path_factory.mktemp("birds"))


@pytest.fixture
def made(planted: Path, tmp_path: Path) -> Callable[..., Bench]:
    return partial(birds, planted, tmp_path / "runs")


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"c": None}, r"study.c must be a number above 0; got None"),
        ({"c": 0}, r"study.c must be a number above 0; got 0"),
        ({"c": True}, r"study.c must be a number above 0; got True"),
        ({"train_boxes": "truth"}, r"study.train_boxes must be one of guess, label; got 'truth'"),
        ({"margin": -0.1}, r"study.margin must be a number, 0 or above; got -0.1"),
        ({"margin": float("nan")}, r"study.margin must be a number, 0 or above; got nan"),
    ],
)
def test_impossible_settings(changed: dict[str, object], match: str) -> None:
    with pytest.raises(UserError, match=match):
        cub(**changed)


@pytest.mark.parametrize(
    ("more", "match"),
    [
        (("data.crop=bbox",), r"The study cub cuts pictures itself: leave out data.crop=bbox"),
        (("arch.pool=max",), r"The study cub needs average pooling: give arch.pool=avg"),
    ],
)
def test_what_it_cannot_work_with(
    made: Callable[..., Bench], more: tuple[str, ...], match: str
) -> None:
    study = cub()
    study.check(made("fine"))
    with pytest.raises(UserError, match=match):
        study.check(made("refused", *more))


def test_shards_cannot_be_cut(made: Callable[..., Bench]) -> None:
    found = made("shards")
    found.data.stream = "s3://birds"  # type: ignore[attr-defined]
    with pytest.raises(UserError, match=r"cub needs picture files: leave out data.stream"):
        cub().check(found)


def test_a_network_without_a_classifier(made: Callable[..., Bench]) -> None:
    found = made("units are classes")
    found.network.classifier = nn.Identity()
    match = r"cub needs a network with a linear classifier on pooled features, and SmallGAP has"
    with pytest.raises(UserError, match=match):
        cub().check(found)


def test_data_without_crops(planted: Path, tmp_path: Path) -> None:
    root = make_folders(tmp_path / "data")
    words = (f"arch.weights={planted}/colours.ckpt", "data=folders", f"data.root={root}")
    found = bench(tmp_path / "runs", *NETWORK, *words, "data.train_per_class=3")
    match = r"which data=cub200 alone can do; got Folders. For other data: study=features"
    with pytest.raises(UserError, match=match):
        cub().check(found)


def test_layers_without_weights(made: Callable[..., Bench]) -> None:
    with pytest.raises(UserError, match=r"added of SmallGAP has random weights"):
        cub().check(replace(made("fresh"), fresh=("added", "classifier")))


def test_a_class_without_training_pictures(planted: Path, tmp_path: Path) -> None:
    root = shutil.copytree(planted, tmp_path / "birds")
    # The first 16 pictures are the first kind's.
    edit(root / "train_test_split.txt", lambda t: "".join(map(_tests, t.splitlines(True))))
    match = r"1 of 4 classes have no training picture: Red Bird with Yellow Spot\. The study"
    with pytest.raises(UserError, match=match):
        cub().check(birds(root, tmp_path / "runs", "fewer"))


def _tests(line: str) -> str:
    number, trains = line.split()
    return f"{number} {0 if int(number) <= 16 else trains}\n"
