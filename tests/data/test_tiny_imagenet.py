import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from twins import BOX, edit, make_tiny_imagenet, save_picture

from gapcam.data.tiny_imagenet import TinyImageNet
from gapcam.errors import UserError

COMMON = {"batch_size": 2, "eval_batch_size": 2, "num_workers": 0, "seed": 0, "flip": True}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_tiny_imagenet(tmp_path / "tiny-imagenet-200")


def tiny(root: Path) -> TinyImageNet:
    data = TinyImageNet(root=root, size=(56, 56), **COMMON)
    data.setup()
    return data


def paths(data: TinyImageNet) -> list[str]:
    return [data.val.name(row) for row in range(len(data.val))]


def test_reads_the_official_layout(root: Path) -> None:
    shutil.copy(save_picture(root / "test" / "images" / "test_0.JPEG"), root / "val" / "._x.JPEG")
    data = tiny(root.parent)
    assert data.class_names == ["fish", "fish", "n02056570"]  # words.txt has the first two
    assert data.train.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert data.train.name(3) == "n01774384/images/n01774384_1.JPEG"
    assert paths(data) == ["images/val_0.JPEG", "images/val_1.JPEG", "images/val_2.JPEG"]
    assert data.val.labels.tolist() == [0, 1, 2]
    assert data.test.index is data.val.index
    assert data.train[0].boxes.tolist() == [list(BOX)]
    assert data.val[2].boxes.tolist() == [list(BOX)]
    assert data.val[2].size == (64, 64)


def test_boxes_follow_a_resized_copy(root: Path) -> None:
    save_picture(root / "val" / "images" / "val_0.JPEG", size=(128, 128))
    assert tiny(root).val[0].boxes.tolist() == [[2 * corner for corner in BOX]]
    save_picture(root / "val" / "images" / "val_1.JPEG", size=(64, 96))
    edit(root / "val" / "val_annotations.txt", lambda text: text + "\n")
    with pytest.raises(UserError, match=r"val_1.JPEG: it has 96 x 64 pixels.*another shape"):
        tiny(root)


@pytest.mark.parametrize("place", ["val/{}/images", "val/images/{}", "val/{}"])
@pytest.mark.parametrize("keeps_list", [True, False])
def test_reads_validation_pictures_sorted_into_folders(
    root: Path, place: str, keeps_list: bool
) -> None:
    for number, wnid in enumerate(("n01443537", "n01774384", "n02056570")):
        folder = root / place.format(wnid)
        folder.mkdir(parents=True)
        shutil.move(root / "val" / "images" / f"val_{number}.JPEG", folder)
    if not keeps_list:
        (root / "val" / "val_annotations.txt").unlink()
    data = tiny(root)
    assert data.val.labels.tolist() == [0, 1, 2]
    assert f"val/{data.val.name(1)}" == f"{place.format('n01774384')}/val_1.JPEG"
    assert data.val[1].boxes.tolist() == ([list(BOX)] if keeps_list else [])
    assert data.val.picture(1).size == (64, 64)


def _lose(name: str) -> Callable[[Path], None]:
    return lambda root: (root / name).unlink()


def _edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    return lambda root: edit(root / name, lambda text: text.replace(old, new, 1))


def _repeat(name: str) -> Callable[[Path], None]:
    return lambda root: edit(root / name, lambda text: text + text.splitlines()[0])


def _put_into(wnid: str) -> Callable[[Path], Any]:
    def _move(root: Path) -> None:
        (root / "val" / wnid).mkdir()
        shutil.move(root / "val" / "images" / "val_0.JPEG", root / "val" / wnid)

    return _move


