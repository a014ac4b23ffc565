"""Lines of a table: what the runs of a place have measured, beside the paper's numbers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from textwrap import shorten

from gapcam.recipes.recipe import Choice, Recipe
from gapcam.reporting.numbers import columns, measured
from gapcam.reporting.places import (
    Place,
    Point,
    Variant,
    place_in,
    run_columns,
    setting,
    variants,
)
from gapcam.reporting.records import RunRecord
from gapcam.reporting.table import Cell, Column, Line

QUOTED = "the paper's"
NOT_RUN = "not run"
_MESSAGE = 80
"""Letters of an error's message in a table."""


@dataclass(frozen=True)
class Slot:
    """A column of a recipe's table.

    `runs` is the key of the column of runs that fills it, None where every run fills all columns;
    `paper` the place of its number among a row's numbers of the paper.
    """

    column: Column
    runs: str | None
    paper: int


def slots(recipe: Recipe) -> list[Slot]:
    """The columns of a recipe's table, whose protocols are not known yet."""
    if recipe.columns:
        names = [name for several in recipe.metrics.values() for name in several]
        return [
            Slot(column, key, place)
            for place, (key, choice) in enumerate(recipe.columns.items())
            for column in columns(choice.title, [choice.metric] if choice.metric else names)
        ]
    return [
        Slot(column, None, place)
        for place, (title, names) in enumerate(recipe.metrics.items())
        for column in columns(title, names)
    ]


def recipe_lines(recipe: Recipe, records: Iterable[RunRecord]) -> tuple[list[Line], list[str]]:
    """The lines of a recipe's table, in its order, and notes on runs that have no place in it.

    Args:
        recipe: the recipe.
        records: runs of the recipe that fills the table, `recipe.runs`.
    """
    runs: dict[str, dict[Point, dict[str | None, list[RunRecord]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    notes = []
    for record in records:
        place = place_in(recipe, record)
        if place is None and recipe.runs != recipe.name:
            continue  # a row that another recipe has, whose runs are shown here, too
        if place is None:
            row = record.config["experiment"]["row"]
            notes.append(f"{record.path} is left out: {recipe.name} has no row {row} any more")
        else:
            runs[place.row][place.point][place.column].append(record)
    lines = []
    for key, row in recipe.rows.items():
        if row.settings is None:
            cells = tuple(Cell(paper=_paper(row, slot)) for slot in slots(recipe))
            lines.append(Line(row.title, cells, state=QUOTED, row=row.title))
            continue
        planned = [
            tuple(zip(recipe.sweep, v, strict=True)) for v in product(*recipe.sweep.values())
        ]
        for point in dict.fromkeys([*planned, *runs[key]]):
            lines += _lines_of(recipe, row, Place(key, None, point), runs[key][point])
    return lines, notes


def _lines_of(
    recipe: Recipe, row: Choice, place: Place, runs: Mapping[str | None, list[RunRecord]]
) -> list[Line]:
    """The lines of a row at one point: several where its runs have other settings beside."""
    by_title: dict[str, dict[str | None, Variant]] = defaultdict(dict)
    for column, records in runs.items():
        for variant in variants(records, recipe.repeat):
            by_title[variant.title][column] = variant
    return [
        _line(recipe, row, place.point, title, by_column)
        for title, by_column in (by_title or {"": {}}).items()
    ]


def _line(
    recipe: Recipe, row: Choice, point: Point, more: str, by_column: Mapping[str | None, Variant]
) -> Line:
    settings = [f"{key.rpartition('.')[2]} {value}" for key, value in point]
    runs = tuple(run for variant in by_column.values() for run in variant.runs)
    repeats = prod(len(values) for values in recipe.repeat.values())
    what = "seeds" if set(recipe.repeat) == {"seed"} else "runs"
    return Line(
        title=", ".join(filter(None, [row.title, *settings, more])),
        cells=tuple(
            cell(
                by_column[slot.runs].runs if slot.runs in by_column else (),
                slot.column,
                _paper(row, slot) if _is_papers(recipe, point) else None,
            )
            for slot in slots(recipe)
        ),
        runs=runs,
        layer=_layer(runs),
        maps=_maps(runs),
        state=state(runs, repeats * max(1, len(run_columns(recipe))), what),
        point=point,
        row=row.title,
        variant=more,
    )


def other_line(variant: Variant, shown: Sequence[Column]) -> Line:
    """The line of runs that belong to no recipe."""
    config = variant.runs[0].config
    trim = setting(config, "arch.trim")
    name = str(config.get("name"))
    settings = [] if trim is None else [f"trim {trim}"]
    return Line(
        title=", ".join(filter(None, [name, *settings, variant.title])),
        cells=tuple(cell(variant.runs, column) for column in shown),
        runs=variant.runs,
        layer=_layer(variant.runs),
        maps=_maps(variant.runs),
        state=state(variant.runs, 0, "seeds"),
        point=(("arch.trim", trim),),
        row=name,
        variant=variant.title,
    )


def cell(runs: Sequence[RunRecord], column: Column, paper: float | None = None) -> Cell:
    """What runs that repeat each other have measured in a column."""
    found = [
        (run, number)
        for run in runs
        if run.state == "finished" and (number := measured(run.facts, column)) is not None
    ]
    return Cell(
        values=tuple(v for _, number in found for v in (number.parts or (number.value,))),
        interval=found[0][1].interval if len(found) == 1 and not found[0][1].parts else None,
        paper=paper,
        runs=tuple(run for run, _ in found),
    )


def state(runs: Sequence[RunRecord], planned: int, what: str) -> str:
    """How far the runs of a line are, in words; empty when all are finished."""
    if not runs:
        return NOT_RUN
    total = max(planned, len(runs))
    failed = [run for run in runs if run.state == "failed"]
    unfinished = sum(run.state == "unfinished" for run in runs)
    counts = {"unfinished": unfinished, NOT_RUN: total - len(runs), "failed": len(failed)}
    words = [
        (f"{count} of {total} {what} {word}" if total > 1 else word)
        for word, count in counts.items()
        if count
    ]
    first = f": {shorten(failed[0].failure, _MESSAGE, placeholder=' …')}" if failed else ""
    return "; ".join(words) + first


def _layer(runs: Sequence[RunRecord]) -> str:
    return _words(run.facts["network"]["last_layer"] for run in runs if run.facts)


def _maps(runs: Sequence[RunRecord]) -> str:
    sizes = (run.facts["network"]["mapping_resolution"] for run in runs if run.facts)
    return _words("x".join(map(str, size)) for size in sizes)


def _words(several: Iterable[str]) -> str:
    return " / ".join(dict.fromkeys(several))


def _is_papers(recipe: Recipe, point: Point) -> bool:
    """Whether the paper's numbers are about these values of swept settings."""
    return all(str(recipe.paper_at.get(key, value)) == str(value) for key, value in point)


def _paper(row: Choice, slot: Slot) -> float | None:
    return row.paper[slot.paper] if row.paper else None
