"""The index of a data set on disk: made once, opened in milliseconds, renewed with the data."""

import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gapcam.atomic import write_text
from gapcam.data.index import SplitIndex
from gapcam.data.tree import Stamp, Tree

_KEPT_SECONDS = 24 * 3600
"""For which an outdated index stays."""


class Part(NamedTuple):
    """A split: the `folder` of its pictures, below the tree's root, and its `index`."""

    folder: str
    index: SplitIndex  # type: ignore[assignment]  # tuple.index is not used


class Contents(NamedTuple):
    """What a reader found: names of the classes, and the splits by name."""

    class_names: list[str]
    splits: dict[str, Part]


def default_folder() -> Path:
    """Where indexes lie if nobody says otherwise: `$XDG_CACHE_HOME/gapcam` or `~/.cache/gapcam`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gapcam"


def index_folder(cache: Path, tree: Tree, key: Mapping[str, Any]) -> Path:
    """Folder of the index of a tree.

    Args:
        cache: holds the folders of all indexes.
        tree: the data.
        key: everything that decides what is read from it, besides the data.
    """
    text = json.dumps([str(tree.root.resolve()), tree.layout, key], sort_keys=True, default=str)
    return cache / f"{key['reader']}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def digest_of_readers() -> str:
    """Digest of the code that reads data sets."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:8]


def open_contents(folder: Path, tree: Tree) -> Contents | None:
    """Open an index; None if there is none, or the data were changed after it was made."""
    try:
        facts = json.loads((folder / "index.json").read_text())
        stamps: dict[str, Stamp] = {k: tuple(v) if v else None for k, v in facts["stamps"].items()}
        if not tree.is_as_read(stamps):
            return None
        splits = {
            name: Part(part["folder"], SplitIndex.open(folder / part["arrays"]))
            for name, part in facts["splits"].items()
        }
        return Contents(facts["class_names"], splits)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # none yet, or one that cannot be trusted


def save_contents(folder: Path, tree: Tree, contents: Contents) -> Contents:
    """Write an index beside an older one, then let it take its place; returns it, mapped.

    Raises:
        OSError: if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    prints = "".join(part.index.fingerprint for part in contents.splits.values())
    home = folder / f"arrays-{hashlib.sha256(prints.encode()).hexdigest()[:16]}"
    _write_arrays(home, contents)
    facts = {
        "root": str(tree.root),
        "stamps": tree.stamps,
        "class_names": contents.class_names,
        "splits": {
            name: {"folder": part.folder, "arrays": f"{home.name}/{name}"}
            for name, part in contents.splits.items()
        },
    }
    write_text(folder / "index.json", json.dumps(facts))
    for other in folder.glob("*arrays-*"):
        # A run of today may still start processes that open it.
        if other != home and time.time() - other.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(other, ignore_errors=True)
    splits = {
        name: Part(part.folder, SplitIndex.open(home / name))
        for name, part in contents.splits.items()
    }
    return Contents(contents.class_names, splits)


def _write_arrays(home: Path, contents: Contents) -> None:
    """Write the arrays, unless they are there whole; several processes may do so at once."""
    if _opens(home, contents):
        return
    part_way = Path(tempfile.mkdtemp(prefix=".arrays-", dir=home.parent))
    try:
        for name, part in contents.splits.items():
            part.index.save(part_way / name)
        shutil.rmtree(home, ignore_errors=True)  # damaged, if it is there
        part_way.rename(home)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise
    finally:
        shutil.rmtree(part_way, ignore_errors=True)


def _opens(home: Path, contents: Contents) -> bool:
    try:
        return all(
            len(SplitIndex.open(home / n)) == len(p.index) for n, p in contents.splits.items()
        )
    except (OSError, ValueError, KeyError):
        return False
