import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf
from support import compose_config
from twins import BOX, edit, make_folders, save_picture
from twins_folders import (
    action_xml,
    litter,
    make_action40,
    make_caltech101,
    make_caltech256,
    make_event8,
    make_mit67,
    make_scene15,
)

from gapcam.build import build_data
from gapcam.data.dataset import LocalizationDataset
from gapcam.data.folders import Folders
from gapcam.errors import UserError


@cache
def composed(option: str, *settings: str) -> Any:
    keys = [f"data.{setting}" for setting in ("root=?", "num_workers=0", *settings)]
    config = compose_config(f"data={option}", "arch=small_gap", *keys)
    return OmegaConf.to_container(config, resolve=True, throw_on_missing=True)


def read(option: str, root: Path, *settings: str) -> Folders:
    """Compose an option and build it for a folder, as a run does."""
    config = composed(option, *settings)
    data = build_data({**config, "data": {**config["data"], "root": str(root)}})
    assert isinstance(data, Folders)
    return data


def names(split: LocalizationDataset) -> list[str]:
    return [split.name(row) for row in range(len(split))]


def test_annotations_in_class_folders(tmp_path: Path) -> None:
    """Pictures are called 0.jpg in every class, and so are their annotations."""
    root = make_folders(tmp_path / "own", each=2)
    for name, boxes in (("a cat", 1), ("dög", 2)):
        for number in range(2):
            path = root / "boxes" / name / f"{number}.xml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(action_xml("sit", boxes))
    data = read("folders", root, "train_per_class=1", "annotations=boxes", "without=[boxes]")
    assert data.train.index.box_counts.tolist() == [1, 2]
    for name in ("a cat", "dög"):
        for number in range(2):
            shutil.move(root / "boxes" / name / f"{number}.xml", root / "boxes" / f"{number}.xml")
    with pytest.raises(UserError, match=r"may be of a cat/\d.jpg or of this picture"):
        read("folders", root, "train_per_class=1", "annotations=boxes", "without=[boxes]")


def test_mit67_has_a_published_split(tmp_path: Path) -> None:
    data = read("mit67", make_mit67(tmp_path))
    assert data.class_names == ["airport_inside", "children_room", "winecellar"]
    assert names(data.train) == [
        "airport_inside/a 1.jpg",
        "children_room/child's_gif.jpg",
        "winecellar/bodega_12.jpg",
    ]
    assert data.train.labels.tolist() == [0, 1, 2]
    assert names(data.test) == ["airport_inside/a 2.jpg", "winecellar/wine_3_flickr.jpg"]
    assert data.test.labels.tolist() == [0, 2]
    assert names(data.val) == names(data.test)
    assert data.train.picture(1).getpixel((0, 0)) == (0, 0, 0)
    assert not data.test.has_boxes


def test_mit67_of_another_host_has_a_folder_more(tmp_path: Path) -> None:
    make_mit67(tmp_path)
    (tmp_path / "indoorCVPR_09").mkdir()
    (tmp_path / "Images").rename(tmp_path / "indoorCVPR_09" / "Images")
    data = read("mit67", tmp_path, "pictures=indoorCVPR_09/Images")
    assert (len(data.train), len(data.test)) == (3, 2)
    assert data.test.picture(0).size == (60, 40)


def test_scene15_is_drawn_at_random(tmp_path: Path) -> None:
    data = read("scene15", make_scene15(tmp_path), "train_per_class=2")
    assert data.class_names == ["CALsuburb", "MITcoast", "bedroom"]
    assert data.train.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert data.test.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert data.test.picture(0).mode == "RGB"


def test_scene15_with_numbers_for_names(tmp_path: Path) -> None:
    make_folders(tmp_path / "15-Scene Image Dataset" / "15-Scene", ("00", "01"), each=3)
    data = read("scene15", tmp_path, "train_per_class=1")
    assert data.class_names == ["00", "01"]
    assert (len(data.train), len(data.test)) == (2, 4)


def test_caltech101_without_its_background(tmp_path: Path) -> None:
    root = make_caltech101(tmp_path)
    data = read("caltech101", root, "train_per_class=3")
    assert data.class_names == ["Faces", "Faces_easy", "accordion"]
    assert data.train.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert data.test.labels.tolist() == [0, 1, 2]
    assert sorted(names(data.train) + names(data.test))[:4] == [
        "Faces/image_0001.jpg",
        "Faces/image_0002.jpg",
        "Faces/image_0003.jpg",
        "Faces/image_0004.jpg",
    ]
    whole = read("caltech101", root, "train_per_class=3", "without=[]")
    assert whole.class_names == ["BACKGROUND_Google", "Faces", "Faces_easy", "accordion"]
    assert (len(whole.train), len(whole.test)) == (12, 4)  # tmp is no fifth picture


def test_caltech256_with_its_odd_files(tmp_path: Path) -> None:
    data = read("caltech256", make_caltech256(tmp_path), "train_per_class=1")
    assert data.class_names == ["001.ak47", "056.dog", "198.spider"]
    assert sorted(names(data.train) + names(data.test)) == [
        f"{name}/{name[:3]}_000{number}.jpg" for name in data.class_names for number in (1, 2, 3, 4)
    ]


