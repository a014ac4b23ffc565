"""Which of two lines is better, and when chance is ruled out.

One line is called better only if chance is ruled out twice. Over the repeats: mean ± two standard
deviations do not overlap. Over the pictures: the paired bootstrap interval leaves out zero, on the
same side; where lines share no pictures, their bootstrap intervals do not overlap. Where nothing is
known of the pictures, nothing is ruled out.
"""

from typing import TYPE_CHECKING, NamedTuple

from gapcam.reporting.numbers import measured
from gapcam.reporting.table import Cell, Column, Line, as_error, is_accuracy

if TYPE_CHECKING:
    from gapcam.reporting.page import PairedDifferences


class Compared(NamedTuple):
    """A column, and how to tell its lines apart."""

    column: Column
    place: int
    paired: "PairedDifferences | None"


def is_better(one: Line, other: Line, compared: Compared) -> bool:
    """Whether `one` surely has the smaller error."""
    cells = one.cells[compared.place], other.cells[compared.place]
    means = [as_error(compared.column, cell.mean) for cell in cells if cell.mean is not None]
    if len(means) < 2 or means[0] >= means[1]:
        return False
    gap = means[1] - means[0]
    if gap <= sum(2 * (cell.deviation or 0.0) for cell in cells):
        return False
    ends = _paired_ends(one, other, compared.paired)
    if ends is not None:
        return ends[0] > 0 if is_accuracy(compared.column) else ends[1] < 0
    widths = [_over_pictures(cell, compared.column) for cell in cells]
    known = [width for width in widths if width is not None]
    return len(known) == len(cells) and gap > sum(known)


def _paired_ends(
    one: Line, other: Line, paired: "PairedDifferences | None"
) -> tuple[float, float] | None:
    if paired is None or one.title not in paired.lines or other.title not in paired.lines:
        return None
    row, column = paired.lines.index(one.title), paired.lines.index(other.title)
    low, high = paired.lower[row][column], paired.upper[row][column]
    return None if low is None or high is None else (low, high)


def _over_pictures(cell: Cell, column: Column) -> float | None:
    """How far the bootstrap interval of the first run reaches, in percentage points."""
    found = measured(cell.runs[0].facts, column) if cell.runs else None
    return found.interval if found else None
