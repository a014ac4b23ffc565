"""The index of a data set on disk: made once, opened in milliseconds, renewed with the data."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gapcam.atomic import write_text
from gapcam.data.index import SplitIndex
from gapcam.data.tree import Stamp, Tree


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
    # Not every folder that lies there: another process may be writing its own right now.
    outdated = _arrays_in_use(folder)
    home = Path(tempfile.mkdtemp(prefix="arrays-", dir=folder))
    for name, part in contents.splits.items():
        part.index.save(home / name)
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
    for old in outdated:
        # Those who have mapped it keep it until they close it.
        shutil.rmtree(old, ignore_errors=True)
    splits = {
        name: Part(part.folder, SplitIndex.open(home / name))
        for name, part in contents.splits.items()
    }
    return Contents(contents.class_names, splits)


def _arrays_in_use(folder: Path) -> set[Path]:
    try:
        splits = json.loads((folder / "index.json").read_text())["splits"].values()
        return {(folder / split["arrays"]).parent for split in splits}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
