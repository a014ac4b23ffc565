"""Labels and boxes of ILSVRC-2012: from XML files, a csv file, or the devkit."""

import csv
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from gapcam.data.tree import Tree
from gapcam.data.voc import half_open, read_voc
from gapcam.errors import UserError

_NO_BOXES = np.zeros((0, 4), np.float32)
_DEVKIT = "ILSVRC2012_devkit_t12/data"


class Truth(NamedTuple):
    """`wnid` of a picture, its half-open `boxes` `(G, 4)`, and the `size` they were drawn on."""

    wnid: str
    boxes: NDArray[np.float32] = _NO_BOXES
    size: tuple[int, int] = (0, 0)


def read_truth(tree: Tree, split: str, rank: Mapping[str, int]) -> dict[str, Truth]:
    """Labels and boxes of a split, by file stem, from the first source that is there.

    XML files (which also know the size of the picture), Kaggle's `LOC_<split>_solution.csv`, the
    devkit's list of validation labels (without boxes); with none of them, nothing.
    """
    for folder in (
        f"ILSVRC/Annotations/CLS-LOC/{split}",
        f"bbox/{split}",
        f"ILSVRC2012_bbox_{split}_v{3 if split == 'val' else 2}/{split}",
        f"ILSVRC2012_bbox_{split}_v{3 if split == 'val' else 2}",
    ):
        if tree.has(folder) and (tree.files(folder, (".xml",)) or tree.folders(folder)):
            return _from_xml(tree, folder, rank)
    if tree.has(f"LOC_{split}_solution.csv"):
        return read_solution(tree, f"LOC_{split}_solution.csv")
    if split == "val" and tree.has(f"{_DEVKIT}/ILSVRC2012_validation_ground_truth.txt"):
        return _from_devkit(tree)
    return {}


def read_solution(tree: Tree, where: str) -> dict[str, Truth]:
    """Read `ImageId,PredictionString` with repeated `wnid xmin ymin xmax ymax`, inclusive corners.

    Raises:
        UserError: naming the line that does not fit this form.
    """
    truth = {}
    rows = csv.DictReader(StringIO(tree.text(where)))
    for row in rows:
        words = (row.get("PredictionString") or "").split()
        try:
            boxes = np.array(
                [[float(w) for w in words[i + 1 : i + 5]] for i in range(0, len(words), 5)],
                np.float32,
            ).reshape(-1, 4)
            name, (wnid,) = row["ImageId"], set(words[::5])
        except (ValueError, IndexError, KeyError) as error:
            raise UserError(
                f"{tree.root / where}, line {rows.line_num}: expected 'ImageId,PredictionString' "
                f"with repeated 'wnid xmin ymin xmax ymax'; got {dict(row)}"
            ) from error
        if name in truth:
            tree.fault("listed twice", where, f"line {rows.line_num} lists {name} again.")
        truth[name] = Truth(wnid, half_open(boxes))
    return truth


def read_blacklist(tree: Tree, path: Path) -> frozenset[str]:
    """Stems of the validation pictures whose boxes the devkit does not trust.

    Raises:
        UserError: if the file is missing, or is no list of picture numbers.
    """
    if not tree.has(str(path)):
        raise UserError(
            f"data.blacklist={path} does not exist. The devkit of ILSVRC-2014 has it: "
            "ILSVRC2014_devkit/data/ILSVRC2014_clsloc_validation_blacklist.txt"
        )
    try:
        numbers = [int(line) for line in tree.lines(str(path))]
    except ValueError as error:
        raise UserError(f"{path}: expected one picture number a line; {error}") from None
    return frozenset(f"ILSVRC2012_val_{number:08d}" for number in numbers)


def _from_xml(tree: Tree, folder: str, rank: Mapping[str, int]) -> dict[str, Truth]:
    files = [f"{folder}/{file}" for file in tree.annotations(folder)]
    for inner in tree.folders(folder):
        files += [f"{folder}/{inner}/{file}" for file in tree.annotations(f"{folder}/{inner}")]
    truth = {}
    for file in files:
        try:
            found = read_voc(tree.root / file)
        except UserError as error:
            tree.fault("broken annotation", file, str(error))
            continue
        wnids = set(found.names) - {""}
        if len(wnids) != 1 or not wnids <= rank.keys():
            tree.fault(
                "broken annotation",
                file,
                f"expected objects of one of the classes; got {sorted(wnids) or 'none'}. Unpack "
                "this file again.",
            )
            continue
        truth[Path(file).stem] = Truth(wnids.pop(), found.boxes, found.size)
    return truth


def _from_devkit(tree: Tree) -> dict[str, Truth]:
    labels = [int(line) for line in tree.lines(f"{_DEVKIT}/ILSVRC2012_validation_ground_truth.txt")]
    tree.has(f"{_DEVKIT}/meta.mat")
    try:
        synsets = loadmat(tree.root / f"{_DEVKIT}/meta.mat", squeeze_me=True)["synsets"]
    except Exception as error:  # SciPy raises many kinds for files that are cut short
        raise UserError(
            f"{tree.root / _DEVKIT}/meta.mat cannot be read: {error}. Unpack the devkit again"
        ) from error
    # Its ids are those of the devkit, which are not the class indices of anybody else.
    wnid_of = {int(row["ILSVRC2012_ID"]): str(row["WNID"]) for row in synsets}
    return {
        f"ILSVRC2012_val_{number:08d}": Truth(wnid_of[label])
        for number, label in enumerate(labels, start=1)
    }
