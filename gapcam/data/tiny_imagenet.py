"""Tiny ImageNet: 200 classes of ImageNet at 64x64 pixels, with a box for each picture.

    root/
      wnids.txt                            n02124075
      words.txt                            n02124075<tab>Egyptian cat
      train/<wnid>/images/*.JPEG
      train/<wnid>/<wnid>_boxes.txt        n02124075_0.JPEG<tab>0<tab>10<tab>63<tab>58
      val/images/*.JPEG                    or sorted into folders: val/<wnid>/images/*.JPEG
      val/val_annotations.txt              val_0.JPEG<tab>n02124075<tab>0<tab>10<tab>63<tab>58
      test/images/*.JPEG                   labels not public: the validation split stands in

The class index is the rank of the sorted WordNet ids; wnids.txt is not sorted. Corners are
inclusive.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapcam.data.file_module import FileDataModule, Listing
from gapcam.data.index import Entry
from gapcam.data.tree import Layout, Tree
from gapcam.data.voc import half_open

_SIZE = (64, 64)
_NO_BOX = np.zeros((0, 4), np.float32)
Box = NDArray[np.float32]


class TinyImageNet(FileDataModule):
    """Tiny ImageNet: 100,000 training and 10,000 validation pictures.

    Args:
        kwargs: see `FileDataModule`.
    """

    title = "Tiny ImageNet"
    layouts = (Layout("official", ("wnids.txt", "train", "val")),)
    remedy = "Get it: python -m gapcam.data get data=tiny_imagenet to=<folder>"
    published = {"train": 100_000, "val": 10_000, "classes": 200}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices={}, **kwargs)

    def read_classes(self, tree: Tree) -> list[str]:
        self.wnids = sorted(tree.lines("wnids.txt"))
        words = dict(line.split("\t", 1) for line in tree.lines("words.txt") if "\t" in line)
        return [words.get(wnid, wnid).split(",")[0].strip() for wnid in self.wnids]

    def read_splits(self, tree: Tree, class_names: list[str]) -> Mapping[str, Listing]:
        rank = {wnid: label for label, wnid in enumerate(self.wnids)}
        return {
            "train": Listing("train", self._train(tree, rank)),
            "val": Listing("val", self._val(tree, rank)),
        }

    def _train(self, tree: Tree, rank: Mapping[str, int]) -> Iterator[Entry]:
        for wnid in tree.folders("train"):
            if wnid not in rank:
                tree.fault("unknown class", f"train/{wnid}", "wnids.txt does not list this class.")
                continue
            boxes = _boxes(tree, f"train/{wnid}/{wnid}_boxes.txt", 5)
            for file in tree.files(f"train/{wnid}/images"):
                if file not in boxes:
                    _unannotated(tree, f"train/{wnid}/images/{file}")
                else:
                    yield Entry(f"{wnid}/images/{file}", rank[wnid], boxes.pop(file)[1], _SIZE)
            for name in boxes:
                _missing(tree, f"train/{wnid}/images/{name}")

    def _val(self, tree: Tree, rank: Mapping[str, int]) -> Iterator[Entry]:
        # By name alone: scripts that make class folders differ in where they put them.
        there = {path.rpartition("/")[2]: path for path in _walk(tree, "val")}
        wnid_of = {name: _wnid(path, rank) for name, path in there.items()}
        if tree.has("val/val_annotations.txt") or not all(wnid_of.values()):
            truth = _boxes(tree, "val/val_annotations.txt", 6)
        else:
            truth = {name: (wnid, _NO_BOX) for name, wnid in wnid_of.items()}
        for name in sorted(there.keys() | truth.keys()):
            if name not in there:
                _missing(tree, f"val/images/{name}")
            elif name not in truth:
                _unannotated(tree, there[name])
            elif truth[name][0] not in rank:
                tree.fault("unknown class", there[name], f"wnids.txt lists no {truth[name][0]}.")
            elif wnid_of[name] not in ("", truth[name][0]):
                tree.fault(
                    "label",
                    there[name],
                    f"val_annotations.txt says that it shows {truth[name][0]}. Unpack val/ again.",
                )
            else:
                wnid, box = truth[name]
                yield Entry(there[name].removeprefix("val/"), rank[wnid], box, _SIZE)


def _walk(tree: Tree, where: str) -> Iterator[str]:
    """Paths of all pictures in a folder and below it."""
    yield from (f"{where}/{file}" for file in tree.files(where))
    for folder in tree.folders(where):
        yield from _walk(tree, f"{where}/{folder}")


def _wnid(path: str, rank: Mapping[str, int]) -> str:
    """Class folder in which a picture lies; "" if in none."""
    return next((part for part in path.split("/") if part in rank), "")


def _boxes(tree: Tree, where: str, fields: int) -> dict[str, tuple[str, Box]]:
    """Lines `name [wnid] x0 y0 x1 y1`, by tabs -> WordNet id ("" if not given) and box, by name."""
    rows: dict[str, tuple[str, Box]] = {}
    for number, line in enumerate(tree.lines(where), start=1):
        name, *rest = line.split("\t")
        corners = rest[-4:]
        if len(rest) != fields - 1 or not all(word.isdigit() for word in corners):
            tree.fault(
                "broken list", where, f"line {number}: expected {fields} fields by tabs: {line!r}"
            )
        elif name in rows:
            tree.fault("listed twice", where, f"line {number}: {name} appears again.")
        else:
            wnid = rest[0] if fields == 6 else ""
            rows[name] = (wnid, half_open(np.array([corners], np.float32)))
    return rows


def _missing(tree: Tree, where: str) -> None:
    tree.fault("missing picture", where, "it is annotated, but not there. Unpack it again.")


def _unannotated(tree: Tree, where: str) -> None:
    tree.fault(
        "missing annotation",
        where,
        "no list has a box for it. Remove it, or unpack the list again.",
    )
