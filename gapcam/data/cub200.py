"""Caltech-UCSD Birds-200-2011: 5,994 training and 5,794 test pictures of 200 birds, a box each.

    root/
      images.txt                  1 001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg
      image_class_labels.txt      1 1
      train_test_split.txt        1 0          (1: training)
      bounding_boxes.txt          1 60.0 27.0 325.0 304.0      (x, y, width, height)
      classes.txt                 1 001.Black_footed_Albatross
      images/<class>/*.jpg

Validation pictures, on which a threshold may be chosen, are not part of it: CUBv2 (Choe et al.
2020) has 1,000 others, as `cubv2`; without them the test split stands in.
"""

import csv
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from gapcam.data.file_module import FileDataModule, Listing
from gapcam.data.index import Entry
from gapcam.data.tree import Layout, Tree
from gapcam.data.wsol_lists import read_lists
from gapcam.errors import UserError

Box = tuple[float, float, float, float]


class CUB200(FileDataModule):
    """CUB-200-2011 with the splits and boxes of its authors.

    Args:
        crop: `full` pictures, `bbox` for the true boxes cut out, or the path of a csv file whose
            rows `name,x0,y0,x1,y1` say what to cut out of each picture (half-open, in pixels;
            `name` as in images.txt). True boxes go along, in pixels of what is cut out.
        cubv2: folder that holds CUBv2's pictures and its lists, as wsolevaluation has them.
        kwargs: see `FileDataModule`.
    """

    title = "CUB-200-2011"
    layouts = (Layout("official", ("images.txt", "images")),)
    remedy = "Get it: python -m gapcam.data get data=cub200 to=<folder>"
    published = {"train": 5994, "val": 1000, "test": 5794, "classes": 200}
    landmarks = {0: "Black footed Albatross", 199: "Common Yellowthroat"}

    def __init__(
        self, *, crop: str = "full", cubv2: str | Path | None = None, **kwargs: Any
    ) -> None:
        if not isinstance(crop, str):
            raise UserError(f"data.crop must be full, bbox or the path of a file; got {crop!r}")
        is_file = crop not in ("full", "bbox")
        self.crop = str(Path(crop).expanduser().absolute()) if is_file else crop
        self.cubv2 = None if cubv2 is None else Path(cubv2).expanduser().absolute()
        if self.cubv2 is not None and crop != "full":
            raise UserError("data.cubv2 has whole pictures: it goes with data.crop=full alone")
        super().__init__(choices={"crop": self.crop, "cubv2": str(self.cubv2)}, **kwargs)
        if self.stream is not None and crop != "full":
            raise UserError("data.stream has whole pictures: it goes with data.crop=full alone")

    def train_choices(self) -> str:
        return "CUB200"  # crops cannot be in shards

    def read_classes(self, tree: Tree) -> list[str]:
        names = _column(tree, "classes.txt")
        # 001.Black_footed_Albatross: the number is the label, the rest the name.
        return [names[key].partition(".")[2].replace("_", " ") for key in sorted(names, key=int)]

    def read_splits(self, tree: Tree, class_names: list[str]) -> Mapping[str, Listing]:
        entries = list(self._entries(tree))
        splits = {
            "train": Listing("images", (entry for entry, trains in entries if trains)),
            "test": Listing("images", (entry for entry, trains in entries if not trains)),
        }
        if self.cubv2 is not None and not tree.has(str(self.cubv2 / "class_labels.txt")):
            raise UserError(
                f"data.cubv2={self.cubv2} holds no class_labels.txt: docs/data/cub200.md says "
                "where CUBv2 and its lists come from"
            )
        if self.cubv2 is not None:
            splits["val"] = Listing(str(self.cubv2), read_lists(tree, str(self.cubv2)))
        return splits

    def _entries(self, tree: Tree) -> Iterator[tuple[Entry, bool]]:
        names = _column(tree, "images.txt")
        labels = _column(tree, "image_class_labels.txt")
        trains = _column(tree, "train_test_split.txt")
        boxes = _column(tree, "bounding_boxes.txt")
        crops = self._crops(tree)
        folders = _column(tree, "classes.txt")
        there = {f"{d}/{f}" for d in tree.folders("images") for f in tree.files(f"images/{d}")}
        for key, name in names.items():
            if name not in there:
                tree.fault(
                    "missing picture", f"images/{name}", f"images.txt lists it. {self.remedy}"
                )
                continue
            try:
                x, y, width, height = (float(word) for word in boxes[key].split())
                label, is_training = int(labels[key]) - 1, bool(int(trains[key]))
            except (KeyError, ValueError) as error:
                tree.fault(
                    "broken annotation",
                    f"images/{name}",
                    f"label, split or box of picture {key} is missing or no number ({error}) in "
                    "image_class_labels.txt, train_test_split.txt or bounding_boxes.txt.",
                )
                continue
            if folders.get(str(label + 1), "") not in ("", name.partition("/")[0]):
                tree.fault(
                    "label",
                    f"images/{name}",
                    f"image_class_labels.txt says class {label + 1}, {folders[str(label + 1)]}.",
                )
            if self.crop not in ("full", "bbox") and name not in crops:
                tree.fault("missing crop", f"images/{name}", f"{self.crop} does not name it.")
            box = (x, y, x + width, y + height)
            crop = box if self.crop == "bbox" else crops.get(name, (0, 0, 0, 0))
            yield Entry(name, label, [box], crop=crop), is_training
        for name in sorted(there - set(names.values())):
            tree.fault("not listed", f"images/{name}", "no line of images.txt lists this picture.")
        for name in sorted(crops.keys() - set(names.values())):
            tree.fault("missing picture", f"images/{name}", f"{self.crop} names it.")

    def _crops(self, tree: Tree) -> dict[str, Box]:
        if self.crop in ("full", "bbox"):
            return {}
        path = Path(self.crop)
        if not tree.has(str(path)) or path.is_dir():
            raise UserError(
                f"data.crop must be full, bbox or the path of a csv file; there is no {path}"
            )
        try:
            rows = csv.DictReader(StringIO(tree.text(str(path))))
            return {row["name"]: _box(row) for row in rows}
        except (KeyError, ValueError, TypeError) as error:
            raise UserError(f"{path}: expected rows name,x0,y0,x1,y1; {error!r}") from error


def _box(row: Mapping[str, str]) -> Box:
    return float(row["x0"]), float(row["y0"]), float(row["x1"]), float(row["y1"])


def _column(tree: Tree, where: str) -> dict[str, str]:
    """Lines `id rest` -> rest by id, in the order of the file."""
    column: dict[str, str] = {}
    for line in tree.lines(where):
        key, _, rest = line.partition(" ")
        if key in column:
            tree.fault("listed twice", where, f"id {key} appears again: {line!r}")
        column[key] = rest
    return column