def test_event8_has_a_number_to_test(tmp_path: Path) -> None:
    data = read("event8", make_event8(tmp_path), "train_per_class=1", "test_per_class=2")
    assert data.class_names == ["RockClimbing", "croquet", "rowing"]
    assert data.train.labels.tolist() == [0, 1, 2]
    assert data.test.labels.tolist() == [0, 0, 1, 1, 2, 2]
    every = read("event8", tmp_path, "train_per_class=1", "test_per_class=3")
    assert "croquet/Easy_Mid_Croquet_4.JPG" in names(every.train) + names(every.test)


def test_action40_has_classes_in_names_and_boxes(tmp_path: Path) -> None:
    root = make_action40(tmp_path)
    xml = root / "XMLAnnotations" / "watching_TV_004.xml"
    xml.write_text(action_xml("watching_TV", boxes=2))
    (root / "XMLAnnotations" / "riding_a_bike_002.xml").write_text(action_xml("", boxes=0))
    official = (
        "train_per_class=null",
        "train_list=ImageSplits/train.txt",
        "test_list=ImageSplits/test.txt",
    )
    data = read("action40", root, *official)
    assert data.class_names == ["riding_a_bike", "watching_TV"]
    assert names(data.train) == [
        "riding_a_bike_001.jpg",
        "riding_a_bike_003.jpg",
        "watching_TV_001.jpg",
        "watching_TV_003.jpg",
    ]
    assert data.train.labels.tolist() == [0, 0, 1, 1]
    assert data.train[3].boxes.tolist() == [list(BOX)]
    assert data.test[0].boxes.tolist() == []
    assert data.test[3].boxes.tolist() == [[8, 5, 30, 25], [8, 6, 30, 26]]
    drawn = read("action40", root, "train_per_class=3")
    assert drawn.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert drawn.test.labels.tolist() == [0, 1]


def test_own_pictures_in_split_folders(tmp_path: Path) -> None:
    for split, each in (("train", 3), ("val", 1), ("test", 2)):
        make_folders(tmp_path / split, each=each)
    litter(tmp_path / "train" / "dög")
    data = read("folders", tmp_path)
    assert data.class_names == ["a cat", "dög"]
    assert names(data.test) == [
        "test/a cat/0.jpg",
        "test/a cat/1.jpg",
        "test/dög/0.jpg",
        "test/dög/1.jpg",
    ]
    assert (len(data.train), len(data.val)) == (6, 2)
    assert data.test.picture(3).size == (60, 40)
    assert names(read("folders", tmp_path / "train").test) == names(data.test)


def test_test_pictures_without_labels_are_left_alone(tmp_path: Path) -> None:
    make_folders(tmp_path / "train")
    make_folders(tmp_path / "val", each=2)
    save_picture(tmp_path / "test" / "0001.jpg")
    data = read("folders", tmp_path)
    assert names(data.test) == names(data.val)
    assert names(data.val)[0] == "val/a cat/0.jpg"


def test_random_splits(tmp_path: Path) -> None:
    root = make_folders(tmp_path / "pets", ("cat", "dog", "emu"), each=9)
    settings = ("train_per_class=4", "test_per_class=3", "splits=2")
    first = read("folders", root, *settings)
    train, test = set(names(first.train)), set(names(first.test))
    assert (len(train), len(test)) == (12, 9)
    assert first.train.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert first.test.labels.tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert not train & test
    again = read("folders", root, *settings, f"cache={tmp_path / 'other_cache'}")
    assert again.fingerprint() == first.fingerprint()
    second = read("folders", root, *settings, "split=2")
    assert set(names(second.train)) != train
    assert (len(second.train), len(second.test)) == (12, 9)
    # Pictures of two classes do not share their places.
    assert {name[4:] for name in train if "cat" in name} != {n[4:] for n in train if "dog" in n}


def test_a_random_split_is_the_same_on_every_machine(tmp_path: Path) -> None:
    make_folders(tmp_path, ("cat", "dog"), each=9)
    data = read("folders", tmp_path, "train_per_class=2")
    assert names(data.train) == ["cat/0.jpg", "cat/7.jpg", "dog/2.jpg", "dog/4.jpg"]


def test_real_scenes_split_by_folders(real_data: Path) -> None:
    data = read("folders", real_data / "scene15")
    assert (len(data.train), len(data.test), data.num_classes) == (150, 150, 15)
    # The folders are train/Coast and test/coast, train/livingroom and test/livingRoom.
    assert data.class_names[0] == "Coast"
    assert names(data.test)[10] == "test/coast/image_0001.jpg"
    assert data.test.labels[10] == 0
    rooms = {name.split("/")[1] for name in names(data.train) + names(data.test)}
    assert {"livingroom", "livingRoom"} <= rooms
    assert data.test.labels.tolist().count(data.class_names.index("livingroom")) == 10
    assert data.test.picture(149).size == (200, 200)


def test_real_scenes_pooled(real_data: Path) -> None:
    data = read("scene15", real_data / "scene15", "train_per_class=15")
    assert (len(data.train), len(data.test), data.num_classes) == (225, 75, 15)
    assert not set(names(data.train)) & set(names(data.test))
    assert {name.split("/")[0] for name in names(data.train)} == {"train", "test"}


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
