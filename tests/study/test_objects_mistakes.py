"""Informative objects: what cannot work is refused before any picture is looked at."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from benches import bench, study_config
from planted_objects import SCENES, by_scene, done, make_planted_objects, study, words
from twins import edit, make_folders

from gapcam.build import build
from gapcam.data.sun_objects import SunObjects
from gapcam.errors import UserError
from gapcam.study.bench import Bench
from gapcam.study.objects.outlined import read_outlined
from gapcam.study.objects.study import Objects

CARRIERS = [name for name, _ in SCENES.values()]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return make_planted_objects(tmp_path / "small", 8)


def annotations(root: Path) -> Iterator[Path]:
    yield from sorted((root / "Annotations").rglob("*.xml"))


def cut_objects(text: str) -> str:
    start, end = text.index("<object>"), text.rindex("</object>")
    return text[:start] + text[end + len("</object>") :]


def test_notes(small: Path, tmp_path: Path) -> None:
    outside = "<object><name>moon</name><polygon>" + "".join(
        f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in ((900, 0), (999, 0), (999, 90))
    )
    for number, path in enumerate(annotations(small)):
        if number % 4 == 0:
            edit(path, cut_objects)
        else:
            edit(
                path,
                lambda text: text.replace(
                    "</annotation>", f"{outside}</polygon></object></annotation>"
                ),
            )
    outcome = done(tmp_path / "runs", small, "data.min_objects=0", "study.least=1", gallery=3)
    text = "; ".join(outcome.notes)
    empty = [row for row in outcome.rows.rows if row[6] is None]
    assert 0 < len(empty) < 12
    assert f"{len(empty)} of 12 pictures have no outlined object" in text
    assert f"{12 - len(empty)} objects have no area in their picture, and were left out" in text
    assert all("moon" not in objects for objects in by_scene(outcome).values())


@pytest.mark.parametrize(
    ("setting", "match"),
    [
        ("study.c=0", r"study.c must be larger than 0; got 0"),
        ("study.pictures=val", r"study.pictures must be test or all; got 'val'"),
        ("study.guesses=wrong", r"study.guesses must be right or all; got 'wrong'"),
        ("study.region=min", r"study.region must be max or share; got 'min'"),
        ("study.level=1", r"study.level must lie between 0 and 1; got 1"),
        ("study.overlap=box", r"study.overlap must be object or region or iou; got 'box'"),
        ("study.least_overlap=0", r"study.least_overlap must be above 0, at most 1; got 0"),
        ("study.rank_by=size", r"study.rank_by must be overlap or .*; got 'size'"),
        ("study.least=0", r"study.least must be 1 picture or more; got 0"),
        ("study.top=0", r"study.top must be 1 object or more; got 0"),
        ("study.grid=4", r"study.grid must be 8 to 1024 cells; got 4"),
        ("study.paper={kitchen:{often:{wall:1}}}", r"study.paper.kitchen must hold frequent and"),
        ("study.paper={kitchen:0.9}", r"study.paper.kitchen must hold frequent and informative"),
    ],
)
def test_impossible_settings(tmp_path: Path, setting: str, match: str) -> None:
    with pytest.raises(UserError, match=match):
        build(study_config(tmp_path, *words(tmp_path), setting)["study"], "study")


def refused(found: Bench, made: Objects, match: str) -> None:
    """It is refused before any picture is looked at."""

    @contextmanager
    def quiet(title: str, count: int) -> Iterator[Callable[[int], None]]:
        assert title == "Annotations"
        yield lambda more: None

    with pytest.raises(UserError, match=match):
        made.check(replace(found, progress=quiet))


@pytest.mark.parametrize(
    ("more", "match"),
    [
        (("study.least=5",), r"No object is in study.least=5 pictures.*, is in 4\. .*pictures=all"),
        (("study.least=9", "study.pictures=all"), r"wall of kitchen, is in 8\. .*smaller study"),
        (("cam=saliency",), r"about class activation maps; leave out cam=saliency"),
        (("arch.pool=max",), r"study=objects needs average pooling: give arch.pool=avg"),
        (("data.train_share=0.1",), r"2 or more training pictures .* 1 of kitchen, 1 of living"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_work(small: Path, tmp_path: Path, more: tuple[str, ...], match: str) -> None:
    made, found = study(tmp_path / "runs", small, *more)
    refused(found, made, match)


def test_a_network_without_pooled_classifier(small: Path, tmp_path: Path) -> None:
    made, found = study(tmp_path / "runs", small)
    found.network.classifier = torch.nn.Identity()  # type: ignore[attr-defined]
    refused(found, made, r"study=objects needs a network with a linear classifier")


def test_data_without_outlines(small: Path, tmp_path: Path) -> None:
    root = make_folders(tmp_path / "folders")
    weights = f"arch.weights={small}/colours.ckpt"
    other = bench(
        tmp_path / "runs",
        *("study=objects", "arch=small_gap", "arch.units=8", "data=folders", weights),
        *("data.train_per_class=3", f"data.root={root}"),
    )
    made, _ = study(tmp_path / "runs", small)
    refused(other, made, r"outlined objects: give data=sun_objects; got 6 train")


def test_annotations_without_any_object(small: Path, tmp_path: Path) -> None:
    for path in annotations(small):
        edit(path, cut_objects)
    made, found = study(tmp_path / "runs", small, "data.min_objects=0")
    refused(found, made, r"None of the 12 test pictures .* has an outlined object")


@pytest.mark.parametrize(
    ("ignored", "join_plurals", "names"),
    [
        ((), False, {"ball", "balls", "floor", "wall occluded"}),
        ((), True, {"ball", "floor", "wall occluded"}),
        (("occluded",), True, {"ball", "floor", "wall"}),
        (("ball", "balls", "occluded"), False, {"ball", "balls", "floor", "wall"}),
    ],
)
def test_names_of_objects(
    small: Path, tmp_path: Path, ignored: tuple[str, ...], join_plurals: bool, names: set[str]
) -> None:
    for path in list(annotations(small))[::2]:
        edit(path, lambda text: text.replace("<name>ball", "<name>Balls", 2))
    data = study(tmp_path / "runs", small)[1].data
    assert isinstance(data, SunObjects)
    seen: list[int] = []
    found = read_outlined(data, ("train", "test"), ignored, join_plurals, seen.append)
    assert len(found) == sum(seen) == 24
    assert {name for one in found for name in one.objects} - set(CARRIERS) == names
    if join_plurals:
        assert all(len(one.objects["ball"]) == 3 for one in found)
    corners = np.concatenate([one.objects["floor"][0] for one in found])
    assert set(corners[:, 0]) == {0, 1}
