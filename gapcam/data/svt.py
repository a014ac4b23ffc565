"""Street View Text: street pictures with boxes around words, told from scene pictures without.

    root/
      train.xml, test.xml
        <tagset>
          <image>
            <imageName>img/00_00.jpg</imageName>
            <Resolution x="1280" y="880"/>
            <taggedRectangles>
              <taggedRectangle height="75" width="236" x="375" y="253">
                <tag>LIVING</tag>
      img/*.jpg

It has no pictures without text: they come from another data set, up to three folders deep.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from gapcam.data.draws import divide
from gapcam.data.file_module import FileDataModule, Listing
from gapcam.data.index import Entry
from gapcam.data.settings import require_whole
from gapcam.data.tree import Layout, Tree
from gapcam.data.voc import parse_xml
from gapcam.errors import UserError

_DEPTH = 3
"""Folders below `negatives` that are read: SUN397 has letter/scene/kind."""


class SVT(FileDataModule):
    """Pictures with text against pictures without, as in Section 4.2 of the paper.

    Args:
        negatives: a folder of pictures without text, such as a scene data set.
        negatives_count: so many of them are drawn, the same on every machine; null: all.
        positives: `official`: train.xml trains and test.xml tests; `all`: as in the paper all of
            them train. They are then tested on too, as no others are left.
        kwargs: see `FileDataModule`.

    Raises:
        UserError: if a setting is missing or out of range.
    """

    title = "Street View Text"
    layouts = (Layout("official", ("train.xml", "test.xml", "img")),)
    remedy = "Get it: python -m gapcam.data get data=svt to=<folder>"

    def __init__(
        self,
        *,
        negatives: str | Path | None,
        negatives_count: int | None = None,
        positives: str = "official",
        **kwargs: Any,
    ) -> None:
        if negatives is None:
            raise UserError(
                "data.negatives is not set: Street View Text has no pictures without text. Give a "
                "folder of scene pictures, such as data.negatives=data/SUN397"
            )
        if positives not in ("official", "all"):
            raise UserError(f"data.positives must be official or all; got {positives!r}")
        require_whole("negatives_count", negatives_count, 2, null="all")
        self.negatives = Path(negatives).expanduser().absolute()
        self.negatives_count = negatives_count
        self.positives = positives
        choices = {"negatives": [str(self.negatives), negatives_count], "positives": positives}
        super().__init__(choices=choices, **kwargs)

    def train_choices(self) -> str:
        # The negatives lie elsewhere on every machine.
        return f"SVT {self.positives} {self.negatives_count}"

    def notes(self) -> list[str]:
        trained_on = "the pictures with text that are tested were trained on (data.positives=all)"
        return [*super().notes(), *([trained_on] if self.positives == "all" else [])]

    def read_classes(self, tree: Tree) -> list[str]:
        return ["no text", "text"]

    def read_splits(self, tree: Tree, class_names: list[str]) -> Mapping[str, Listing]:
        seen: set[str] = set()
        train = list(_with_text(tree, "train.xml", seen))
        test = list(_with_text(tree, "test.xml", seen))
        if self.positives == "all":
            train = test = train + test
        share = len(train) / max(len(train) + len(test), 1)
        without = self._without_text(tree, share)
        return {
            "train": Listing("", [*train, *without["train"]]),
            "test": Listing("", [*test, *without["test"]]),
        }

    def _without_text(self, tree: Tree, share: float) -> dict[str, list[Entry]]:
        """Negatives, of which a share trains and the others test."""
        folder = self.negatives.as_posix()
        if not tree.has(folder) or not self.negatives.is_dir():
            raise UserError(f"data.negatives={folder} is no folder: expected one of pictures")
        if (tree.root / "img").resolve().is_relative_to(self.negatives.resolve()):
            raise UserError(
                f"data.negatives={folder} holds the pictures with text in {tree.root / 'img'} too: "
                "give a folder of pictures without text"
            )
        files = sorted(_pictures(tree, folder, _DEPTH))
        count = len(files) if self.negatives_count is None else self.negatives_count
        if not 2 <= count <= len(files):
            raise UserError(
                f"data.negatives={folder} holds {len(files)} pictures, looked for up to {_DEPTH} "
                "folders deep: expected 2 at least, and data.negatives_count, if given, from 2 to "
                f"what is there; it is {self.negatives_count}"
            )
        drawn, _ = divide(files, count, 0)
        train, test = divide(drawn, min(max(round(count * share), 1), count - 1), 1)
        # They lie in another place than the positives, and a listing has one folder. Joined to it,
        # an absolute path stands for itself.
        return {
            "train": [Entry(file, 0) for file in train],
            "test": [Entry(file, 0) for file in test],
        }


def _pictures(tree: Tree, folder: str, depth: int) -> Iterator[str]:
    yield from (f"{folder}/{file}" for file in tree.files(folder))
    if depth:
        for name in tree.folders(folder):
            yield from _pictures(tree, f"{folder}/{name}", depth - 1)


def _with_text(tree: Tree, where: str, seen: set[str]) -> Iterator[Entry]:
    tree.has(where)  # so that the index notices changes: the parser reads past the tree
    images = parse_xml(tree.root / where).findall("image")
    if not images:
        raise UserError(f"{tree.root / where}: expected <image> elements in it. Unpack it again.")
    there = {f"img/{file}" for file in tree.files("img")}
    for image in images:
        name = image.findtext("imageName", "").strip()
        if name in seen:
            tree.fault("listed twice", where, f"{name} appears again; every picture has one entry.")
        elif name not in there:
            tree.fault("missing picture", name, f"{where} lists it. Unpack img/ again.")
        else:
            try:
                yield _entry(tree, name, image)
            except ValueError as error:
                tree.fault(
                    "broken annotation",
                    where,
                    f"{name}: expected numbers as x and y of its Resolution and as x, y, width, "
                    f"height of each taggedRectangle; {error}.",
                )
        seen.add(name)


def _entry(tree: Tree, name: str, image: ElementTree.Element) -> Entry:
    rectangles = image.findall("taggedRectangles/taggedRectangle")
    words = [" ".join(rectangle.findtext("tag", "").split()) for rectangle in rectangles]
    size = _size(image)
    corners = np.array([_corners(rectangle) for rectangle in rectangles]).reshape(-1, 4)
    boxes = np.clip(corners, 0, [size[1], size[0]] * 2 if all(size) else np.inf)
    is_there = (boxes[:, 2:] > boxes[:, :2]).all(1)
    if not rectangles:
        tree.fault("missing annotation", name, "no word is marked in it, though it shows text.")
    for which in np.flatnonzero(~is_there):
        tree.fault(
            "empty box",
            name,
            f"the box of {words[which]!r}, {corners[which].tolist()} (x0 y0 x1 y1), has no part "
            f"inside the picture of {size[1] or 'unknown'} x {size[0] or 'unknown'} pixels.",
        )
    return Entry(name, 1, boxes[is_there], size, " ".join(words))


def _size(image: ElementTree.Element) -> tuple[int, int]:
    # Spelled with a capital in the official files, without in some copies.
    for child in image:
        if child.tag.lower() == "resolution":
            return int(float(child.get("y", ""))), int(float(child.get("x", "")))
    return 0, 0


def _corners(rectangle: ElementTree.Element) -> NDArray[np.float64]:
    x, y, width, height = (float(rectangle.get(key, "")) for key in ("x", "y", "width", "height"))
    return np.array([x, y, x + width, y + height])
