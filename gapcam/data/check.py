"""Is a data set on disk what it should be? Checks that need its pictures, and those that do not.

Each check yields findings: faults, which make numbers wrong or runs fail, and notes, which somebody
should know. What the annotations alone reveal was found by the reader (`Tree.faults`).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from gapcam.data.cache import Contents
from gapcam.data.dataset import LocalizationDataset
from gapcam.data.faults import explained, misfit
from gapcam.data.file_module import FileDataModule
from gapcam.data.image_files import ImageFiles
from gapcam.data.look import Looked, looking
from gapcam.errors import UserError

_TAIL = 4096
Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


class Finding(NamedTuple):
    """What a check found: `level` is `fault` or `note`."""

    level: str
    check: str
    where: str
    message: str


def check(
    data: FileDataModule,
    progress: Progress = lambda *_: None,
    deep: bool = False,
    complete: bool = False,
    workers: int = 1,
) -> Iterator[Finding]:
    """Check a data set, reading all of it afresh.

    Args:
        data: not set up yet; afterwards its splits can be used if there was no fault.
        progress: told how far it is.
        deep: decode every picture and compare contents, not headers alone.
        complete: counts other than the published ones are faults, not notes.
        workers: processes that look at pictures.

    Yields:
        Findings, as soon as they are known.
    """
    try:
        with explained(data.title, data.root):
            tree = data.find()
            data.on_progress = lambda count: progress("reading annotations", count, 0)
            contents = data.read(tree)
    except UserError as error:
        yield Finding("fault", "layout", "", str(error))
        return
    noted = [Finding("fault", f.kind, str(tree.root / f.where), f.message) for f in tree.faults]
    yield from noted
    yield from _counts(data, contents, complete)
    yield from _absent_classes(contents)
    data.take(tree, contents)
    splits = {name: data.open_split(name, part) for name, part in contents.splits.items()}
    files = {name: s.files() for name, s in splits.items() if isinstance(s, ImageFiles)}
    with looking(deep, workers, sum(map(len, files.values()))) as look:
        for name, split in splits.items():
            step = _step(progress, f"{name} pictures")
            if isinstance(split, ImageFiles):
                seen = _counting(look(files[name]), step, len(split))
                found = _pictures(split, files[name], seen)
                yield from (one for one in found if one not in noted)
            else:
                yield from _packed(split, deep, step)
    yield from _duplicates(files, _step(progress, "comparing splits"))
    if not tree.faults:
        data.keep(tree, contents)


def _counts(data: FileDataModule, contents: Contents, complete: bool) -> Iterator[Finding]:
    found = {split: len(part.index) for split, part in contents.splits.items()}
    found["classes"] = len(contents.class_names)
    for what, count in found.items():
        published = data.published.get(what)
        if published is not None and count != published:
            level = "fault" if complete or count > published else "note"
            yield Finding(level, "counts", what, f"{count:,} here, {published:,} published")


def _absent_classes(contents: Contents) -> Iterator[Finding]:
    for split, part in contents.splits.items():
        present = set(part.index.labels.tolist())
        absent = [n for label, n in enumerate(contents.class_names) if label not in present]
        if absent:
            some = ", ".join(absent[:5]) + (", …" if len(absent) > 5 else "")
            yield Finding("note", "classes", split, f"{len(absent)} without a picture: {some}")


def _pictures(
    split: ImageFiles, files: Sequence[Path], looked: Iterator[Looked]
) -> Iterator[Finding]:
    index = split.index
    modes: Counter[str] = Counter()
    scaled = turned = 0
    for row, (path, seen) in enumerate(zip(files, looked, strict=True)):
        if seen.error:
            yield Finding("fault", "unreadable", str(path), seen.error)
            continue
        modes[seen.mode] += seen.mode != "RGB"
        modes[f"{seen.format} named {path.suffix}"] += _is_misnamed(path, seen.format)
        message = misfit(index.boxes(row), index.sizes[row].tolist(), seen.size)
        if message:
            yield Finding("fault", "frame", str(path), message)
        scaled += not message and tuple(index.sizes[row].tolist()) not in ((0, 0), seen.size)
        turned += seen.turned
    for what, count in modes.items():
        if count:
            found = f"{count:,} pictures are {what}; read as RGB"
            yield Finding("note", "form", split.split, found)
    if turned:
        found = f"{turned:,} pictures are to be shown rotated, says EXIF; they are read as stored"
        yield Finding("note", "form", split.split, found)
    if split.has_boxes and not index.sizes.any():
        found = "the annotations do not state the pictures' sizes: of boxes in the frame of a "
        found += "smaller copy nothing is seen"
        yield Finding("note", "frame", split.split, found)
    if scaled:
        found = f"{scaled:,} pictures have another size than their annotation; boxes are scaled"
        yield Finding("note", "frame", split.split, found)


def _packed(
    split: LocalizationDataset, deep: bool, step: Callable[[int, int], None]
) -> Iterator[Finding]:
    """Pictures that are no files of their own, one after the other."""
    yield Finding("note", "in two splits", split.split, "not compared: pictures inside other files")
    if not deep:
        found = "not looked at: pictures inside other files. deep=true decodes them"
        yield Finding("note", "unreadable", split.split, found)
        yield Finding("note", "frame", split.split, found)
        return
    for row in range(len(split)):
        step(row, len(split))
        try:
            picture = split.picture(row)
        except UserError as error:
            yield Finding("fault", "unreadable", split.name(row), str(error))
            continue
        message = misfit(split.index.boxes(row), (0, 0), (picture.height, picture.width))
        if message:
            yield Finding("fault", "frame", split.name(row), message)


def _is_misnamed(path: Path, form: str) -> bool:
    names = {"JPEG": (".jpg", ".jpeg"), "TIFF": (".tif", ".tiff")}
    return path.suffix.lower() not in names.get(form, (f".{form.lower()}",))


def _duplicates(
    files: Mapping[str, Sequence[Path]], step: Callable[[int, int], None]
) -> Iterator[Finding]:
    """Pictures of one split that another has too, byte by byte.

    Of the few whose lengths agree the ends are compared, and of those that still agree everything.
    """
    splits = [(path, split) for split, paths in files.items() for path in paths]
    for key in (_length, _tail, _content):
        groups: dict[object, list[tuple[Path, str]]] = {}
        for done, (path, split) in enumerate(splits, start=1):
            step(done, len(splits))
            if path.is_file():
                groups.setdefault(key(path), []).append((path, split))
        shared = [group for group in groups.values() if len({split for _, split in group}) > 1]
        splits = list(chain.from_iterable(shared))
    for group in shared:
        (first, split), *others = group
        for path, other in others:
            if other != split and path != first:
                yield Finding(
                    "fault",
                    "in two splits",
                    str(path),
                    f"{other} picture is {split} picture {first}",
                )


def _length(path: Path) -> int:
    return path.stat().st_size


def _tail(path: Path) -> tuple[int, bytes]:
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL))
        return size, sha256(file.read()).digest()


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return sha256(file.read()).digest()


def _counting(
    looked: Iterator[Looked], step: Callable[[int, int], None], total: int
) -> Iterator[Looked]:
    for done, seen in enumerate(looked, start=1):
        step(done, total)
        yield seen


def _step(progress: Progress, what: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(what, done, total)
