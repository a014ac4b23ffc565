"""ILSVRC-2012 classification and localization, in the Kaggle layout, which has the boxes.

    <root>/LOC_synset_mapping.txt                   wnid and names of the 1000 classes
    <root>/LOC_val_solution.csv                     labels and boxes of the validation pictures
    <root>/ILSVRC/Data/CLS-LOC/train/<wnid>/*.JPEG
    <root>/ILSVRC/Data/CLS-LOC/val/*.JPEG           flat
    <root>/ILSVRC/Annotations/CLS-LOC/val/*.xml     read only where the csv is missing

The class index is the rank of the sorted WordNet ids, not the devkit's ILSVRC2012_ID. The labels
of the official test pictures are not public: as in the paper, numbers are those of the
validation set, so the test split here is the validation set.
"""

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from gapcam.data.data_module import DataModule
from gapcam.data.image_files import SUFFIXES, ImageFiles
from gapcam.errors import UserError

LANDMARKS = {"n01440764": 0, "n02099601": 207, "n15075141": 999}
"""Class indices everybody agrees on: tench, golden retriever, toilet tissue."""

HOW_TO_GET = (
    "The layout is that of the Kaggle download 'imagenet-object-localization-challenge': unzip it "
    "and give the folder that holds ILSVRC/ and LOC_val_solution.csv as data.root=..."
)


class Truth(NamedTuple):
    """`wnid` of a validation picture and its `boxes` `(G, 4)`, half-open."""

    wnid: str
    boxes: NDArray[np.float32]


