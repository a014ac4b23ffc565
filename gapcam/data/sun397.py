"""SUN397: 397 scenes, with ten published splits of 50 training and 50 test pictures a class.

    root/
      SUN397/a/abbey/sun_*.jpg
      SUN397/a/apse/indoor/sun_*.jpg      a class may lie one folder deeper
      SUN397/ClassName.txt                /a/abbey
      Partitions/Training_01.txt          /a/abbey/sun_aakbdcgfpksytcwj.jpg
      Partitions/Testing_01.txt           and so on up to Training_10.txt, Testing_10.txt

The lists may also lie in the root, in SUN397/ or in SUN397/Partitions/. Two thirds of the pictures
are in neither list of a split; they are not read.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

from gapcam.data.file_module import FileDataModule, Listing
from gapcam.data.index import Entry
from gapcam.data.settings import require_whole
from gapcam.data.tree import Layout, Tree
from gapcam.errors import UserError

_SPLITS = 10
_PICTURES = {"archive": "SUN397", "class folders": ""}
_LISTS = {
    "archive": ("Partitions", "", "SUN397", "SUN397/Partitions"),
    "class folders": ("Partitions", "", "../Partitions", ".."),
}
"""Where people put the lists, by the name of the layout."""


class SUN397(FileDataModule):
    """SUN397 with one of the ten splits of its authors.

    Args:
        split: number of the published split, 1 to 10.
        partitions: folder of `Training_01.txt` and so on; null: looked for in the usual places.
        kwargs: see `FileDataModule`.

    Raises:
        UserError: if there is no such split.
    """

    title = "SUN397"
    layouts = (
        Layout("archive", ("SUN397/?/*/",)),
        Layout("class folders", ("?/*/sun_*.jpg",)),
    )
    remedy = "It cannot be downloaded by a command: docs/data/sun397.md says what to look for."
    published = {"train": 19_850, "test": 19_850, "classes": 397}
    landmarks = {0: "abbey", 9: "apse/indoor", 396: "youth_hostel"}

    def __init__(
        self, *, split: int = 1, partitions: str | Path | None = None, **kwargs: Any
    ) -> None:
        require_whole("split", split, 1)
        folder = None if partitions is None else Path(partitions).expanduser().absolute()
        choices = {"split": split, "partitions": str(folder)}
        super().__init__(choices=choices, **kwargs)
        if split > _SPLITS:
            raise UserError(f"data.split must be 1 to {_SPLITS}; got {split}")
        self.split = split
        self.partitions = None if partitions is None else Path(partitions).expanduser().absolute()

    def repetitions(self) -> list[dict[str, Any]]:
        return [{"split": number} for number in range(1, _SPLITS + 1)]

    def train_choices(self) -> str:
        return f"SUN397 split {self.split}"  # the lists lie elsewhere on every machine

    def read_classes(self, tree: Tree) -> list[str]:
        self.scenes = self._listed_scenes(tree) or sorted(_scene_folders(tree))
        if not self.scenes:
            raise UserError(f"No class folder in {tree.root} holds a picture. {self.remedy}")
        # The letter says nothing: a/apse/indoor -> apse/indoor.
        return [scene.partition("/")[2] for scene in self.scenes]

    def read_splits(self, tree: Tree, class_names: list[str]) -> Mapping[str, Listing]:
        folder = _PICTURES[tree.layout]
        pictures = {scene: _files(tree, scene) for scene in self.scenes}
        seen: dict[str, str] = {}
        return {
            split: Listing(folder, self._entries(tree, self._list(tree, name), pictures, seen))
            for split, name in (("train", "Training"), ("test", "Testing"))
        }

    def _listed_scenes(self, tree: Tree) -> list[str]:
        """Classes of ClassName.txt; none if there is no such file."""
        where = _find(tree, (_PICTURES[tree.layout], *self._places(tree)), "ClassName.txt")
        if where is None:
            return []
        scenes = [line.lstrip("/") for line in tree.lines(where)]
        for number, (before, scene) in enumerate(pairwise(["", *scenes]), start=1):
            if "/" not in scene or before >= scene:
                raise UserError(
                    f"{tree.root / where}, line {number}: expected classes such as /a/abbey, each "
                    f"once and sorted; got {scene!r} after {before!r}. {self.remedy}"
                )
        return scenes

    def _places(self, tree: Tree) -> Sequence[str]:
        return [str(self.partitions)] if self.partitions else _LISTS[tree.layout]

    def _list(self, tree: Tree, name: str) -> str:
        places = self._places(tree)
        where = _find(tree, places, f"{name}_{self.split:02}.txt")
        if where is None:
            folders = ", ".join(str(tree.root / place) for place in places)
            raise UserError(
                f"{name}_{self.split:02}.txt of the published splits is in none of {folders}: put "
                "Partitions/ beside SUN397/, or say where it is: data.partitions=<folder>"
            )
        return where

    def _entries(
        self, tree: Tree, where: str, pictures: Mapping[str, set[str]], seen: dict[str, str]
    ) -> Iterator[Entry]:
        rank = {scene: label for label, scene in enumerate(self.scenes)}
        for line in sorted(tree.lines(where)):
            name = line.lstrip("/")
            scene, _, file = name.rpartition("/")
            if name in seen:
                tree.fault("listed twice", where, f"{line} was listed before, in {seen[name]}.")
            elif scene not in rank:
                tree.fault(
                    "unknown class",
                    where,
                    f"expected /letter/class/picture.jpg of one of {len(rank)} classes: {line!r}",
                )
            elif file not in pictures[scene]:
                tree.fault(
                    "missing picture",
                    str(PurePosixPath(_PICTURES[tree.layout], name)),
                    f"{where} lists it, but it is not there. Unpack this class again.",
                )
            else:
                yield Entry(name, rank[scene])
            seen[name] = where


def _find(tree: Tree, places: Sequence[str], file: str) -> str | None:
    paths = (str(PurePosixPath(place, file)) for place in places)
    return next((path for path in paths if tree.has(path)), None)


def _scene_folders(tree: Tree) -> Iterator[str]:
    """Folders that hold pictures, without knowing how deep they lie."""
    top = _PICTURES[tree.layout]
    waiting = [letter for letter in tree.folders(top) if len(letter) == 1]
    while waiting:
        scene = waiting.pop()
        if "/" in scene and _files(tree, scene):
            yield scene
        waiting += [f"{scene}/{name}" for name in tree.folders(str(PurePosixPath(top, scene)))]


def _files(tree: Tree, scene: str) -> set[str]:
    where = str(PurePosixPath(_PICTURES[tree.layout], scene))
    return set(tree.files(where)) if tree.has(where) else set()
