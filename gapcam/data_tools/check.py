"""`python -m gapcam.data check`: a table of what is right, noteworthy and wrong."""

import csv
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from gapcam.atomic import atomic_path
from gapcam.build import build
from gapcam.data.check import Finding, check
from gapcam.data.data_module import default_workers
from gapcam.data.file_module import FileDataModule
from gapcam.data.settings import require_choice, require_whole
from gapcam.errors import UserError

_SHOWN = 3
"""Examples of each kind of finding; the list has all."""

_HEADER = "check,file,message"

CHECKS = {
    "layout": "the folder holds the data set",
    "counts": "as many as published",
    "classes": "every class has pictures",
    "form": "pictures are RGB and named after their format",
    "frame": "boxes fit their pictures",
    "unreadable": "pictures can be read",
    "in two splits": "splits share no picture",
}
"""What is said of a check that found nothing."""


def run(option: str, plain: dict[str, Any], console: Console) -> int:
    """Check and print; returns 1 if there are faults.

    Raises:
        UserError: if a setting is wrong.
    """
    data = build(plain["data"], "data")
    if not isinstance(data, FileDataModule):
        console.print(f"data={option} has no files to check.")
        return 0
    require_whole("workers", plain["workers"], 1, null="one a core")
    workers = plain["workers"] or default_workers()
    require_choice("deep", plain["deep"], (True, False))
    require_choice("complete", plain["complete"], (True, False))
    path = Path(str(plain["list"]))
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise UserError(f"list={path} must be a file in a folder that is there")
    if path.is_file() and not path.read_bytes().startswith(_HEADER.encode()):
        raise UserError(f"list={path} is there and no list of faults: give another file")
    with _Bar(console) as bar:
        found = list(check(data, bar.show, plain["deep"], plain["complete"], workers))
    faults = [finding for finding in found if finding.level == "fault"]
    console.print(_table(data, found))
    if faults and faults[0].check == "layout":
        return 1
    console.print(f"{data.describe()}, layout {data.tree.layout}", soft_wrap=True, highlight=False)
    if not plain["deep"]:
        console.print("Headers were read, not whole pictures: deep=true decodes them all.")
    path.unlink(missing_ok=True)  # of an earlier check
    if faults:
        write_list(path, faults)
        plural = "" if len(faults) == 1 else "s"
        console.print(f"[red]{len(faults):,} fault{plural}[/], listed in {path}", highlight=False)
    return int(bool(faults))


def write_list(path: Path, faults: list[Finding]) -> None:
    """Write one line a fault: check, file, message."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_HEADER.split(","))
        writer.writerows(
            (fault.check, fault.where, fault.message.removeprefix(f"{fault.where}: "))
            for fault in faults
        )


def _table(data: FileDataModule, found: list[Finding]) -> Table:
    by_check: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in found:
        by_check[finding.level, finding.check].append(finding)
    table = Table(title=f"{data.title} in {data.root}", title_justify="left")
    for column in ("", "check", "what was found"):
        table.add_column(column, overflow="fold")
    names = {finding.check for finding in found}
    if "layout" not in names:
        has_boxes = data.train.has_boxes or data.test.has_boxes
        asked = {"counts": bool(data.published), "frame": has_boxes}
        for name, meaning in CHECKS.items():
            if name not in names and asked.get(name, True):
                table.add_row("[green]ok", name, meaning)
    for (level, name), findings in sorted(by_check.items(), reverse=True):
        lines = [_line(finding) for finding in findings[:_SHOWN]]
        if len(findings) > _SHOWN:
            lines.append(f"… {len(findings):,} in all")
        mark = "[red]fault" if level == "fault" else "[yellow]note"
        table.add_row(mark, name, _plain("\n".join(lines)))
    return table


def _line(finding: Finding) -> str:
    message = finding.message.removeprefix(f"{finding.where}: ")
    return f"{finding.where}: {message}" if finding.where else message


def _plain(text: str) -> str:
    return text.replace("[", "\\[")


class _Bar:
    """A progress bar for the step that is being done."""

    def __init__(self, console: Console) -> None:
        self.progress = Progress(console=console, transient=True)
        self.task = self.progress.add_task("", total=None)
        self.what = ""
        self.drawn = 0.0

    def __enter__(self) -> "_Bar":
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def show(self, what: str, done: int, total: int) -> None:
        if what != self.what:
            self.what = what
            self.progress.reset(self.task, description=what, total=total or None)
        if time.monotonic() - self.drawn > 0.1:
            self.drawn = time.monotonic()
            self.progress.update(self.task, completed=done)
