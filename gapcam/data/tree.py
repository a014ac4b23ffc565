"""A data set's folder as its reader sees it: every file it reads is remembered, every fault noted.

What was read tells later whether an index of the folder is still true.
"""

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gapcam.errors import UserError

SUFFIXES = (".jpeg", ".jpg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp")
"""Of picture files; what they really hold is looked at when they are read."""

ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2")
_NEAR = 200
"""Folders looked into when the data are not where they should be."""

Stamp = tuple[int, int] | None
"""Time of change in ns and size in bytes (0 for folders) of a path; None if it is not there."""


class Fault(NamedTuple):
    """Something wrong with the data: its `kind`, the file it concerns, and what to do."""

    kind: str
    where: str
    message: str


class Layout(NamedTuple):
    """A way to arrange a data set: it is there where every mark (a path or a pattern) exists."""

    name: str
    marks: tuple[str, ...]

    def is_in(self, folder: Path) -> bool:
        return all(
            next(folder.glob(mark), None) is not None if "*" in mark else (folder / mark).exists()
            for mark in self.marks
        )

    def leads_through(self, inside: Path) -> bool:
        """Whether a path is on the way to a mark: the user may have gone too far down."""
        way = inside.as_posix()
        return any(mark == way or mark.startswith(f"{way}/") for mark in self.marks)


class Tree:
    """The folder `root`, read by relative paths with forward slashes.

    Attributes:
        layout: name of the layout that was found there.
        stamps: of every path that was asked for.
        faults: in the order they were met.
    """

    def __init__(self, root: Path, layout: str, remedy: str) -> None:
        self.root = root
        self.layout = layout
        self.stamps: dict[str, Stamp] = {}
        self.faults: list[Fault] = []
        self._remedy = remedy

    def has(self, where: str) -> bool:
        """Whether a file or folder is there."""
        return self._stamp(where) is not None

    def folders(self, where: str = "") -> list[str]:
        """Names of the folders in a folder, sorted."""
        return sorted(e.name for e in self._scan(where) if not _hidden(e.name) and e.is_dir())

    def files(self, where: str, suffixes: Sequence[str] = SUFFIXES) -> list[str]:
        """Names of the (picture) files in a folder, sorted."""
        endings = tuple(suffixes)
        # macOS leaves a ._name.jpg beside each name.jpg it copies to a foreign disk.
        names = [
            e.name
            for e in self._scan(where)
            if e.name.lower().endswith(endings) and not _hidden(e.name)
        ]
        for name in [name for name in names if not _is_text(name)]:
            names.remove(name)
            self.fault("name", where, f"the name of {name!a} is no UTF-8: rename this file")
        return sorted(names)

    def annotations(self, where: str, suffix: str = ".xml") -> list[str]:
        """Names of annotation files in a folder, sorted; a change inside one of them is noticed."""
        self._stamp(f"{where}/*{suffix}")
        return self.files(where, (suffix,))

    def text(self, where: str) -> str:
        """A text file.

        Raises:
            UserError: if it is missing or no UTF-8.
        """
        if not self.has(where):
            raise UserError(f"{self.root / where} is missing. {self._remedy}")
        try:
            return (self.root / where).read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise UserError(
                f"{self.root / where} is no UTF-8 text ({error}). {self._remedy}"
            ) from error

    def lines(self, where: str) -> list[str]:
        """Lines of a text file that are not blank; none if there are none.

        Raises:
            UserError: if it is missing or no UTF-8.
        """
        # Not splitlines: captions hold other characters that it takes for ends of lines.
        return [line.strip() for line in self.text(where).split("\n") if line.strip()]

    def fault(self, kind: str, where: str, message: str) -> None:
        """Note something wrong; reading goes on, so that `check` can list all of it."""
        self.faults.append(Fault(kind, where, message))

    def is_as_read(self, stamps: dict[str, Stamp]) -> bool:
        """Whether nothing that was read has changed since."""
        return all(self._stamp(where) == stamp for where, stamp in stamps.items())

    def _scan(self, where: str) -> list[os.DirEntry[str]]:
        if self._stamp(where) is None or not (self.root / where).is_dir():
            raise UserError(f"Folder {self.root / where} is missing. {self._remedy}")
        with os.scandir(self.root / where) as entries:
            return list(entries)

    def _stamp(self, where: str) -> Stamp:
        if where not in self.stamps:
            folder, _, suffix = where.partition("/*")
            path = self.root / where
            try:
                if suffix:
                    self.stamps[where] = _stamp_of_all(self.root / folder, suffix)
                    return self.stamps[where]
                found = path.stat()
                self.stamps[where] = (found.st_mtime_ns, found.st_size if path.is_file() else 0)
            except (FileNotFoundError, NotADirectoryError):
                self.stamps[where] = None
        return self.stamps[where]


