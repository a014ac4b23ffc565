"""Which files are meant by `images=`: files, folders and patterns. No torch is needed to answer."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from glob import glob, has_magic
from pathlib import Path
from typing import NamedTuple

from gapcam.errors import UserError

SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp"),
        *(".avif", ".jp2", ".ppm", ".pgm", ".pbm", ".tga", ".mpo"),
        *(".heic", ".heif"),  # of telephones: not read, but not passed over in silence either
    )
)
"""What files are called that are tried where a folder is given."""

RECORD = "explained.jsonl"
"""A folder that holds this file is an earlier result, and no place to look for pictures."""


class PictureFile(NamedTuple):
    """A file to be explained; `name`, its path below what all have in common, is its own."""

    name: str
    path: Path


@dataclass
class Found:
    """Pictures in a fixed order, and how many other files were left alone, by suffix."""

    pictures: list[PictureFile] = field(default_factory=list)
    left_alone: Counter[str] = field(default_factory=Counter)


class _Source(NamedTuple):
    """Something that was asked for, the folder that names start from, and its files."""

    asked: str
    base: str
    paths: list[str]


def split_sources(images: str | Sequence[object]) -> list[str]:
    """Parts of `images=`: a list, or text with commas, unless there is a file of that very name.

    Example:
        >>> split_sources("a.jpg, holidays/")
        ['a.jpg', 'holidays/']
    """
    if not isinstance(images, str):
        return [str(one) for one in images]
    if _exists(images):
        return [images]
    parts = [part if _exists(part) else part.strip() for part in images.split(",")]
    return [part for part in parts if part]


def find_pictures(sources: Sequence[str]) -> Found:
    """Find what is asked for, in the order asked for; folders in the order of names.

    A file that is named outright is always tried; in folders, and where a pattern does not say
    which suffix, those that are called like pictures. Hidden files and earlier results are passed
    over. A file that is asked for twice counts once.

    Raises:
        UserError: if something asked for is not there, or there is no picture at all; says where
            it looked.
    """
    found = Found()
    looked = [_look(source, found.left_alone) for source in sources]
    paths = list(dict.fromkeys(path for source in looked for path in source.paths))
    if not paths:
        raise UserError(_nothing(looked, found.left_alone))
    common = os.path.commonpath([source.base for source in looked])
    found.pictures = [PictureFile(os.path.relpath(path, common), Path(path)) for path in paths]
    return found


def _look(asked: str, left_alone: Counter[str]) -> _Source:
    path = os.path.abspath(os.path.expanduser(asked))  # noqa: PTH100, PTH111 (keeps links as they are)
    if os.path.isdir(path):  # noqa: PTH112
        return _Source(f"{path} (a folder)", path, list(_walk(path, left_alone, set())))
    if os.path.lexists(path):
        return _Source(path, os.path.dirname(path), [path])  # noqa: PTH120
    if not has_magic(path):
        raise UserError(
            f"images: there is no file or folder {asked} (looked for {path}). Give files, folders "
            "or patterns, as in images=photos/,a.jpg or images='photos/*.jpg'"
        )
    matches = sorted(glob(path, recursive=True))  # noqa: PTH207
    if not matches:
        raise UserError(f"images: nothing matches {asked} (looked for {path})")
    suffix = os.path.splitext(asked)[1]  # noqa: PTH122
    any_suffix = bool(suffix) and not has_magic(suffix)
    paths = [one for match in matches for one in _matched(match, any_suffix, left_alone)]
    before_the_pattern = path[: next(i for i, c in enumerate(path) if c in "*?[")]
    return _Source(f"{path} (a pattern)", os.path.dirname(before_the_pattern), paths)  # noqa: PTH120


def _matched(path: str, any_suffix: bool, left_alone: Counter[str]) -> Iterator[str]:
    if os.path.isdir(path):  # noqa: PTH112
        yield from _walk(path, left_alone, set())
    elif any_suffix or _is_called_like_a_picture(path):
        yield path
    else:
        left_alone[_suffix(path)] += 1


def _walk(folder: str, left_alone: Counter[str], seen: set[tuple[int, int]]) -> Iterator[str]:
    """Files below a folder that are called like pictures; links are not followed in circles."""
    try:
        place = os.stat(folder)  # noqa: PTH116
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        yield folder  # reading it will say why it cannot be
        return
    if (place.st_dev, place.st_ino) in seen or any(e.name == RECORD for e in entries):
        return
    seen.add((place.st_dev, place.st_ino))
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            inside = list(_walk(entry.path, left_alone, seen))
            yield from inside or ([entry.path] if _is_called_like_a_picture(entry.name) else [])
        elif _is_called_like_a_picture(entry.name):
            yield entry.path
        else:
            left_alone[_suffix(entry.name)] += 1


def _nothing(looked: Sequence[_Source], left_alone: Counter[str]) -> str:
    places = "; ".join(source.asked for source in looked) or "nowhere: images names nothing"
    others = ", ".join(f"{count} {suffix}" for suffix, count in left_alone.most_common(5))
    return f"No picture found. Looked in {places}." + (
        f" There are other files: {others}. A file that is named outright is tried whatever it is "
        "called"
        if others
        else " Give files, folders or patterns: images=photos/"
    )


def _exists(path: str) -> bool:
    return os.path.lexists(os.path.expanduser(path))  # noqa: PTH111


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower() or "without a suffix"  # noqa: PTH122


def _is_called_like_a_picture(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in SUFFIXES  # noqa: PTH122
