"""Which of two lines is better, and when chance is ruled out.

One line is called better only if chance is ruled out twice. Over the repeats: mean ± two standard
deviations do not overlap. Over the pictures: the paired bootstrap interval leaves out zero; where
lines share no pictures, their bootstrap intervals do not overlap.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from gapcam.reporting.figures import as_error
from gapcam.reporting.table import Column, Line

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
        return ends[0] > 0 or ends[1] < 0
    return gap > _over_pictures(one, compared) + _over_pictures(other, compared)


def _paired_ends(
    one: Line, other: Line, paired: "PairedDifferences | None"
) -> tuple[float, float] | None:
    if paired is None or one.title not in paired.lines or other.title not in paired.lines:
        return None
    row, column = paired.lines.index(one.title), paired.lines.index(other.title)
    low, high = paired.lower[row][column], paired.upper[row][column]
    return None if low is None or high is None else (low, high)


def _over_pictures(line: Line, compared: Compared) -> float:
    """Half width of the bootstrap interval of one run in percentage points, 0 if unknown."""
    protocol = compared.column.protocol
    name = compared.column.name.rpartition("/")[2]
    for run in line.runs:
        by_protocol: dict[str, Any] = run.facts.get("intervals", {})
        first: dict[str, Any] = next(iter(by_protocol.values()), {})
        intervals = by_protocol.get(protocol, first)
        if name in intervals:
            low, high = intervals[name]
            return 50.0 * float(high - low)
    return 0.0