class ILSVRC(DataModule):
    """ILSVRC-2012: 1,281,167 training and 50,000 validation pictures of 1000 classes.

    Training pictures are squashed to `resize` x `resize`, then cropped at random and mirrored;
    validation pictures are squashed to the network's size.

    Args:
        root: the folder described above.
        resize: side of the square from which training crops are cut; null for the paper's 256, or
            8/7 of the view where that is smaller than 224 or larger than 256.
        kwargs: see `DataModule`.
    """

    def __init__(self, *, root: str | Path, resize: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if resize is None:
            side = max(self.size)
            resize = 256 if 224 <= side <= 256 else side * 8 // 7
        if resize < max(self.size):
            raise UserError(
                f"data.resize must be at least data.size {list(self.size)}; got {resize}"
            )
        self.root = Path(root).expanduser()
        self.resize = resize

    def load_splits(self) -> None:
        layout = find_layout(self.root)
        names = read_synset_mapping(layout / "LOC_synset_mapping.txt")
        wnids = sorted(names)
        if len(wnids) == 1000:
            _check_landmarks(wnids)
        self.class_names = [names[wnid] for wnid in wnids]
        pictures = layout / "ILSVRC" / "Data" / "CLS-LOC"
        self.train = self._train_split(pictures / "train", wnids)
        self.val = self._val_split(pictures / "val", layout, wnids)
        self.test = self.val

    def _train_split(self, folder: Path, wnids: list[str]) -> ImageFiles:
        rank = {wnid: index for index, wnid in enumerate(wnids)}
        paths, labels = [], []
        for wnid in sorted(entry.name for entry in os.scandir(folder) if entry.is_dir()):
            if wnid not in rank:
                raise UserError(
                    f"Folder {folder / wnid} is no class of LOC_synset_mapping.txt. "
                    "Remove it, or restore the original mapping file."
                )
            files = sorted(picture_files(folder / wnid))
            if not files:
                raise UserError(
                    f"Class folder {folder / wnid} holds no pictures ({', '.join(SUFFIXES)}). "
                    "Unpack this class again, or remove the folder to train without it."
                )
            paths += [f"{wnid}/{name}" for name in files]
            labels += [rank[wnid]] * len(files)
        if not paths:
            raise UserError(f"{folder} holds no class folders <wnid>/*.JPEG. {HOW_TO_GET}")
        return ImageFiles(folder, paths, labels, None, (self.resize, self.resize), "train")

    def _val_split(self, folder: Path, layout: Path, wnids: list[str]) -> ImageFiles:
        rank = {wnid: index for index, wnid in enumerate(wnids)}
        truth = read_val_truth(layout)
        files = {Path(name).stem: name for name in picture_files(folder)}
        if not truth:
            raise UserError(f"{layout} lists no labels of validation pictures. {HOW_TO_GET}")
        missing = sorted(truth.keys() - files.keys())
        if missing:
            raise UserError(
                f"{len(missing)} of the {len(truth)} annotated validation pictures are not in "
                f"{folder}; the first is {missing[0]}. Unpack the validation pictures again."
            )
        strangers = sorted({t.wnid for t in truth.values()} - rank.keys())
        if strangers:
            raise UserError(
                f"The validation labels name {strangers[0]}, which LOC_synset_mapping.txt does "
                "not. Both files must come from the same download."
            )
        order = sorted(truth)
        return ImageFiles(
            folder,
            [files[key] for key in order],
            [rank[truth[key].wnid] for key in order],
            [truth[key].boxes for key in order],
            self.size,
            "val",
        )


def find_layout(root: Path) -> Path:
    """Return the folder that holds `ILSVRC/`, given it or the `ILSVRC` folder itself.

    Raises:
        UserError: if neither is there; lists what was looked for and what lies there instead.
    """
    for layout in (root, root.parent):
        pictures = layout / "ILSVRC" / "Data" / "CLS-LOC"
        may_be = layout == root or root.name == "ILSVRC"
        if may_be and (pictures / "train").is_dir() and (pictures / "val").is_dir():
            return layout
    if root.is_dir():
        entries = sorted(entry.name for entry in os.scandir(root))
        found = ", ".join(entries[:8]) + (", …" if len(entries) > 8 else "")
        found = f"It holds: {found or 'nothing'}."
    else:
        found = "There is no such folder."
    raise UserError(
        f"data.root={root} is not ILSVRC-2012: looked for ILSVRC/Data/CLS-LOC/train/<wnid>/ and "
        f"ILSVRC/Data/CLS-LOC/val/ in it. {found} {HOW_TO_GET}"
    )


def picture_files(folder: Path) -> Iterator[str]:
    """Names of the picture files directly in a folder, in no order."""
    return (e.name for e in os.scandir(folder) if e.name.lower().endswith(SUFFIXES))


def read_synset_mapping(path: Path) -> dict[str, str]:
    """Read `wnid name, other name, …` lines -> wnid to first name.

    Raises:
        UserError: if the file is missing or empty.
    """
    if not path.is_file():
        raise UserError(f"{path} is missing: it lists the classes. {HOW_TO_GET}")
    rows = (line.split(maxsplit=1) for line in path.read_text().splitlines() if line.strip())
    names = {row[0]: (row[1] if len(row) > 1 else row[0]).split(",")[0].strip() for row in rows}
    if not names:
        raise UserError(f"{path} lists no classes. {HOW_TO_GET}")
    return names


def read_val_truth(layout: Path) -> dict[str, Truth]:
    """Labels and boxes of the validation pictures, by file stem.

    Raises:
        UserError: if neither the csv nor the XML files are there, or one is malformed.
    """
    solution = layout / "LOC_val_solution.csv"
    annotations = layout / "ILSVRC" / "Annotations" / "CLS-LOC" / "val"
    if solution.is_file():
        return read_solution_csv(solution)
    if annotations.is_dir():
        return {path.stem: read_voc_xml(path) for path in sorted(annotations.glob("*.xml"))}
    raise UserError(
        f"Labels and boxes of the validation pictures are missing: neither {solution} nor "
        f"{annotations}/*.xml exists. {HOW_TO_GET}"
    )


def read_solution_csv(path: Path) -> dict[str, Truth]:
    """Read `ImageId,PredictionString` with repeated `wnid xmin ymin xmax ymax`, inclusive corners.

    Raises:
        UserError: naming the line that does not fit this form.
    """
    truth = {}
    with path.open(newline="") as lines:
        for row in csv.DictReader(lines):
            words = (row.get("PredictionString") or "").split()
            try:
                boxes = np.array(
                    [[float(w) for w in words[i + 1 : i + 5]] for i in range(0, len(words), 5)],
                    np.float32,
                ).reshape(-1, 4)
                truth[row["ImageId"]] = Truth(words[0], half_open(boxes))
            except (ValueError, IndexError, KeyError) as error:
                raise UserError(
                    f"{path}: expected 'ImageId,PredictionString' with repeated "
                    f"'wnid xmin ymin xmax ymax'; got {dict(row)}"
                ) from error
    return truth


def read_voc_xml(path: Path) -> Truth:
    """Read one VOC annotation: the objects' wnid and boxes, inclusive corners.

    Raises:
        UserError: if the file cannot be parsed or holds no object.
    """
    try:
        objects = ElementTree.parse(path).getroot().findall("object")  # noqa: S314 (local files)
        corners = [
            [float(o.findtext(f"bndbox/{c}", "")) for c in ("xmin", "ymin", "xmax", "ymax")]
            for o in objects
        ]
        return Truth(objects[0].findtext("name", ""), half_open(np.array(corners, np.float32)))
    except (ElementTree.ParseError, ValueError, IndexError) as error:
        raise UserError(
            f"{path}: expected VOC objects with a name and bndbox xmin, ymin, xmax, ymax; {error}"
        ) from error


def half_open(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Inclusive corners `(G, 4)` -> half-open: one pixel is added to the far corner."""
    return boxes + np.array([0, 0, 1, 1], np.float32)


def _check_landmarks(wnids: list[str]) -> None:
    for wnid, index in LANDMARKS.items():
        if wnids[index] != wnid:
            raise UserError(
                f"LOC_synset_mapping.txt is not ILSVRC-2012's: class {index} of the sorted WordNet "
                f"ids must be {wnid}, but is {wnids[index]}"
            )
