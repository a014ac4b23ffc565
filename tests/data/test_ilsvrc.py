import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gapcam.data.ilsvrc import ILSVRC, read_solution_csv, read_voc_xml
from gapcam.errors import UserError

VOC_OBJECT = (
    "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>5</ymin><xmax>{}</xmax><ymax>24</ymax>"
    "</bndbox></object>"
)


def ilsvrc(root: Path) -> ILSVRC:
    data = ILSVRC(
        root=root,
        resize=32,
        size=(24, 28),
        batch_size=2,
        eval_batch_size=2,
        num_workers=0,
        seed=0,
        flip=True,
    )
    data.setup()
    return data


@pytest.mark.parametrize("inside", ["", "ILSVRC"])
def test_reads_the_kaggle_layout(ilsvrc_root: Path, inside: str) -> None:
    data = ilsvrc(ilsvrc_root / inside)
    assert data.class_names == ["tench", "golden retriever", "toilet tissue"]
    assert data.train.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert data.train[4].image.shape == (3, 32, 32)
    assert data.val.labels.tolist() == [0, 1, 2, 0]
    assert data.val.name(2) == "ILSVRC2012_val_00000002.JPEG"
    sample = data.val[2]
    assert sample.image.shape == (3, 24, 28)
    assert sample.size == (40, 60)
    # Three boxes, inclusive corners in the file, half-open here.
    assert sample.boxes.tolist() == [[x, 5, x + 10, 25] for x in range(3)]


def test_xml_says_the_same_as_the_csv(ilsvrc_root: Path) -> None:
    from_csv = read_solution_csv(ilsvrc_root / "LOC_val_solution.csv")
    folder = ilsvrc_root / "ILSVRC" / "Annotations" / "CLS-LOC" / "val"
    folder.mkdir(parents=True)
    for name, truth in from_csv.items():
        objects = "".join(VOC_OBJECT.format(truth.wnid, x, x + 9) for x in range(len(truth.boxes)))
        (folder / f"{name}.xml").write_text(f"<annotation>{objects}</annotation>")
    for name, truth in from_csv.items():
        from_xml = read_voc_xml(folder / f"{name}.xml")
        assert from_xml.wnid == truth.wnid
        np.testing.assert_array_equal(from_xml.boxes, truth.boxes)
    expected = ilsvrc(ilsvrc_root).fingerprint()
    (ilsvrc_root / "LOC_val_solution.csv").unlink()
    assert ilsvrc(ilsvrc_root).fingerprint() == expected


def test_odd_pictures_become_rgb(ilsvrc_root: Path) -> None:
    folder = ilsvrc_root / "ILSVRC" / "Data" / "CLS-LOC" / "train" / "n01440764"
    Image.new("CMYK", (30, 20)).save(folder / "n01440764_0.JPEG", format="JPEG")
    Image.new("L", (30, 20)).save(folder / "n01440764_1.JPEG", format="JPEG")
    Image.new("RGBA", (30, 20)).save(folder / "n01440764_2.JPEG", format="PNG")
    data = ilsvrc(ilsvrc_root)
    assert all(data.train[index].image.shape == (3, 32, 32) for index in range(3))


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\xff\xd8\xff\xe0 truncated"])
def test_unreadable_picture_names_file_and_split(ilsvrc_root: Path, content: bytes) -> None:
    data = ilsvrc(ilsvrc_root)
    path = data.val.folder / data.val.name(1)
    path.write_bytes(content)
    with pytest.raises(
        UserError, match=r"Cannot read picture .*val_00000001.JPEG of the val split"
    ):
        data.val[1]


def test_truncated_picture_is_not_padded_with_grey(ilsvrc_root: Path) -> None:
    data = ilsvrc(ilsvrc_root)
    path = data.train.folder / data.train.name(0)
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(UserError, match=r"of the train split: .*truncated"):
        data.train[0]


def _no_such_folder(root: Path) -> None:
    shutil.rmtree(root)


def _another_layout(root: Path) -> None:
    shutil.rmtree(root / "ILSVRC")
    (root / "n01440764").mkdir()


def _empty_class(root: Path) -> None:
    folder = root / "ILSVRC" / "Data" / "CLS-LOC" / "train" / "n02099601"
    shutil.rmtree(folder)
    folder.mkdir()


