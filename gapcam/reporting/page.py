"""The page of a report: one HTML file that needs nothing else."""

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from gapcam.atomic import write_text
from gapcam.errors import UserError
from gapcam.recipes.duration import duration
from gapcam.recipes.recipe import read_recipe
from gapcam.reporting.conclusions import HOW_SURE, conclusions
from gapcam.reporting.drawing import Drawing
from gapcam.reporting.figures import left_out, table_figures
from gapcam.reporting.gallery import Gallery, Room, table_gallery
from gapcam.reporting.lines import QUOTED
from gapcam.reporting.records import RunRecord
from gapcam.reporting.table import Column, Table, is_accuracy
from gapcam.reporting.text_tables import MOST_PAIRED, direction
from gapcam.reporting.wording import written
from gapcam.viz.pages import PAGES


@dataclass(frozen=True)
class PairedDifferences:
    """Differences between the lines of a table on the same images.

    `column` is the number compared; `lines` are titles of the table's lines, those that have it;
    `difference[i][j]` is line i minus line j in percentage points of the number as the column
    shows it, `lower` and `upper` the ends of its 95 % interval; all None on the diagonal. `images`
    counts those compared; `recipe` is the recipe of the table, "" for other runs.
    """

    column: Column
    lines: tuple[str, ...]
    difference: tuple[tuple[float | None, ...], ...]
    lower: tuple[tuple[float | None, ...], ...]
    upper: tuple[tuple[float | None, ...], ...]
    images: int
    recipe: str = ""


@dataclass(frozen=True)
class Report:
    """What a page shows: tables, recipe by recipe, and the runs behind them.

    `records` are the runs in its tables; `date` and `command` of the report;
    `notes` what else a reader must know.
    """

    title: str
    tables: tuple[Table, ...]
    records: tuple[RunRecord, ...]
    paired: tuple[PairedDifferences, ...] = ()
    date: str = ""
    command: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Shown:
    """A table, and everything that is drawn of it."""

    table: Table
    figures: list[Drawing]
    left_out: int
    gallery: Gallery
    paired: list[PairedDifferences]

    @property
    def has_paper(self) -> list[bool]:
        """Whether the paper has a number in each column."""
        places = range(len(self.table.columns))
        return [any(line.cells[p].paper is not None for line in self.table.lines) for p in places]

    @property
    def rules(self) -> list[Column]:
        """A column for each protocol of the table."""
        return list({c.protocol_id: c for c in self.table.columns if c.protocol_id}.values())


@dataclass(frozen=True)
class _Section:
    """All tables of a recipe, what was asked and what came out, and the runs behind them."""

    recipe: str
    title: str
    question: str
    note: str
    said: list[str]
    shown: list[_Shown]
    runs: list[tuple[str, RunRecord]]

    @property
    def compares(self) -> bool:
        """Whether a sentence calls anything better or worse, or leaves it open."""
        words = ("better", "worse", "sure")
        return any(word in sentence for sentence in self.said for word in words)


def write_page(path: Path, report: Report) -> None:
    """Write the page.

    Args:
        path: of the HTML file; links to the runs' own pages are relative to its folder.
        report: what it shows.
    """
    room = Room()
    sections = [_section(recipe, report, room) for recipe in _recipes(report.tables)]
    text = PAGES.get_template("reporting/page.html.jinja").render(
        report=report,
        sections=sections,
        how_sure=HOW_SURE,
        written=written,
        duration=duration,
        spent=_spent,
        is_accuracy=is_accuracy,
        direction=direction,
        most_paired=MOST_PAIRED,
        quoted=QUOTED,
        link=lambda run: _link(run, path.parent),
    )
    write_text(path, text)


def _spent(run: RunRecord) -> dict[str, float]:
    """Seconds that a run took, by what; without those that nothing measured."""
    seconds: dict[str, float] = run.facts.get("seconds", {})
    return {name: one for name, one in seconds.items() if not math.isnan(one)}


def _recipes(tables: Sequence[Table]) -> list[str]:
    return list(dict.fromkeys(table.recipe for table in tables))


def _section(recipe: str, report: Report, room: Room) -> _Section:
    tables = [table for table in report.tables if table.recipe == recipe]
    paired = [one for one in report.paired if one.recipe == recipe]
    return _Section(
        recipe=recipe,
        title=tables[0].title,
        question=_question(recipe),
        note=tables[0].note,
        said=conclusions(tables[0], paired),
        shown=[_show(table, report, paired, room) for table in tables],
        runs=list(_runs(tables)),
    )


def _show(table: Table, report: Report, paired: Sequence[PairedDifferences], room: Room) -> _Shown:
    titles = {line.title for line in table.lines}
    return _Shown(
        table,
        table_figures(table, f"table{report.tables.index(table)}"),
        left_out(table),
        table_gallery(table, room),
        [one for one in paired if one.column in table.columns and titles >= set(one.lines)],
    )


def _runs(tables: Sequence[Table]) -> Iterator[tuple[str, RunRecord]]:
    """Each run once, with the title of its line."""
    seen = set()
    for table in tables:
        for line in table.lines:
            for run in line.runs:
                if run.path not in seen:
                    seen.add(run.path)
                    yield line.title, run


def _question(recipe: str) -> str:
    """What the head of a recipe's file says before its command."""
    if not recipe:
        return ""
    try:
        lines = read_recipe(recipe).header.splitlines()
    except UserError:
        return ""
    end = next((n for n, line in enumerate(lines) if "python -m" in line), len(lines))
    return " ".join(line.strip() for line in lines[:end])


def _link(run: RunRecord, folder: Path) -> str:
    """Of the run's own page, relative to the report's folder; "" if there is none."""
    page = run.path / "report.html"
    if not page.is_file():
        return ""
    return quote(Path(os.path.relpath(page.resolve(), folder.resolve())).as_posix())