TRAIN_BOXES = "train/n01443537/n01443537_boxes.txt"
VAL_BOXES = "val/val_annotations.txt"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            _lose("wnids.txt"),
            r"does not hold Tiny ImageNet: looked for wnids.txt, train, val\. It h",
        ),
        (
            _lose("words.txt"),
            r"words.txt is missing\. Get it: python -m gapcam.data get data=tiny_i",
        ),
        (_lose(TRAIN_BOXES), r"n01443537_boxes.txt is missing\. Get it"),
        (_lose(VAL_BOXES), r"val/val_annotations.txt is missing\. Get it"),
        (
            _lose("train/n01443537/images/n01443537_1.JPEG"),
            r"train/n01443537/images/n01443537_1.JPEG: it is annotated, but not there",
        ),
        (_lose("val/images/val_1.JPEG"), r"val/images/val_1.JPEG: it is annotated, but not there"),
        (
            lambda root: save_picture(root / "train" / "n01443537" / "images" / "ü 1.JPEG"),
            r"images/ü 1.JPEG: no list has a box for it",
        ),
        (
            lambda root: save_picture(root / "val" / "images" / "val_9.JPEG"),
            r"val/images/val_9.JPEG: no list has a box for it",
        ),
        (
            lambda root: shutil.move(root / "train" / "n01443537", root / "train" / "n09999999"),
            r"train/n09999999: wnids.txt does not list this class",
        ),
        (
            lambda root: shutil.rmtree(root / "train" / "n01443537" / "images"),
            r"Folder .*n01443537/images is missing\. Get it",
        ),
        (_edit(VAL_BOXES, "n01774384", "n09999999"), r"val_1.JPEG: wnids.txt lists no n09999999"),
        (_edit(TRAIN_BOXES, "\t8", "\t-8"), r"boxes.txt: line 1: expected 5 fields by tabs: 'n014"),
        (_edit(TRAIN_BOXES, "\t8", " 8"), r"boxes.txt: line 1: expected 5 fields by tabs"),
        (
            _edit(VAL_BOXES, "\tn02056570", ""),
            r"annotations.txt: line 1: expected 6 fields by tabs",
        ),
        (_repeat(TRAIN_BOXES), r"boxes.txt: line 3: n01443537_0.JPEG appears again"),
        (_repeat(VAL_BOXES), r"val_annotations.txt: line 4: val_2.JPEG appears again"),
        (_edit(TRAIN_BOXES, "\t29", "\t99"), r"box \[8.0, 5.0, 100.0, 25.0\] .* of 64 x 64 pixels"),
        (_edit(VAL_BOXES, "\t29", "\t3"), r"box \[8.0, 5.0, 4.0, 25.0\] .* \(val split\)"),
        (
            _put_into("n02056570"),
            r"val/n02056570/val_0.JPEG: val_annotations.txt says that it show",
        ),
    ],
)
def test_faults_are_named(root: Path, spoil: Callable[[Path], Any], message: str) -> None:
    tiny(root)  # an index of the good data must not hide the fault
    spoil(root)
    with pytest.raises(UserError, match=message):
        tiny(root)


def test_no_validation_pictures(root: Path) -> None:
    shutil.rmtree(root / "val")
    (root / "val").mkdir()
    with pytest.raises(UserError, match=r"The val split of Tiny ImageNet in .* is empty"):
        tiny(root)


def test_packed_archive_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "tiny-imagenet-200.zip").touch()
    with pytest.raises(UserError, match=r"still packed: cd .* && unzip tiny-imagenet-200.zip"):
        tiny(tmp_path)


def test_real_pictures(real_data: Path) -> None:
    data = tiny(real_data / "tiny-imagenet-10")
    assert (len(data.train), len(data.val), data.num_classes) == (5000, 500, 10)
    assert data.class_names[:3] == ["goldfish", "black widow", "jellyfish"]
    assert torch.bincount(torch.tensor(data.train.labels)).tolist() == [500] * 10
    assert torch.bincount(torch.tensor(data.val.labels)).tolist() == [50] * 10
    # val_14.JPEG n02056570 0 19 63 47
    row = paths(data).index("images/val_14.JPEG")
    assert data.val[row].boxes.tolist() == [[0, 19, 64, 48]]
    assert data.class_names[data.val[row].label] == "king penguin"
    assert (data.train.index.box_counts == 1).all()
    assert data.train.picture(4999).size == (64, 64)