def _no_classes(root: Path) -> None:
    folder = root / "ILSVRC" / "Data" / "CLS-LOC" / "train"
    shutil.rmtree(folder)
    folder.mkdir()


def _unknown_class(root: Path) -> None:
    (root / "ILSVRC" / "Data" / "CLS-LOC" / "train" / "cats").mkdir()


def _missing_val_picture(root: Path) -> None:
    (root / "ILSVRC" / "Data" / "CLS-LOC" / "val" / "ILSVRC2012_val_00000001.JPEG").unlink()


def _no_truth(root: Path) -> None:
    (root / "LOC_val_solution.csv").unlink()


def _empty_truth(root: Path) -> None:
    (root / "LOC_val_solution.csv").write_text("ImageId,PredictionString\n")


def _swapped_columns(root: Path) -> None:
    text = "ImageId,PredictionString\nILSVRC2012_val_00000001,1 2 n02099601 3 4\n"
    (root / "LOC_val_solution.csv").write_text(text)


def _no_mapping(root: Path) -> None:
    (root / "LOC_synset_mapping.txt").unlink()


def _empty_mapping(root: Path) -> None:
    (root / "LOC_synset_mapping.txt").write_text("\n")


def _other_classes(root: Path) -> None:
    names = "\n".join(f"n{number:08d} name" for number in range(1000))
    (root / "LOC_synset_mapping.txt").write_text(names)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            _no_such_folder,
            r"is not ILSVRC-2012: looked for ILSVRC/Data/CLS-LOC/train.*no such folder",
        ),
        (_another_layout, r"It holds: LOC_synset_mapping.txt, LOC_val_solution.csv, n01440764\."),
        (_empty_class, r"Class folder .*n02099601 holds no pictures.*Unpack this class again"),
        (_no_classes, r"train holds no class folders <wnid>/\*\.JPEG"),
        (_unknown_class, r"Folder .*train/cats is no class of LOC_synset_mapping.txt"),
        (_missing_val_picture, r"1 of the 4 annotated .* the first is ILSVRC2012_val_00000001"),
        (_no_truth, r"neither .*LOC_val_solution.csv nor .*Annotations/CLS-LOC/val/\*\.xml exists"),
        (_empty_truth, r"lists no labels of validation pictures"),
        (_swapped_columns, r"expected 'ImageId,PredictionString' with repeated 'wnid xmin ymin"),
        (_no_mapping, r"LOC_synset_mapping.txt is missing: it lists the classes"),
        (_empty_mapping, r"LOC_synset_mapping.txt lists no classes"),
        (_other_classes, r"class 0 of the sorted WordNet ids must be n01440764"),
    ],
)
def test_faults_are_named(ilsvrc_root: Path, spoil: object, message: str) -> None:
    spoil(ilsvrc_root)  # type: ignore[operator]
    with pytest.raises(UserError, match=message):
        ilsvrc(ilsvrc_root)


def test_resize_must_hold_the_crop(ilsvrc_root: Path) -> None:
    with pytest.raises(
        UserError, match=r"data.resize must be at least data.size \[64, 24\]; got 32"
    ):
        ILSVRC(
            root=ilsvrc_root,
            resize=32,
            size=(64, 24),
            batch_size=1,
            eval_batch_size=1,
            num_workers=0,
            seed=0,
            flip=True,
        )


def test_real_pictures(real_data: Path) -> None:
    data = ilsvrc(real_data / "imagenet")
    assert (len(data.train), len(data.val), data.num_classes) == (20, 300, 1000)
    assert data.class_names[207] == "golden retriever"
    for index in (0, 150, 299):
        sample = data.val[index]
        height, width = sample.size
        assert len(sample.boxes) >= 1
        assert (sample.boxes >= 0).all()
        # These boxes were scaled and rounded by their source: a pixel too much is possible.
        assert (sample.boxes <= torch.tensor([width, height, width, height]) + 1).all()


def test_real_labels_agree_with_the_published_list(real_data: Path) -> None:
    data = ilsvrc(real_data / "imagenet")
    rows = (real_data / "imagenet" / "boxes_original.csv").read_text().splitlines()[1:]
    published = {row.split(",")[0]: int(row.split(",")[1]) for row in rows}
    found = {data.val.name(i): int(label) for i, label in enumerate(data.val.labels)}
    assert found == published
