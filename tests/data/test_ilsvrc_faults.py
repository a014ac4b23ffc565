"""What is wrong with a copy of ILSVRC is named."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ilsvrc_reader import ilsvrc
from twins import edit
from twins_ilsvrc import (
    ANNOTATIONS,
    PICTURES,
    VAL,
    VOC,
    save_noise,
    write_xml,
)

from gapcam.errors import UserError


def _no_such_folder(root: Path) -> None:
    shutil.rmtree(root)


def _another_layout(root: Path) -> None:
    shutil.rmtree(root / "ILSVRC")
    (root / "n01440764").mkdir()


def _train(root: Path) -> Path:
    return root / PICTURES / "train"


def _empty_class(root: Path) -> None:
    shutil.rmtree(_train(root) / "n02099601")
    (_train(root) / "n02099601").mkdir()


def _no_classes(root: Path) -> None:
    shutil.rmtree(_train(root))
    _train(root).mkdir()


def _xml(change: Callable[[str], str]) -> Callable[[Path], None]:
    def spoil(root: Path) -> None:
        write_xml(root / ANNOTATIONS / "val")
        edit(root / ANNOTATIONS / "val" / f"{VAL.format(1)}.xml", change)

    return spoil


def _missing_xml(root: Path) -> None:
    write_xml(root / ANNOTATIONS / "val")
    (root / ANNOTATIONS / "val" / f"{VAL.format(2)}.xml").unlink()


def _csv(text: str) -> Callable[[Path], None]:
    return lambda root: (root / "LOC_val_solution.csv").write_text(text) and None


def _mapping(text: str) -> Callable[[Path], None]:
    return lambda root: (root / "LOC_synset_mapping.txt").write_text(text) and None


def _imagenet_v2(root: Path) -> None:
    shutil.rmtree(root)
    for label in range(1000):
        (root / str(label)).mkdir(parents=True)
    save_noise(np.random.default_rng(0), root / "0" / f"{'0f' * 20}.jpeg")


def _in_two_folders(root: Path) -> None:
    for wnid in ("n01440764", "n15075141"):
        folder = root / PICTURES / "val" / wnid
        folder.mkdir()
        shutil.copy(root / PICTURES / "val" / f"{VAL.format(0)}.JPEG", folder)
    (root / PICTURES / "val" / f"{VAL.format(0)}.JPEG").unlink()


def _in_another_folder(root: Path) -> None:
    folder = root / PICTURES / "val" / "n15075141"
    folder.mkdir()
    (root / PICTURES / "val" / f"{VAL.format(1)}.JPEG").rename(folder / f"{VAL.format(1)}.JPEG")


def _renamed_picture(root: Path) -> None:
    folder = root / PICTURES / "val"
    (folder / f"{VAL.format(1)}.JPEG").rename(folder / "val_1.JPEG")


HEADER = "ImageId,PredictionString\n"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_no_such_folder, r"does not hold ILSVRC-2012: looked for ILSVRC/Data.*no such folder"),
        (_another_layout, r"It holds: LOC_synset_mapping.txt, LOC_val_solution.csv, n01440764\."),
        (_empty_class, r"n02099601: this class folder holds no pictures\. Unpack this class again"),
        (_no_classes, r"train holds no class folders <wnid>/"),
        (lambda r: (_train(r) / "cats").mkdir(), r"train/cats: this folder is no class of LOC_syn"),
        (
            lambda r: (r / PICTURES / "val" / f"{VAL.format(1)}.JPEG").unlink(),
            r"ILSVRC2012_val_00000001.JPEG: it is annotated, but not there",
        ),
        (_renamed_picture, r"00000001.JPEG: it is annotated.*and 1 more: python -m gapcam.data c"),
        (lambda r: (r / "LOC_val_solution.csv").unlink(), r"00000000.JPEG: no annotation says wha"),
        (_csv(HEADER), r"no annotation says what it shows.*and 3 more"),
        (_csv(f"{HEADER}{VAL.format(1)},1 2 n02099601 3 4\n"), r"line 2: expected 'ImageId,Predic"),
        (_csv(f"{HEADER}{VAL.format(1)},\n"), r"line 2: expected 'ImageId,PredictionString'"),
        (
            _csv(HEADER + 2 * f"{VAL.format(0)},n01440764 1 2 3 4\n"),
            r"line 3 lists ILSVRC2012_val_00000000 again",
        ),
        (_xml(lambda text: text[:-30]), r"00000001.xml is broken XML at line 1"),
        (
            _xml(lambda text: text.replace("n02099601", "n99999999")),
            r"one of the classes; got \['n9",
        ),
        (_xml(lambda text: text.replace("<xmin>0<", "<xmin>a<")), r"bndbox xmin, ymin, xmax, ymax"),
        (_xml(lambda text: VOC.format(width=1, height=1, objects="")), r"of the classes; got none"),
        (
            _xml(lambda text: text.replace(">24<", ">99<")),
            r"box \[0.0, 5.0, 10.0, 100.0\].*60 x 40",
        ),
        (_xml(lambda text: text.replace(">24<", ">3<")), r"box \[0.0, 5.0, 10.0, 4.0\]"),
        (_missing_xml, r"00000002.JPEG: no annotation says what it shows"),
        (_in_two_folders, r"n15075141/ILSVRC2012_val_00000000.JPEG: it is there as n01440764/ILS"),
        (_in_another_folder, r"00000001.JPEG: its annotation says n02099601, its folder another"),
        (
            _csv(f"{HEADER}{VAL.format(0)},n01440764 1 2 3 4 n02099601 1 2 3 4\n"),
            r"line 2: expected",
        ),
        (lambda r: (r / "LOC_synset_mapping.txt").unlink(), r"LOC_synset_mapping.txt is missing"),
        (_mapping("\n"), r"LOC_synset_mapping.txt lists no classes"),
        (
            _mapping("\n".join(f"n{number:08d} name" for number in range(1000))),
            r"class 0 of the sorted WordNet ids must be n01440764",
        ),
        (_imagenet_v2, r"ImageNetV2, whose class folders 0 \.\.\. 999 .* later names \(0f0f"),
    ],
)
def test_faults_are_named(ilsvrc_root: Path, spoil: Callable[[Path], object], message: str) -> None:
    ilsvrc(ilsvrc_root)  # an index of the good data must not hide the fault
    spoil(ilsvrc_root)
    with pytest.raises(UserError, match=message):
        ilsvrc(ilsvrc_root)
