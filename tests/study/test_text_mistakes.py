"""The text detector refuses what cannot work, before any picture is looked at where it can."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from benches import bench, colour_network, save_network
from text_studies import SETTINGS, Made, do, small_text
from twins import edit, make_folders

from gapcam.errors import UserError
from gapcam.study.text.study import Text


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return small_text(tmp_path)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"c": 0}, r"study\.c must be a number above 0; got 0"),
        ({"c": float("inf")}, r"study\.c must be a number above 0; got inf"),
        ({"c": "x"}, r"study\.c must be a number above 0; got 'x'"),
        ({"covered": 1.5}, r"study\.covered must be a number above 0 and at most 1; got 1\.5"),
        ({"covered": True}, r"study\.covered must be a number above 0 and at most 1; got True"),
        ({"iou": -1}, r"study\.iou must be a number above 0 and at most 1; got -1"),
    ],
)
def test_settings_out_of_range(settings: dict[str, object], match: str) -> None:
    with pytest.raises(UserError, match=match):
        Text(**{**SETTINGS, **settings})


def no_boxes(root: Path) -> None:
    word = re.compile("<taggedRectangle .*?</taggedRectangle>")
    edit(root / "svt" / "test.xml", lambda text: word.sub("", text))


def broken(root: Path) -> None:
    (root / "svt" / "img" / "04_00.png").write_bytes(b"no picture")


def cut_short(root: Path) -> None:
    path = root / "svt" / "img" / "04_00.png"
    path.write_bytes(path.read_bytes()[:2000])


def missing(root: Path) -> None:
    (root / "svt" / "img" / "04_00.png").unlink()


def no_negatives(root: Path) -> None:
    for path in (root / "negatives").rglob("*.png"):
        path.unlink()


@pytest.mark.parametrize(
    ("spoil", "more", "match"),
    [
        (no_negatives, (), r"negatives holds 0 pictures.* expected 2 at least"),
        (None, ("data.negatives=null",), r"data\.negatives is not set"),
        (None, ("data.negatives=/nowhere",), r"data\.negatives=/nowhere is no folder"),
        (no_boxes, (), r"03_00\.png: no word is marked in it"),
        (missing, (), r"04_00\.png: test\.xml lists it"),
        (broken, (), r"04_00\.png: no picture that Pillow knows"),
        (cut_short, (), r"Cannot read a picture of the test split: .*04_00\.png"),
        (None, ("arch.pool=max",), r"The text detector needs average pooling: give arch\.pool=avg"),
        (None, ("protocol=released", "data.view=ten"), r"protocol released has neither"),
    ],
)
def test_bad_input(
    made: Made,
    tmp_path: Path,
    spoil: Callable[[Path], None] | None,
    more: tuple[str, ...],
    match: str,
) -> None:
    if spoil is not None:
        spoil(tmp_path / "text")
    with pytest.raises(UserError, match=match):
        do(made(*more))


def test_no_word_box_is_told_before_any_picture_is_looked_at(made: Made) -> None:
    found = made()
    test = found.data.test
    bare = type(test)(test.folder, found.data.train.index, test.views, 0, "test")
    bare.index._arrays["boxes"] = bare.index._arrays["boxes"][:0]
    bare.index._arrays["box_ends"] = bare.index._arrays["box_ends"] * 0
    found.data.test = bare
    with pytest.raises(UserError, match=r"No word has a box in the \d+ pictures of the test split"):
        Text(**SETTINGS).check(found)


def test_other_data_are_refused(tmp_path: Path) -> None:
    root = make_folders(tmp_path / "data")
    weights = save_network(tmp_path / "colours.ckpt", colour_network(["a cat", "dög"]))
    found = bench(
        tmp_path / "runs",
        *("study=text", "arch=small_gap", "arch.units=8", f"arch.weights={weights}"),
        *("data=folders", "data.train_per_class=3", f"data.root={root}"),
    )
    match = r"learns the classes 'no text' and 'text', and these data have 2, such as 'a cat'"
    with pytest.raises(UserError, match=match):
        Text(**SETTINGS).check(found)


def test_a_network_without_a_pooled_classifier_is_refused(made: Made) -> None:
    found = replace(made(), network=torch.nn.Identity())
    with pytest.raises(UserError, match=r"The text detector needs a network with a linear class"):
        Text(**SETTINGS).check(found)
