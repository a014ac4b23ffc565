"""Tables as texts: what stands in each place, and CSV."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gapcam.reporting.table import Cell, Column, Line, Table, is_accuracy

if TYPE_CHECKING:
    from gapcam.reporting.page import PairedDifferences

LEGEND = (
    "All in percent. a ± b: mean and sample standard deviation over the runs of a line. "
    "a [± b]: one run, and how far its 95 % bootstrap interval over the images reaches. "
    "Diff.: ours minus the paper's."
)
MOST_PAIRED = 12
"""Lines whose differences with each other fit on a page."""
PAPER = "paper"
DIFFERENCE = "diff."
_CSV_COLUMNS = (
    *("recipe", "table", "reason", "line", "column", "number", "is_accuracy", "protocol"),
    *("n", "mean", "sd", "interval", "paper", "difference", "state", "runs"),
)
_PAIRED_COLUMNS = (
    *("recipe", "number", "is_accuracy", "protocol", "line", "minus", "difference"),
    *("low", "high", "images"),
)


def grid(table: Table) -> list[list[str]]:
    """Titles of columns, then the lines, then the floors, as texts; without empty columns."""
    titles = ["", "last layer", "maps"]
    for column in table.columns:
        titles += [column_title(table, column), PAPER, DIFFERENCE]
    lines = [
        [line.title, line.layer, line.maps, *_cells(line.cells), runs_in_words(line)]
        for line in table.lines
    ]
    for title, values in table.floor_lines:
        cells = [Cell(() if value is None else (value,)) for value in values]
        lines.append([title, "", "", *_cells(cells), ""])
    titles.append("runs")
    is_filled = [any(line[place] for line in lines) for place in range(len(titles))]
    for place in range(len(titles) - 1):
        # Beside the paper's numbers, and where nothing was run, the place of ours is shown.
        if titles[place + 1] == PAPER:
            is_filled[place] |= is_filled[place + 1] or not table.is_measured
    kept = [
        place for place, filled in enumerate(is_filled) if filled or place in (0, len(titles) - 1)
    ]
    return [[line[place] for place in kept] for line in [titles, *lines]]


def column_title(table: Table, column: Column) -> str:
    """A column's title, with its protocol where another one has the same."""
    same = [other for other in table.columns if other.title == column.title]
    if len(same) == 1:
        return column.title
    known = column.protocol_title or column.name.rpartition("/")[0]
    return f"{column.title} ({known or 'main protocol'})"


def direction(table: Table) -> str:
    """Which columns are errors and which accuracies, in words."""
    titles: dict[str, list[str]] = {"errors": [], "accuracies": []}
    for column in _shown(table):
        kind = "accuracies" if is_accuracy(column) else "errors"
        titles[kind].append(column_title(table, column))
    if not titles["accuracies"]:
        return "Errors: lower is better."
    if not titles["errors"]:
        return "Accuracies: higher is better."
    return (
        f"Errors, lower is better: {'; '.join(titles['errors'])}. "
        f"Accuracies, higher is better: {'; '.join(titles['accuracies'])}."
    )


def measured_text(cell: Cell) -> str:
    """Our number with its spread."""
    if cell.mean is None:
        return ""
    if cell.deviation is not None:
        return f"{cell.mean:.2f} ± {cell.deviation:.2f}"
    return f"{cell.mean:.2f}" + ("" if cell.interval is None else f" [± {cell.interval:.2f}]")


def paper_text(cell: Cell) -> str:
    """The paper's number, with as many digits as the paper has."""
    return "" if cell.paper is None else str(cell.paper)


def difference_text(difference: float | None) -> str:
    """A difference in percentage points, with its sign."""
    return "" if difference is None else f"{difference:+.2f}"


def runs_in_words(line: Line) -> str:
    """How many runs a line's numbers are of, and how far the others are."""
    counts = dict.fromkeys(len(cell.values) for cell in line.cells if cell.values)
    return "; ".join(filter(None, ["/".join(map(str, counts)), line.state]))


def csv_text(tables: Iterable[Table]) -> str:
    """One line per cell of a line, empty ones too, and per floor; in percent."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV_COLUMNS)
    for table in tables:
        for line in table.lines:
            for column, cell in zip(table.columns, line.cells, strict=True):
                writer.writerow(_csv_row(table, line.title, line.state, column, cell))
        for title, values in table.floor_lines:
            for column, value in zip(table.columns, values, strict=True):
                if value is not None:
                    writer.writerow(_csv_row(table, title, "floor", column, Cell((value,))))
    return text.getvalue()


def paired_csv(paired: Iterable["PairedDifferences"]) -> str:
    """One line per pair: the first line's number minus the second's, in percentage points."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_PAIRED_COLUMNS)
    for one in paired:
        what = [one.recipe, one.column.name, one.column.is_accuracy, one.column.protocol_id]
        for i, line in enumerate(one.lines):
            for j, other in enumerate(one.lines):
                ends = one.difference[i][j], one.lower[i][j], one.upper[i][j]
                if i != j:
                    writer.writerow([*what, line, other, *map(_number, ends), one.images])
    return text.getvalue()


def _cells(cells: Sequence[Cell]) -> list[str]:
    return [
        text
        for cell in cells
        for text in (measured_text(cell), paper_text(cell), difference_text(cell.difference))
    ]


def _shown(table: Table) -> list[Column]:
    """Columns that `grid` shows."""
    titles = grid(table)[0]
    return [column for column in table.columns if column_title(table, column) in titles]


def _csv_row(table: Table, line: str, state: str, column: Column, cell: Cell) -> list[object]:
    return [
        *(table.recipe, table.title, table.reason, line, column_title(table, column)),
        *(column.name, column.is_accuracy, column.protocol_id, len(cell.values)),
        *map(_number, (cell.mean, cell.deviation, cell.interval, cell.paper, cell.difference)),
        state,
        ";".join(str(run.path) for run in cell.runs),
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
