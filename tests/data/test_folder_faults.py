"""Lists, annotations and settings of class folders that do not fit."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from folder_reader import names, read
from twins import edit, make_folders, save_picture
from twins_folders import (
    action_xml,
    make_action40,
    make_mit67,
)

from gapcam.errors import UserError


def _pack(root: Path) -> None:
    shutil.rmtree(root / "Images")
    (root / "Images.zip").touch()


def _append(name: str, line: str) -> Callable[[Path], None]:
    return lambda root: edit(root / name, lambda text: f"{text}\n{line}\n")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda root: (root / "Images" / "winecellar" / "bodega_12.jpg").unlink(),
            r"/Images/winecellar/bodega_12.jpg: TrainImages.txt lists it, but it is not there",
        ),
        (
            _append("TrainImages.txt", "airport_inside/a 1.jpg"),
            r"TrainImages.txt: airport_inside/a 1.jpg appears again",
        ),
        (
            _append("TestImages.txt", "airport_inside/a 1.jpg"),
            r"TestImages.txt: airport_inside/a 1.jpg appears again, here or in the other list",
        ),
        (
            lambda root: (root / "TrainImages.txt").write_bytes("cellar/\xe9.jpg".encode("latin1")),
            r"TrainImages.txt is no UTF-8 text",
        ),
        (
            lambda root: (root / "TestImages.txt").write_text("\n"),
            r"The test split of MIT Indoor 67 in .* is empty",
        ),
        (
            lambda root: (root / "TestImages.txt").unlink(),
            r"does not hold MIT Indoor 67: looked for Images, TrainImages.txt, TestImages.txt\. It",
        ),
        (
            _pack,
            r"It holds Images.zip, still packed: cd .* && unzip Images.zip",
        ),
        (
            lambda root: (root / "Images" / "garage").mkdir(),
            r"/Images/garage: this folder holds no pictures",
        ),
    ],
)
def test_faults_of_lists(tmp_path: Path, spoil: Callable[[Path], Any], message: str) -> None:
    root = make_mit67(tmp_path / "mit")
    read("mit67", root)  # an index of the good data must not hide the fault
    spoil(root)
    with pytest.raises(UserError, match=message):
        read("mit67", root)


def test_lists_from_windows(tmp_path: Path) -> None:
    root = make_mit67(tmp_path)
    edit(root / "TestImages.txt", lambda text: "\ufeff.\\" + text.replace("/", "\\"))
    assert names(read("mit67", root).test)[0] == "airport_inside/a 2.jpg"


def test_listed_pictures_of_classes_left_out(tmp_path: Path) -> None:
    data = read("mit67", make_mit67(tmp_path), "without=[children_room]")
    assert data.class_names == ["airport_inside", "winecellar"]
    assert data.train.labels.tolist() == [0, 1]
    action = make_action40(tmp_path / "action")
    make_folders(action / "JPEGImages", (), each=0)
    save_picture(action / "JPEGImages" / "cooking_001.jpg")
    (action / "XMLAnnotations" / "cooking_001.xml").write_text(action_xml("cooking"))
    _append("ImageSplits/test.txt", "cooking_001.jpg")(action)
    lists = ("train_list=ImageSplits/train.txt", "test_list=ImageSplits/test.txt")
    data = read("action40", action, "train_per_class=null", *lists, "without=[Cooking]")
    assert len(data.test) == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"JPEGImages/watching_TV_004.jpg: there is no XMLAnnotations/watching_TV_004.xml"),
        ("<annotation>\n\n</annotatio", r"watching_TV_004.xml is broken XML at line 3"),
        (action_xml("watching_TV").replace("29", "wide"), r"expected objects with a name and bnd"),
        (action_xml("watching_TV").replace("29", "3"), r"watching_TV_004.jpg: box \[8.0, 5.0, 4.0"),
        (action_xml("watching_TV").replace("29", "99"), r"100.0, 25.0\] .* of 60 x 40 pixels"),
    ],
)
def test_faults_of_annotations(tmp_path: Path, content: str | None, message: str) -> None:
    xml = make_action40(tmp_path) / "XMLAnnotations" / "watching_TV_004.xml"
    xml.unlink()
    if content is not None:
        xml.write_text(content)
    with pytest.raises(UserError, match=message):
        read("action40", tmp_path, "train_per_class=2")


def test_annotations_not_unpacked(tmp_path: Path) -> None:
    (make_action40(tmp_path) / "XMLAnnotations").rename(tmp_path / "Annotations")
    with pytest.raises(UserError, match=r"Folder .*XMLAnnotations is missing\. docs/data/"):
        read("action40", tmp_path, "train_per_class=2")
    data = read("action40", tmp_path, "train_per_class=2", "annotations=null")
    assert not data.test.has_boxes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("train_per_class=6",), r"Class a cat of your data set has 6 pictures, but the protocol"),
        (("train_per_class=4", "test_per_class=3"), r"needs 4 to train and 3 to test: lower data."),
        (
            ("train_per_class=0",),
            r"train_per_class must be null .* whole number, at least 1; got 0",
        ),
        (("test_per_class=3",), r"data.test_per_class draws from what data.train_per_class leaves"),
        (("train_per_class=2", "split=2"), r"data.split must be 1 to data.splits=1; got 2"),
        (("train_list=a.txt",), r"train_list and data.test_list are given together, or neither"),
        (
            ("train_list=a.txt", "test_list=b.txt", "train_per_class=2"),
            r"draws at random, data.train_list says which: set one to null",
        ),
        ((), r"Nothing says which pictures of .* train: give data.train_per_class=..., "),
        (("without=[a cat,dogs]",), r"data.without names \['dogs'\], but no such class is in"),
        (("without=['dög']",), r"holds 1 class folders: expected one a class, two at least"),
        (
            ("published={classes: 1}", "title=Cats"),
            r"Cats has 1 classes, but .* holds 2 \(a cat, dög, …\): give the folder of Cats alone",
        ),
        (("pictures=a cat/none",), r"does not hold your data set: looked for a cat/none/\*\. It h"),
    ],
)
def test_settings_that_do_not_fit(tmp_path: Path, settings: tuple[str, ...], message: str) -> None:
    make_folders(tmp_path)
    with pytest.raises(UserError, match=message):
        read("folders", tmp_path, *settings)


def test_a_class_that_training_lacks(tmp_path: Path) -> None:
    make_folders(tmp_path / "train")
    make_folders(tmp_path / "test", ("A Cat", "emu"))
    with pytest.raises(UserError, match=r"/test/emu: train/ has no folder of this name"):
        read("folders", tmp_path)


def test_folders_of_folders(tmp_path: Path) -> None:
    make_folders(tmp_path / "train" / "animals")
    make_folders(tmp_path / "train" / "birds")
    make_folders(tmp_path / "test" / "animals")
    with pytest.raises(
        UserError, match=r"train/animals: this folder holds no pictures.*\(and 2 more"
    ):
        read("folders", tmp_path)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"does not hold your data set: .* It holds: nothing"):
        read("folders", tmp_path)
