"""Runs that repeat each other: what is drawn as one curve, one bar, one place in the gallery."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from gapcam.reporting.records import RunRecord
from gapcam.reporting.table import Line, Table


@dataclass(frozen=True)
class Series:
    """Finished runs of a `line` that differ in seed or split alone, the first repeat first."""

    title: str
    line: Line
    runs: tuple[RunRecord, ...]

    @property
    def first(self) -> dict[str, Any]:
        """What `metrics.json` of the first repeat holds."""
        return self.runs[0].facts

    @property
    def maps(self) -> tuple[int, int] | None:
        """Mapping resolution, None where no network was run."""
        resolution = self.first.get("network", {}).get("mapping_resolution")
        return (resolution[0], resolution[1]) if resolution else None

    @property
    def trim(self) -> object:
        """Where the trunk was cut, None where it cannot be."""
        return self.runs[0].config.get("arch", {}).get("trim")


def table_series(table: Table) -> list[Series]:
    """The series of a table, in the order of its lines; lines without a finished run have none.

    Where the columns are runs (of several data sets, say), each of them is a series.
    """
    return list(_series(table))


def has_columns_of_runs(table: Table) -> bool:
    """Whether its columns show the same number of different runs."""
    numbers = [(column.name, column.protocol_id) for column in table.columns]
    return len(numbers) > len(set(numbers))


def sweeps_of_maps(table: Table) -> list[list[Series]]:
    """Series of one network cut at several depths, from coarse maps to fine ones."""
    groups: dict[str, list[Series]] = {}
    for one in () if has_columns_of_runs(table) else table_series(table):
        if one.maps and one.trim is not None:
            groups.setdefault(str(one.runs[0].config.get("name")), []).append(one)
    return [
        sorted(part, key=lambda one: one.maps or (0, 0))
        for group in groups.values()
        for part in _of_one_variant(group)
        if len({one.maps for one in part}) > 1
    ]


def shared_title(sweep: list[Series]) -> str:
    """What the titles of a sweep have in common, or their row."""
    titles = [one.title for one in sweep]
    shared = sum(1 for _ in takewhile(lambda c: len(set(c)) == 1, zip(*titles, strict=False)))
    words = titles[0][:shared].rstrip(" ,(").removesuffix("trim").rstrip(" ,(")
    words = words if len(words) > 2 else sweep[0].line.row or sweep[0].title
    variants = {one.line.variant for one in sweep}
    return ", ".join(filter(None, [words, *(variants if len(variants) == 1 else ())]))


def _of_one_variant(group: list[Series]) -> list[list[Series]]:
    """Where depths come twice (at two learning rates, say): each variant by itself."""
    if len({str(one.trim) for one in group}) == len(group):
        return [group]
    parts: dict[str, list[Series]] = {}
    for one in group:
        parts.setdefault(one.line.variant, []).append(one)
    return list(parts.values())


def _series(table: Table) -> Iterator[Series]:
    by_column = has_columns_of_runs(table)
    for line in table.lines:
        if not by_column:
            yield from _of_runs(line.title, line, line.runs)
            continue
        for column, cell in zip(table.columns, line.cells, strict=True):
            yield from _of_runs(f"{line.title}: {column.title}", line, cell.runs)


def _of_runs(title: str, line: Line, runs: Sequence[RunRecord]) -> Iterator[Series]:
    finished = tuple(run for run in runs if run.state == "finished")
    if finished:
        yield Series(title, line, finished)
