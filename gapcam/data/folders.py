"""Pictures in one folder a class, split by folders, by lists, or by numbers a class at random.

    root/train/<class>/*.jpg             split by folders: train/ with test/, val/, or both
    root/test/<class>/*.jpg
    root/<pictures>/<class>/*.jpg        split by two lists, or at random
    root/<pictures>/riding_a_bike_012.jpg                  the class is in the name
    root/TrainImages.txt                 bedroom/b1.jpg    a list: paths below `pictures`
    root/<annotations>/riding_a_bike_012.xml               boxes, if there are some

The data sets of the paper's Table 5 are configurations of it, and so is your own.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gapcam.data.draws import divide
from gapcam.data.file_module import FileDataModule, Listing
from gapcam.data.settings import require_whole
from gapcam.data.tree import Layout, Tree
from gapcam.data.voc import VocFolder
from gapcam.errors import UserError

_SPLITS = ("train", "val", "test")
_PICTURE = "*.[jpgbtwJPGBTW][pnimePNIME]*"
"""A picture file: patterns know no alternatives, so these are the first letters of all suffixes."""


class Folders(FileDataModule):
    """A data set of class folders.

    Args:
        title: its name, for messages.
        pictures: folder of the class folders below the root; "" for the root itself. Where it
            holds pictures instead, their class is the name up to the last underscore.
        train_per_class: so many pictures of each class, drawn at random, train; null: lists or
            folders say which.
        test_per_class: so many of the others test; null: all of them.
        split: number of the random split, from 1 on; each is the same on every machine.
        splits: how many random splits the protocol averages over.
        train_list: file below the root with the training pictures, a path a line.
        test_list: the same of the test pictures.
        without: classes that are left out, such as a background class; case does not matter.
        annotations: folder of VOC XML files with boxes, named like the pictures; null if none.
        published: official counts of `train`, `test` and `classes`.
        kwargs: see `FileDataModule`.

    Raises:
        UserError: if a setting is out of range.
    """

    def __init__(
        self,
        *,
        title: str,
        pictures: str = "",
        train_per_class: int | None = None,
        test_per_class: int | None = None,
        split: int = 1,
        splits: int = 1,
        train_list: str | None = None,
        test_list: str | None = None,
        without: Sequence[str] | str = (),
        annotations: str | None = None,
        published: Mapping[str, int] | None = None,
        **kwargs: Any,
    ) -> None:
        without = [str(name) for name in ([without] if isinstance(without, str) else without)]
        choices = {
            "pictures": pictures,
            "protocol": [train_per_class, test_per_class, split, train_list, test_list],
            "without": list(without),
            "annotations": annotations,
        }
        super().__init__(choices=choices, **kwargs)
        require_whole("split", split, 1)
        require_whole("splits", splits, 1)
        if split > splits:
            raise UserError(f"data.split must be 1 to data.splits={splits}; got {split}")
        require_whole("train_per_class", train_per_class, 1, null="lists or folders say which")
        require_whole("test_per_class", test_per_class, 1, null="all others")
        if not isinstance(pictures, str) or Path(pictures).is_absolute():
            raise UserError(f"data.pictures is a folder below data.root; got {pictures!r}")
        if test_per_class is not None and train_per_class is None:
            raise UserError(
                "data.test_per_class draws from what data.train_per_class leaves: give both"
            )
        if (train_list is None) != (test_list is None):
            raise UserError("data.train_list and data.test_list are given together, or neither")
        if train_list is not None and train_per_class is not None:
            raise UserError(
                "data.train_per_class draws at random, data.train_list says which: set one to null"
            )
        self.title = title
        self.pictures = pictures
        self.train_per_class = train_per_class
        self.test_per_class = test_per_class
        self.split = split
        self.splits = splits
        self.lists = {"train": train_list, "test": test_list} if train_list and test_list else {}
        self.without = {name.casefold(): name for name in without}
        self.annotations = annotations
        self.published = dict(published or {})
        self.remedy = f"docs/data/README.md leads to the page of {title}, with its folders."
        if self.lists:
            self.layouts = (Layout("class folders", (pictures or ".", *self.lists.values())),)
        elif pictures:
            self.layouts = (Layout("class folders", (f"{pictures}/*",)),)
        else:
            self.layouts = (
                Layout("split folders", ("train/*/", "test/*/")),
                Layout("split folders", ("train/*/", "val/*/")),
                Layout("class folders", (f"*/{_PICTURE}",)),
            )

    def repetitions(self) -> list[dict[str, Any]]:
        if self.train_per_class is None:
            return [{}]  # lists or folders know one split
        return [{"split": number} for number in range(1, self.splits + 1)]

    def train_choices(self) -> str:
        train = {key: value for key, value in self.choices.items() if key != "annotations"}
        return json.dumps(["Folders", train], sort_keys=True)

    def read_classes(self, tree: Tree) -> list[str]:
        folder = "train" if tree.layout == "split folders" else self.pictures
        found = tree.folders(folder) or [class_of(file) for file in tree.files(folder)]
        strangers = self.without.keys() - {name.casefold() for name in found}
        if strangers:
            raise UserError(
                f"data.without names {sorted(self.without[key] for key in strangers)}, but no such "
                f"class is in {tree.root / folder}: mend the name, or set data.without=[]"
            )
        names = sorted({name for name in found if not self._is_out(name)})
        if len(names) < 2:
            raise UserError(
                f"{tree.root / folder} holds {len(names)} class folders: expected one a class, two "
                f"at least. {self.remedy}"
            )
        if len(names) > self.published.get("classes", len(names)):
            raise UserError(
                f"{self.title} has {self.published['classes']} classes, but {tree.root / folder} "
                f"holds {len(names)} ({', '.join(names[:4])}, …): give the folder of {self.title} "
                "alone as data.root, or name what is no class of it in data.without"
            )
        return names

    def read_splits(self, tree: Tree, class_names: list[str]) -> Mapping[str, Listing]:
        pool = dict(self._pool(tree, class_names))
        if self.lists:
            seen: set[str] = set()
            chosen = {
                split: list(self._listed(tree, where, pool, seen))
                for split, where in self.lists.items()
            }
        elif self.train_per_class is not None:
            chosen = self._drawn(pool, class_names)
        elif tree.layout == "split folders":
            chosen = {s: [p for p in pool if p.startswith(f"{s}/")] for s in _splits(tree)}
        else:
            raise UserError(
                f"Nothing says which pictures of {tree.root} train: give data.train_per_class=..., "
                "data.train_list and data.test_list, or folders train/ and test/"
            )
        boxes = VocFolder(tree, self.annotations, self.pictures)
        return {
            split: Listing(self.pictures, (boxes.entry(name, pool[name]) for name in names))
            for split, names in chosen.items()
        }

    def _pool(self, tree: Tree, class_names: Sequence[str]) -> Iterator[tuple[str, int]]:
        """All pictures with their labels, by path below `pictures`."""
        rank = {name: label for label, name in enumerate(class_names)}
        if tree.layout == "split folders":
            for split in _splits(tree):
                yield from self._in_class_folders(tree, split, rank)
        elif tree.folders(self.pictures):
            yield from self._in_class_folders(tree, "", rank)
        else:
            for file in tree.files(self.pictures):
                if class_of(file) in rank:
                    yield file, rank[class_of(file)]

    def _in_class_folders(
        self, tree: Tree, split: str, rank: Mapping[str, int]
    ) -> Iterator[tuple[str, int]]:
        # Copies of Scene-15 have train/Coast and test/coast.
        folded = {name.casefold(): label for name, label in rank.items()}
        base = _join(self.pictures, split)
        for name in tree.folders(base):
            if self._is_out(name):
                continue
            label = rank.get(name, folded.get(name.casefold()))
            if label is None:
                tree.fault(
                    "unknown class",
                    _join(base, name),
                    "train/ has no folder of this name. Rename one of them, or remove this one.",
                )
                continue
            files = tree.files(_join(base, name))
            if not files:
                tree.fault(
                    "empty class",
                    _join(base, name),
                    "this folder holds no pictures. Unpack it again, or remove it.",
                )
            for file in files:
                yield _join(split, name, file), label

    def _is_out(self, name: str) -> bool:
        return name.casefold() in self.without

    def _drawn(self, pool: Mapping[str, int], class_names: Sequence[str]) -> dict[str, list[str]]:
        by_class: list[list[str]] = [[] for _ in class_names]
        for name, label in pool.items():
            by_class[label].append(name)
        chosen: dict[str, list[str]] = {"train": [], "test": []}
        assert self.train_per_class is not None
        needed = self.train_per_class + (self.test_per_class or 1)
        for label, names in enumerate(by_class):
            if len(names) < needed:
                raise UserError(
                    f"Class {class_names[label]} of {self.title} has {len(names)} pictures, but "
                    f"the protocol needs {self.train_per_class} to train and "
                    f"{self.test_per_class or 'at least 1'} to test: lower data.train_per_class, "
                    "or unpack this class again"
                )
            train, others = divide(names, self.train_per_class, self.split, label)
            test, _ = divide(others, self.test_per_class or len(others), self.split, label)
            chosen["train"] += train
            chosen["test"] += test
        return chosen

    def _listed(
        self, tree: Tree, where: str, pool: Mapping[str, int], seen: set[str]
    ) -> Iterator[str]:
        """Pictures of a list; `seen` are those that this one or another has named before."""
        for line in tree.lines(where):
            name = line.replace("\\", "/").removeprefix("./")
            folder, _, rest = name.partition("/")
            if name in seen:
                tree.fault(
                    "listed twice", where, f"{name} appears again, here or in the other list."
                )
            elif name in pool:
                yield name
            elif not self._is_out(folder if rest else class_of(name)):
                tree.fault(
                    "missing picture",
                    _join(self.pictures, name),
                    f"{where} lists it, but it is not there. Unpack the pictures again.",
                )
            seen.add(name)


def class_of(file: str) -> str:
    """Class of a picture in a folder of all classes: `riding_a_bike_012.jpg` -> `riding_a_bike`."""
    return re.sub(r"_[^_]*$", "", file)


def _splits(tree: Tree) -> list[str]:
    """Splits that have class folders; pictures without labels lie in test/ itself at times."""
    return [split for split in _SPLITS if tree.has(split) and tree.folders(split)]


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)
