import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from twins import BOX, edit, make_cub200, save_picture

from gapcam.data.cub200 import CUB200
from gapcam.errors import UserError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_cub200(tmp_path / "CUB_200_2011")


def cub(root: Path, **kwargs: Any) -> CUB200:
    common = {"batch_size": 2, "eval_batch_size": 2, "num_workers": 0, "seed": 0, "flip": True}
    data = CUB200(root=root, size=(24, 28), **common, **kwargs)
    data.setup()
    return data


@pytest.mark.parametrize("level", [".", "..", "images"])
def test_reads_the_official_layout_from_near_folders(root: Path, level: str) -> None:
    data = cub(root / level)
    assert data.class_names == ["Black footed Albatross", "Müller s Gull"]
    assert data.train.labels.tolist() == [0, 0, 1, 1]
    assert data.test.labels.tolist() == [0, 0, 1, 1]
    assert data.val.index is data.test.index
    assert data.train.name(3) == "002.Müller s_Gull/bird 3.jpg"
    sample = data.test[2]
    assert sample.size == (40, 60)
    assert sample.boxes.tolist() == [list(BOX)]
    assert ("in " in data.describe()) == (level != ".")


def test_true_boxes_are_cut_out(root: Path) -> None:
    data = cub(root, crop="bbox")
    picture = data.test.picture(0)
    assert picture.size == (22, 20)
    assert data.test[0].boxes.tolist() == [[0, 0, 22, 20]]
    assert cub(root).train.index.fingerprint != data.train.index.fingerprint


def test_boxes_from_a_file_are_cut_out(root: Path, tmp_path: Path) -> None:
    crops = tmp_path / "crops.csv"
    rows = ["name,x0,y0,x1,y1", "001.Black_footed_Albatross/bird 0.jpg,10.4,-2.5,999,12.2"]
    names = [line.split(" ", 1)[1] for line in (root / "images.txt").read_text().splitlines()]
    rows += [f"{name},0,0,60,40" for name in names[1:]]
    crops.write_text("\n".join(rows))
    data = cub(root, crop=str(crops))
    assert data.test.picture(0).size == (50, 13)
    # The true box x0 y0 x1 y1 = 8 5 30 25, seen from the corner 10 0 and cut off below.
    assert data.test[0].boxes.tolist() == [[0, 5, 20, 13]]
    assert data.test.picture(1).size == (60, 40)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("bird 0.jpg,30,5,10,20", r"bird 0.jpg: \[30.0, 5.0, 10.0, 20.0\] .* cannot be cut out"),
        ("bird 0.jpg,nan,5,10,20", r"\[nan, 5.0, 10.0, 20.0\] .* cannot be cut out"),
        ("bird 9.jpg,0,0,9,9", r"bird 0.jpg: .*crops.csv does not name it.*and 8 more"),
    ],
)
def test_faults_of_crops(root: Path, tmp_path: Path, row: str, message: str) -> None:
    crops = tmp_path / "crops.csv"
    names = [line.split(" ", 1)[1] for line in (root / "images.txt").read_text().splitlines()]
    rows = [] if "9.jpg" in row else [f"{name},0,0,60,40" for name in names[1:]]
    crops.write_text("\n".join(["name,x0,y0,x1,y1", f"001.Black_footed_Albatross/{row}", *rows]))
    with pytest.raises(UserError, match=message):
        cub(root, crop=str(crops))


def test_a_crop_outside_the_picture(root: Path, tmp_path: Path) -> None:
    crops = tmp_path / "crops.csv"
    names = [line.split(" ", 1)[1] for line in (root / "images.txt").read_text().splitlines()]
    crops.write_text("\n".join(["name,x0,y0,x1,y1", *(f"{name},70,0,90,40" for name in names)]))
    with pytest.raises(UserError, match=r"bird 0.jpg has 60 x 40 pixels: the crop .* lies outside"):
        cub(root, crop=str(crops)).test[0]


