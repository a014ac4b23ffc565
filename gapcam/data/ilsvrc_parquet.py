"""ILSVRC-2012 as Hugging Face packs it: without boxes, unless Kaggle's csv lies beside it."""

import re
from collections.abc import Collection, Iterator

from torchvision.models._meta import _IMAGENET_CATEGORIES

from gapcam.data.ilsvrc_truth import Truth, read_solution
from gapcam.data.index import Entry
from gapcam.data.parquet import read_class_names, read_rows
from gapcam.data.tree import Tree
from gapcam.errors import UserError

FOLDER = "data"
_SOLUTION = "LOC_val_solution.csv"


def class_names(tree: Tree) -> list[str]:
    """Names of the classes: those in the files, or ImageNet's."""
    first = _files(tree, "train")[0]
    return read_class_names(tree.root / FOLDER / first) or list(_IMAGENET_CATEGORIES)


def entries(tree: Tree, split: str, without_boxes: Collection[str] = ()) -> Iterator[Entry]:
    """List a split.

    Args:
        tree: the data.
        split: `train` or `val`.
        without_boxes: stems of pictures whose boxes are left out.

    Raises:
        UserError: if the labels are not the ranks of the sorted WordNet ids.
    """
    has_boxes = split == "val" and tree.has(_SOLUTION)
    files = _files(tree, split)
    truth = read_solution(tree, _SOLUTION) if has_boxes else {}
    wnid_of: dict[int, str] = {}
    for row in read_rows(tree, FOLDER, files):
        if truth and row.stem not in truth:
            tree.fault("missing annotation", row.name, f"{_SOLUTION} does not list {row.stem}.")
        known = truth.get(row.stem, Truth(row.wnid))
        if known.wnid != row.wnid:
            tree.fault("label", row.name, f"{_SOLUTION} says {known.wnid}")
        if wnid_of.setdefault(row.label, row.wnid) != row.wnid:
            tree.fault("label", row.name, f"other pictures of label {row.label} are {wnid_of}")
        yield Entry(row.name, row.label, () if row.stem in without_boxes else known.boxes)
    if all(wnid_of.values()) and sorted(wnid_of, key=lambda k: wnid_of[k]) != sorted(wnid_of):
        raise UserError(
            f"The labels in {tree.root / FOLDER} are not in the order of the WordNet ids that the "
            "names of the pictures hold: no number would mean what others mean"
        )


def _files(tree: Tree, split: str) -> list[str]:
    files = [file for file in tree.files(FOLDER, (".parquet",)) if file.startswith(split)]
    of = {int(match[1]) for file in files if (match := re.search(r"-of-(\d+)\.parquet$", file))}
    if of and max(of) != len(files):
        raise UserError(
            f"{tree.root / FOLDER} holds {len(files)} of {max(of)} files of the {split} split. "
            "Download the others, too."
        )
    return files
