"""A table of a report: lines are networks or settings, columns are numbers under a protocol."""

from dataclasses import dataclass, field
from typing import Any

from gapcam.reporting.records import RunRecord
from gapcam.score_table import ACCURACIES

PERCENT = 100


@dataclass(frozen=True)
class Column:
    """A number of a table.

    `name` is that of `metrics.json` without its stage, `is_accuracy` whether `1 - name` is shown;
    `protocol` is the key of the protocol whose it is, `rule` its rule in words. Classification
    errors have an empty protocol.
    """

    title: str
    name: str
    is_accuracy: bool = False
    protocol: str = ""
    protocol_title: str = ""
    protocol_id: str = ""
    rule: str = ""


def as_error(column: Column, value: float) -> float:
    """A number in percent, as an error: lower is better.

    >>> as_error(Column("MaxBoxAcc", "max_box_acc"), 60)
    40
    """
    return PERCENT - value if is_accuracy(column) else value


def is_accuracy(column: Column) -> bool:
    """Whether more is better in this column."""
    return column.is_accuracy or column.name.rpartition("/")[2] in ACCURACIES


@dataclass(frozen=True)
class Cell:
    """What stands at one place, all in percent.

    `values` of the repetitions (seeds, splits); `interval` how far the 95 % bootstrap interval of
    a single run reaches, None where there are several or none; `paper` its number there;
    `runs` those that the values are of.
    """

    values: tuple[float, ...] = ()
    interval: float | None = None
    paper: float | None = None
    runs: tuple[RunRecord, ...] = ()

    @property
    def mean(self) -> float | None:
        return sum(self.values) / len(self.values) if self.values else None

    @property
    def deviation(self) -> float | None:
        """Sample standard deviation, None for fewer than two values."""
        if len(self.values) < 2 or self.mean is None:
            return None
        squares = sum((value - self.mean) ** 2 for value in self.values)
        return float((squares / (len(self.values) - 1)) ** 0.5)

    @property
    def difference(self) -> float | None:
        """Ours minus the paper's."""
        return None if self.mean is None or self.paper is None else self.mean - self.paper


@dataclass(frozen=True)
class Line:
    """A line: `cells` by column index, and the `runs` behind it.

    `layer` is the last one of the network and `maps` its mapping resolution. `state` is empty when
    all its runs are finished, or words: "not run", "1 of 2 seeds unfinished", "failed: ...", "the
    paper's" for quoted lines. Lines of the same `row` differ in `point`, the values of swept
    settings, or in `variant`, what else tells their runs apart, in words.
    """

    title: str
    cells: tuple[Cell, ...]
    runs: tuple[RunRecord, ...] = ()
    layer: str = ""
    maps: str = ""
    state: str = ""
    point: tuple[tuple[str, Any], ...] = ()
    row: str = ""
    variant: str = ""


@dataclass(frozen=True)
class Table:
    """Lines that may be compared: scored under the same protocols, on the same images.

    `reason` says why these lines stand apart from others of the recipe; empty for the first table.
    `evaluated_on` names the images, `floors` their floors in percent by name of the number, and
    `floor_lines` shows them as lines: a title, and what stands in each column, None where a floor
    says nothing about it.
    """

    title: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    note: str = ""
    reason: str = ""
    evaluated_on: str = ""
    floors: dict[str, float] = field(default_factory=dict)
    floor_lines: tuple[tuple[str, tuple[float | None, ...]], ...] = ()
    recipe: str = ""

    @property
    def is_measured(self) -> bool:
        """Whether any number in it is ours."""
        return any(cell.values for line in self.lines for cell in line.cells)
