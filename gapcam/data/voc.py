"""Annotations in Pascal VOC's XML, as ILSVRC and Stanford 40 Actions have them."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from gapcam.data.index import Entry
from gapcam.data.tree import Tree
from gapcam.errors import UserError


class Annotation(NamedTuple):
    """Objects of one picture: their `names`, half-open `boxes` `(G, 4)`, and the picture's `size`.

    `size` is height and width, `(0, 0)` if the file does not say.
    """

    names: list[str]
    boxes: NDArray[np.float32]
    size: tuple[int, int]


class VocFolder:
    """A folder of VOC XML files, named like the pictures; or none, and then no picture has a box.

    They lie in class folders as the pictures do, or side by side.

    Args:
        tree: the data set.
        folder: of the XML files below its root.
        pictures: folder of the pictures, for messages.
    """

    def __init__(self, tree: Tree, folder: str | None, pictures: str) -> None:
        self.pictures = pictures
        self.tree = tree
        self.folder = folder
        self.files = {} if folder is None else dict(self._find(folder))
        self.used: dict[str, str] = {}

    def entry(self, name: str, label: int) -> Entry:
        """A picture with its boxes; what is missing or broken goes to `tree.fault`."""
        if self.folder is None:
            return Entry(name, label)
        path = PurePosixPath(name).with_suffix("")
        tails = ["/".join(path.parts[start:]) for start in range(len(path.parts))]
        where = next((self.files[tail] for tail in tails if tail in self.files), None)
        place = str(PurePosixPath(self.pictures, name))
        if where is None:
            self.tree.fault(
                "missing annotation",
                place,
                f"there is no {self.folder}/{path.name}.xml. Unpack the annotations again.",
            )
            return Entry(name, label)
        if self.used.setdefault(where, name) != name:
            self.tree.fault(
                "ambiguous annotation",
                place,
                f"{where} may be of {self.used[where]} or of this picture: put the annotations "
                "into class folders, as the pictures are",
            )
        try:
            found = read_voc(self.tree.root / where)
        except UserError as error:
            self.tree.fault("broken annotation", where, str(error))
            return Entry(name, label)
        return Entry(name, label, found.boxes, found.size)

    def _find(self, folder: str) -> Iterator[tuple[str, str]]:
        """Files by the path of their picture without suffix."""
        for file in self.tree.annotations(folder):
            yield PurePosixPath(file).stem, f"{folder}/{file}"
        for inner in self.tree.folders(folder):
            for file in self.tree.annotations(f"{folder}/{inner}"):
                yield f"{inner}/{PurePosixPath(file).stem}", f"{folder}/{inner}/{file}"


def read_voc(path: Path) -> Annotation:
    """Read one annotation; its corners are inclusive, the boxes half-open.

    Raises:
        UserError: naming the file and, if it is no XML, the line.
    """
    root = parse_xml(path)
    corners = ("xmin", "ymin", "xmax", "ymax")
    try:
        objects = [o for o in root.findall("object") if o.find("bndbox") is not None]
        boxes = [[float(o.findtext(f"bndbox/{c}", "")) for c in corners] for o in objects]
        height, width = (int(float(root.findtext(f"size/{s}") or 0)) for s in ("height", "width"))
    except ValueError as error:
        raise UserError(
            f"{path}: expected objects with a name and bndbox xmin, ymin, xmax, ymax; {error}"
        ) from error
    names = [o.findtext("name", "").strip() for o in objects]
    return Annotation(names, half_open(np.array(boxes, np.float32).reshape(-1, 4)), (height, width))


def parse_xml(path: Path) -> ElementTree.Element:
    """Parse an XML file of a data set.

    Raises:
        UserError: naming the file and the line that is broken.
    """
    try:
        # Local files of a known data set; Python's parser refuses to expand entities without end.
        return ElementTree.parse(path).getroot()  # noqa: S314
    except ElementTree.ParseError as error:
        raise UserError(
            f"{path} is broken XML at line {error.position[0]}: {error}. Unpack this file again."
        ) from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error


def half_open(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Inclusive corners `(G, 4)` -> half-open: one pixel is added to the far corner."""
    return boxes + np.array([0, 0, 1, 1], np.float32)
