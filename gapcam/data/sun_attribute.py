"""SUN Attribute: 14,340 pictures of scenes, and who saw which of 102 attributes in them.

    root/
      SUNAttributeDB/images.mat                        images: names such as a/abbey/sun_*.jpg
      SUNAttributeDB/attributes.mat                    attributes: names such as sailing/ boating
      SUNAttributeDB/attributeLabels_continuous.mat    labels_cv: pictures x attributes
      images/<letter>/<scene>[/<kind>]/sun_*.jpg

Three people voted on each picture and attribute; `labels_cv` is the share that saw it. To a network
it is one attribute at a time: pictures with it and without it. A study takes one after the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat
from torch.utils.data import DataLoader

from gapcam.data.dataset import LocalizationDataset
from gapcam.data.draws import divide
from gapcam.data.file_module import FileDataModule, Listing
from gapcam.data.index import Entry
from gapcam.data.settings import require_whole
from gapcam.data.tree import Layout, Tree
from gapcam.errors import UserError

ALL = "all"
"""For `attribute`: one after the other, in a study."""

_TOLERANCE = 0.01
"""Votes are thirds, which nobody can write down exactly."""

_FOLDERS = {
    "official": ("SUNAttributeDB", "images"),
    "archives": ("SUNAttributeDB", "SUNAttributeDB_Images/images"),
    "one folder": ("", "images"),
}
"""Of the .mat files and of the pictures, by the name of the layout."""


class Votes(NamedTuple):
    """The database: `names` of N pictures, A `attributes`, and `votes` in 0..1, `(N, A)`."""

    names: list[str]
    attributes: list[str]
    votes: NDArray[np.float64]


class SunAttribute(FileDataModule):
    """Pictures with and without one attribute; the split is drawn here, none is published with it.

    Pictures that nobody saw the attribute in are negative, those of at least `positive` of the
    votes positive; the others are left out.

    Args:
        attribute: its name, and a wrong one is answered with those that are like it; or `all`, for
            a study of one after the other: then the splits are those of the first, and no network
            trains or is tested on them.
        positive: share of the votes that makes a picture positive.
        train_per_class: so many positive and as many negative pictures train, the others test.
        split: number of the random split, from 1 on.
        splits: over how many random splits the protocol averages.
        kwargs: see `FileDataModule`.

    Raises:
        UserError: if a setting is out of range.
    """

    title = "SUN Attribute"
    measure = "average_precision"
    layouts = tuple(
        Layout(name, (str(PurePosixPath(labels, "images.mat")), f"{pictures}/?/*/"))
        for name, (labels, pictures) in _FOLDERS.items()
    )
    remedy = "Get it: python -m gapcam.data get data=sun_attribute to=<folder>"

    def __init__(
        self,
        *,
        attribute: str | None,
        positive: float = 2 / 3,
        train_per_class: int = 150,
        split: int = 1,
        splits: int = 10,
        **kwargs: Any,
    ) -> None:
        attribute = ALL if str(attribute).strip().lower() == ALL else attribute
        choices = {"attribute": attribute, "protocol": [positive, train_per_class, split]}
        super().__init__(choices=choices, **kwargs)
        if not 1 <= split <= splits:
            raise UserError(f"data.split must be 1 to data.splits={splits}; got {split}")
        require_whole("train_per_class", train_per_class, 1)
        if not _TOLERANCE < positive <= 1:
            raise UserError(f"data.positive must be above 0 and at most 1; got {positive}")
        self.attribute = attribute
        self.positive = positive
        self.train_per_class = train_per_class
        self.split = split
        self.splits = splits

    def repetitions(self) -> list[dict[str, Any]]:
        """The splits of the one attribute, or all attributes that have enough pictures."""
        if self.attribute == ALL:
            return [{"attribute": name} for name in self._usable(self.votes())]
        return [{"split": number} for number in range(1, self.splits + 1)]

    def describe(self) -> str:
        first = f"{self.class_names[1].removeprefix('with ')!r}, the first of all attributes: "
        return (first if self.attribute == ALL else "") + super().describe()

    def notes(self) -> list[str]:
        return [*super().notes(), *self._attributes_left_out()]

    def train_loader(self, *args: Any, **kwargs: Any) -> DataLoader[Any]:
        self._require_one()
        return super().train_loader(*args, **kwargs)

    def evaluation_loader(self, split: LocalizationDataset) -> DataLoader[Any]:
        self._require_one()
        return super().evaluation_loader(split)

    def votes(self) -> Votes:
        """All votes on all attributes, whatever `attribute` is.

        Raises:
            UserError: if they are missing or broken.
        """
        return _read_votes(self.find())

    def read_classes(self, tree: Tree) -> list[str]:
        found = _read_votes(tree)
        name = found.attributes[self._column(found)]
        return [f"without {name}", f"with {name}"]

    def read_splits(self, tree: Tree, class_names: list[str]) -> Mapping[str, Listing]:
        found = _read_votes(tree)
        _check_names(tree, found.names)
        column = self._column(found)
        classes = [
            sorted({found.names[row] for row in np.flatnonzero(is_member[:, column])})
            for is_member in self._members(found)
        ]
        chosen: dict[str, list[Entry]] = {"train": [], "test": []}
        for label, members in enumerate(classes):
            if len(members) <= self.train_per_class:
                raise UserError(
                    f"{len(members)} pictures are {class_names[label]}, but "
                    f"data.train_per_class={self.train_per_class} of them train and at least one "
                    "tests: lower it"
                )
            parts = divide(members, self.train_per_class, self.split, label)
            for split, part in zip(chosen, parts, strict=True):
                chosen[split] += [Entry(name, label) for name in part]
        folder = _FOLDERS[tree.layout][1]
        return {split: Listing(folder, entries) for split, entries in chosen.items()}

    def _members(self, found: Votes) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which pictures are without, and with each attribute, `(N, A)` each."""
        return found.votes < _TOLERANCE, found.votes > self.positive - _TOLERANCE

    def _usable(self, found: Votes) -> list[str]:
        """Attributes that leave a picture of each class to test."""
        least = np.minimum(*(is_member.sum(0) for is_member in self._members(found)))
        return [
            name
            for name, count in zip(found.attributes, least, strict=True)
            if count > self.train_per_class
        ]

    def _attributes_left_out(self) -> Iterator[str]:
        if self.attribute != ALL:
            return
        found = self.votes()
        left_out = sorted(set(found.attributes) - set(self._usable(found)))
        if left_out:
            yield (
                f"{len(left_out)} of {len(found.attributes)} attributes are left out, as no more "
                f"than {self.train_per_class} pictures are with or without: {', '.join(left_out)}"
            )

    def _require_one(self) -> None:
        """Refuse a network that would train or be tested on the first attribute, unasked."""
        if self.attribute == ALL:
            raise UserError(
                "data.attribute=all is for python -m gapcam.study; a network trains and is tested "
                "on one attribute: give its name"
            )

    def _column(self, found: Votes) -> int:
        there = {name.lower(): column for column, name in enumerate(found.attributes)}
        wanted = str(self.attribute or "").strip().lower()
        if wanted == ALL:
            # The first that has enough pictures; where none has, the first says how many it has.
            wanted = next(iter(self._usable(found)), found.attributes[0]).lower()
        if wanted not in there:
            alike = get_close_matches(wanted, there)
            raise UserError(
                "data.attribute must be all, for a study of one after the other, or "
                f"one of {len(there)} attributes; got {self.attribute}. "
                + ("Like it: " if alike else "They are: ")
                + ", ".join(alike or there)
            )
        return there[wanted]