def test_crops_are_those_of_the_working_directory(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [line.split(" ", 1)[1] for line in (root / "images.txt").read_text().splitlines()]
    for side in (20, 30):
        (tmp_path / str(side)).mkdir()
        monkeypatch.chdir(tmp_path / str(side))
        rows = [f"{name},0,0,{side},{side}" for name in names]
        Path("crops.csv").write_text("\n".join(["name,x0,y0,x1,y1", *rows]))
        assert cub(root, crop="crops.csv").test.picture(0).size == (side, side)


def test_cubv2_validates(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cubv2"
    save_picture(folder / "val" / "a, b.jpeg", 1)
    (folder / "class_labels.txt").write_text("val/a, b.jpeg,1\n")
    (folder / "image_sizes.txt").write_text("val/a, b.jpeg,60,40\n")
    (folder / "localization.txt").write_text("val/a, b.jpeg,8,5,29,24\n")
    data = cub(root, cubv2=folder)
    assert (len(data.val), len(data.test)) == (1, 4)
    assert data.val[0].boxes.tolist() == [list(BOX)]
    (folder / "val" / "a, b.jpeg").unlink()
    (folder / "class_labels.txt").touch()
    with pytest.raises(UserError, match=r"val/a, b.jpeg: it is listed, but not there"):
        cub(root, cubv2=folder)


def _lose(name: str) -> Callable[[Path], None]:
    return lambda root: (root / name).unlink()


def _line(name: str, old: str, new: str) -> Callable[[Path], None]:
    return lambda root: edit(root / name, lambda text: text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_lose("images.txt"), r"does not hold CUB-200-2011: looked for images.txt, images\. It h"),
        (_lose("bounding_boxes.txt"), r"bounding_boxes.txt is missing\. Get it: python -m gapcam"),
        (
            _lose("images/001.Black_footed_Albatross/bird 0.jpg"),
            r"images/001.Black_footed_Albatross/bird 0.jpg: images.txt lists it",
        ),
        (_line("images.txt", "2 001", "1 001"), r"images.txt: id 1 appears again"),
        (
            lambda root: save_picture(root / "images" / "001.Black_footed_Albatross" / "new.jpg"),
            r"new.jpg: no line of images.txt lists this picture",
        ),
        (
            _line("image_class_labels.txt", "8 2", "8 77"),
            r"its label is 76, but there are 2 classes",
        ),
        (
            _line("image_class_labels.txt", "1 1", "1 2"),
            r"bird 0.jpg: image_class_labels.txt says class 2, 002.Müller s_Gull",
        ),
        (_line("bounding_boxes.txt", "1 8.0", "1 eight"), r"box of picture 1 is missing or no num"),
        (_line("bounding_boxes.txt", "22.0 20.0", "0.0 20.0"), r"box \[8.0, 5.0, 8.0, 25.0\]"),
        (_line("train_test_split.txt", "3 0", "33 0"), r"split or box of picture 3 is missing"),
    ],
)
def test_faults_are_named(root: Path, spoil: Callable[[Path], Any], message: str) -> None:
    cub(root)  # an index of the good data must not hide the fault
    spoil(root)
    with pytest.raises(UserError, match=message):
        cub(root)


def test_unknown_crop(root: Path) -> None:
    with pytest.raises(UserError, match=r"data.crop must be full, bbox or the path of a csv file"):
        cub(root, crop="boxes.csv")


def test_packed_archive_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "CUB_200_2011.tgz").touch()
    with pytest.raises(UserError, match=re.escape(f"still packed: cd {tmp_path} && tar -xf CUB")):
        cub(tmp_path)


def test_real_pictures(real_data: Path) -> None:
    data = cub(real_data)
    assert (len(data.train), len(data.test), data.num_classes) == (60, 50, 10)
    for row in range(50):
        sample = data.test[row]
        assert data.class_names[sample.label].replace(" ", "_").lower() in (
            data.test.name(row).lower()
        )
        height, width = sample.size
        limit = torch.tensor([width, height, width, height])
        assert ((sample.boxes >= 0) & (sample.boxes <= limit)).all()
