"""The folder of a report: nothing of somebody else's is replaced there unasked."""

import json
import os
from pathlib import Path
from typing import Any

from gapcam.errors import UserError

PAGE = "report.html"
MARKER = "report.json"
"""Says what a folder's report is about."""
FILES = (PAGE, "table.md", "table.csv", "table.tex", "paired.csv")


def is_run(folder: Path) -> bool:
    """Whether a folder is a run's own."""
    return (folder / "config.yaml").is_file()


def require_no_run(to: Path) -> None:
    """Refuse the folder of a run.

    Raises:
        UserError: if it is one.
    """
    if is_run(to):
        raise UserError(
            f"{to} is the folder of a run, which has a report of its own; give another one, --to"
        )


def require_no_foreign_files(to: Path) -> None:
    """Refuse a folder with files of the same names that no report left there.

    Raises:
        UserError: if it holds one.
    """
    there = [name for name in FILES if (to / name).exists()]
    if there and not (to / MARKER).is_file():
        raise UserError(
            f"{to} holds {', '.join(there)} that no report of gapcam left there; give another "
            "folder, --to, or replace them with --overwrite"
        )


def require_same_report(to: Path, about: dict[str, Any]) -> None:
    """Refuse a folder with a report about other runs.

    Args:
        to: the folder.
        about: what the new report is about: `experiment` that was asked for, experiments that are
            `shown`, `paths` relative to the folder.

    Raises:
        UserError: if an earlier report there is about something else.
    """
    if not (to / MARKER).is_file():
        return
    try:
        earlier = dict(json.loads((to / MARKER).read_text(encoding="utf-8"))["about"])
    except (ValueError, KeyError, TypeError):
        earlier = {}
    same_runs = earlier.get("paths") == about["paths"]
    if same_runs and any(earlier.get(key) == about[key] for key in ("experiment", "shown")):
        return
    what = earlier.get("experiment") or ", ".join(filter(None, earlier.get("shown", [])))
    where = ", ".join(os.path.normpath(to / path) for path in earlier.get("paths", []))
    raise UserError(
        f"{to} holds another report ({what or 'of runs'}; {where or 'unknown runs'}); give another "
        "folder, --to, or replace it with --overwrite"
    )
