"""What a run that is running has logged so far."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

_TAIL = 1 << 16
"""Bytes at the end of a log that are read: its last lines."""


def latest_logged(folder: Path) -> dict[str, float]:
    """The last value of every number that a run has logged so far, `epoch` and `step` included.

    Args:
        folder: holds `version_<k>/metrics.csv`, one for each start of the run.
    """
    latest: dict[str, float] = {}
    starts = sorted(folder.glob("version_*/metrics.csv"), key=lambda p: int(p.parent.name[8:]))
    for path in starts:
        for row in csv.DictReader(_head_and_tail(path)):
            latest |= dict(_numbers(row))
    return latest


def _head_and_tail(path: Path) -> Iterator[str]:
    """The header and the last lines of a file that another process is writing."""
    with path.open("rb") as file:
        yield file.readline().decode(errors="replace")
        after_header = file.tell()
        start = max(after_header, file.seek(0, 2) - _TAIL)
        file.seek(start)
        if start > after_header:
            file.readline()  # half a line
        yield from file.read().decode(errors="replace").splitlines()


def _numbers(row: Mapping[str | None, str | None]) -> Iterator[tuple[str, float]]:
    for name, text in row.items():
        try:
            if name is not None and text:
                yield name, float(text)
        except ValueError:
            continue  # a line that is being written
