"""What was explained before: a file to which a line is added for each picture that is done."""

import json
from pathlib import Path
from typing import Any

from gapcam.atomic import write_text
from gapcam.errors import UserError
from gapcam.explain_tools.picture_files import RECORD

WRITTEN = ("boxes.csv", "boxes.json", "index.html", "not_explained.txt", RECORD)
"""Files of a result, beside pictures and maps."""

Entry = dict[str, Any]
"""Of a picture: `name`, `stamp`, and its `reason` if it could not be read; otherwise its `size`,
`turned`, `remarks`, `sheet`, `best`, `maps` and what was `found`, class by class."""


class Record:
    """The lines of `explained.jsonl`: settings first, then pictures; later lines replace earlier.

    Args:
        folder: of the result.
        settings: everything that results depend on.
        overwrite: replace an earlier result, and nothing else.

    Raises:
        UserError: if the folder holds something else, or results of other settings.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], overwrite: bool = False) -> None:
        self.path = folder / RECORD
        self.settings = settings
        self.entries: dict[str, Entry] = {}
        if overwrite and self.path.is_file():
            _remove_results(folder)
            return
        if folder.is_dir() and any(folder.iterdir()) and not self.path.is_file():
            raise UserError(
                f"{folder} holds something else, which is left as it is. Give another folder, "
                "out=..."
            )
        if not self.path.is_file():
            return
        header, *lines = _lines(self.path)
        if header != json.loads(json.dumps(settings)):
            raise UserError(
                f"{folder} holds results of other settings:\n  {_differences(header, settings)}\n"
                "Give another folder, out=..., or replace them: overwrite=true"
            )
        self.entries = {entry["name"]: entry for entry in lines}

    def begin(self) -> None:
        """Write the settings, and what is known, as one whole file."""
        lines = [self.settings, *self.entries.values()]
        write_text(self.path, "".join(f"{json.dumps(line)}\n" for line in lines))

    def add(self, entry: Entry) -> None:
        """Keep what was found in a picture."""
        self.entries[entry["name"]] = entry
        with self.path.open("ab", buffering=0) as file:
            file.write(f"{json.dumps(entry)}\n".encode())


def _remove_results(folder: Path) -> None:
    _, *entries = _lines(folder / RECORD)
    own = [folder / entry[key] for entry in entries for key in ("sheet", "maps") if entry.get(key)]
    own += [folder / name for name in WRITTEN]
    for path in [*own, *folder.glob("contact-*.png")]:
        path.unlink(missing_ok=True)


def _lines(path: Path) -> list[dict[str, Any]]:
    """Whole lines; a last one that was cut off, when the process was killed, is left out."""
    lines = []
    for line in path.read_bytes().splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return lines or [{}]


def _differences(header: dict[str, Any], settings: dict[str, Any]) -> str:
    settings = json.loads(json.dumps(settings))
    return "\n  ".join(
        f"{key}: {header.get(key)!r} there, {settings.get(key)!r} asked for"
        for key in sorted(header.keys() | settings.keys())
        if header.get(key) != settings.get(key)
    )