def _check_names(tree: Tree, names: Sequence[str]) -> None:
    labels, pictures = _FOLDERS[tree.layout]
    folders = sorted({str(PurePosixPath(name).parent) for name in names})
    there = {
        f"{folder}/{file}"
        for folder in folders
        if tree.has(f"{pictures}/{folder}")
        for file in tree.files(f"{pictures}/{folder}")
    }
    seen = set()
    for name in names:
        if name in seen:
            tree.fault("listed twice", f"{labels}/images.mat".lstrip("/"), f"{name} appears again.")
        elif name not in there:
            tree.fault(
                "missing picture",
                f"{pictures}/{name}",
                "images.mat lists it, but it is not there. Unpack the pictures again.",
            )
        seen.add(name)


def _read_votes(tree: Tree) -> Votes:
    names = [name.lstrip("/") for name in _strings(tree, "images.mat", "images")]
    attributes = _strings(tree, "attributes.mat", "attributes")
    votes = _variable(tree, "attributeLabels_continuous.mat", "labels_cv")
    shape = (len(names), len(attributes))
    if (
        votes.shape != shape
        or votes.dtype.kind not in "fiu"
        or not ((votes >= 0) & (votes <= 1)).all()
    ):
        raise UserError(
            f"labels_cv of attributeLabels_continuous.mat in {tree.root} must be {shape[0]} "
            f"pictures x {shape[1]} attributes in 0..1; got {votes.dtype} {votes.shape}, or other "
            "numbers. Unpack the three .mat files again"
        )
    return Votes(names, attributes, votes.astype(np.float64))


def _strings(tree: Tree, file: str, key: str) -> list[str]:
    cells = _variable(tree, file, key)
    try:
        return [str(cell.item()).strip() for cell in cells.ravel()]
    except (AttributeError, ValueError) as error:
        raise UserError(
            f"{key} of {file} in {tree.root} must be a cell array of strings; {error}"
        ) from error


def _variable(tree: Tree, file: str, key: str) -> NDArray[Any]:
    where = str(PurePosixPath(_FOLDERS[tree.layout][0], file))
    if not tree.has(where):
        raise UserError(f"{tree.root / where} is missing. {SunAttribute.remedy}")
    try:
        found = loadmat(tree.root / where)
    except Exception as error:  # SciPy raises many kinds for files that are cut short
        raise UserError(
            f"{tree.root / where} cannot be read: {error}. Unpack this file again"
        ) from error
    if key not in found:
        names = [name for name in found if not name.startswith("__")]
        raise UserError(f"{tree.root / where}: expected a variable {key}, but it holds {names}")
    values: NDArray[Any] = found[key]
    return values
