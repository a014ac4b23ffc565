import shutil
from pathlib import Path

import pytest
from folder_reader import names, read
from twins import BOX, make_folders, save_picture
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

from gapcam.errors import UserError


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


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (("train_per_class=2",), [{"split": 1}]),
        (("train_per_class=2", "splits=3", "split=2"), [{"split": 1}, {"split": 2}, {"split": 3}]),
    ],
)
def test_repetitions(tmp_path: Path, settings: tuple[str, ...], expected: list[object]) -> None:
    data = read("folders", make_folders(tmp_path), *settings)
    assert data.repetitions() == expected
    assert data.measure == "accuracy"


def test_lists_and_folders_know_one_split(tmp_path: Path) -> None:
    assert read("mit67", make_mit67(tmp_path)).repetitions() == [{}]


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