def find_layout(root: Path, layouts: Sequence[Layout], title: str, remedy: str) -> Tree:
    """Find a data set in a folder, in one above that leads through it, or up to two levels below.

    Args:
        root: where the user says it is.
        layouts: the ways it may be arranged, the preferred one first.
        title: name of the data set.
        remedy: how to get it.

    Raises:
        UserError: if it is nowhere; says what was looked for and what lies there instead.
    """
    for layout in layouts:
        for folder in (root, *_above(root, layout)):
            if layout.is_in(folder):
                return Tree(folder, layout.name, remedy)
    for folder in _below(root):
        for layout in layouts:
            if layout.is_in(folder):
                return Tree(folder, layout.name, remedy)
    looked = "; or ".join(
        ", ".join(layout.marks) + (f" ({layout.name} layout)" if len(layouts) > 1 else "")
        for layout in layouts
    )
    looked = re.sub(r"\*\.\[.*?\*(?=$|[ ,;])", "*.jpg", looked)
    raise UserError(
        f"data.root={root} does not hold {title}: looked for {looked}. "
        f"{_describe(root)} {_half(root, layouts)}{remedy}"
    )


def _half(root: Path, layouts: Sequence[Layout]) -> str:
    """What is missing of a data set that is there in part."""
    for folder in (root, *_below(root)):
        for layout in layouts:
            marks = [mark for mark in layout.marks if mark != "."]
            there = [mark for mark in marks if "*" not in mark and (folder / mark).exists()]
            absent = [mark for mark in marks if mark not in there]
            is_likely = folder == root or len(there) > 1
            if there and absent and is_likely and not any("*" in mark for mark in absent):
                return (
                    f"{folder} has {', '.join(there)}, but not {', '.join(absent)}: it was not "
                    "unpacked to the end, or something was removed. "
                )
    return ""


def _stamp_of_all(folder: Path, suffix: str) -> Stamp:
    """Digest of names, times and sizes of the files of this kind, and how many there are."""
    with os.scandir(folder) as entries:
        found = [(e.name, e.stat()) for e in entries if e.name.lower().endswith(suffix)]
    text = "".join(
        f"{name} {s.st_mtime_ns} {s.st_size};" for name, s in sorted(found, key=lambda one: one[0])
    )
    digest = hashlib.sha256(text.encode(errors="surrogateescape")).digest()
    return int.from_bytes(digest[:6], "big"), len(found)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _above(root: Path, layout: Layout) -> list[Path]:
    full = root.absolute()
    return [folder for folder in full.parents if layout.leads_through(full.relative_to(folder))]


def _below(root: Path) -> list[Path]:
    near = _subfolders(root) if root.is_dir() else []
    return near + [inner for folder in near for inner in _subfolders(folder)][:_NEAR]


def _subfolders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if e.is_dir() and not _hidden(e.name)]
    except OSError:
        return []
    return [folder / name for name in sorted(names)[:_NEAR]]


def _describe(root: Path) -> str:
    if root.is_file():
        return "It is a file: unpack it, and give the folder."
    if not root.is_dir():
        return "There is no such folder."
    names = sorted(entry.name for entry in os.scandir(root))
    packed = [name for name in names if name.lower().endswith(ARCHIVES)]
    if packed:
        unpack = "unzip" if packed[0].lower().endswith(".zip") else "tar -xf"
        return f"It holds {packed[0]}, still packed: cd {root} && {unpack} {packed[0]}."
    return f"It holds: {', '.join(names[:8]) or 'nothing'}{', …' if len(names) > 8 else ''}."


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"
