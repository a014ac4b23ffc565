"""Figures of a table: what the numbers mean, seen."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from gapcam.reporting.curve_figures import threshold_figures, training_figures
from gapcam.reporting.drawing import (
    AT_MOST,
    GREY,
    Drawing,
    figure_of,
    legend,
    shortened,
    style,
    svg,
)
from gapcam.reporting.series import Series, shared_title, sweeps_of_maps, table_series
from gapcam.reporting.table import PERCENT, Cell, Table, as_error, is_accuracy
from gapcam.reporting.text_tables import column_title
from gapcam.score_table import FLOORS, MISTAKES

_FLOOR_STYLES = {"floor_whole_image": ":", "floor_best_centred": "--"}
_MISTAKE_COLOURS = {
    "right": ("#178a68", "white"),
    "wrong_class": ("#929baa", "black"),
    "nothing_found": ("#4a4f5c", "white"),
    "several_merged": ("#d08db2", "black"),
    "part": ("#2a78b5", "white"),
    "too_large": ("#e3a72e", "black"),
    "elsewhere": ("#c8540f", "white"),
}
_LABELLED = 6.0
"""Smallest share in percent that has room for its number."""


def table_figures(table: Table, name: str) -> list[Drawing]:
    """All figures that the runs of a table have something for.

    Args:
        table: whose finished runs are drawn.
        name: different for each table of a page, letters and digits.
    """
    drawn = table_series(table)[:AT_MOST]
    return [
        *_maps_against_errors(table, name),
        *_mistakes(drawn, name),
        *threshold_figures(drawn, name),
        *training_figures(drawn, name),
    ]


def left_out(table: Table) -> int:
    """How many series of a table are too many for one figure."""
    return max(0, len(table_series(table)) - AT_MOST)


def half_width(cell: Cell) -> float:
    """Standard deviation of the repeats, or the bootstrap interval of the only one; 0 unknown."""
    return cell.deviation if cell.deviation is not None else cell.interval or 0.0


def _maps_against_errors(table: Table, name: str) -> Iterator[Drawing]:
    for number, sweep in enumerate(sweeps_of_maps(table)):
        title = f"Map size against error: {shared_title(sweep)}"
        with figure_of() as (figure, axes):
            for position, column in enumerate(table.columns):
                cells = [(place, one.line.cells[position]) for place, one in enumerate(sweep)]
                known = [(place, cell, cell.mean) for place, cell in cells if cell.mean is not None]
                if known:
                    axes.errorbar(
                        [place for place, _, _ in known],
                        [as_error(column, mean) for _, _, mean in known],
                        [half_width(cell) for _, cell, _ in known],
                        label=column_title(table, column)
                        + (", not reached" if is_accuracy(column) else ""),
                        capsize=3,
                        **style(position),
                    )
            for floor, height in table.floors.items():
                dashes = _FLOOR_STYLES[floor]
                axes.axhline(height, color=GREY, linestyle=dashes, label=FLOORS[floor])
            axes.set_xticks(range(len(sweep)), [_place(one) for one in sweep])
            axes.set_xlim(-0.4, len(sweep) - 0.6)
            axes.set(xlabel="maps, coarse to fine", ylabel="error, %", ylim=(0, None))
            handles, labels = axes.get_legend_handles_labels()
            first = sorted(range(len(labels)), key=lambda n: labels[n].startswith("floor"))
            legend(figure, [handles[n] for n in first], [labels[n] for n in first])
            yield Drawing(
                title,
                "Errors on the test pictures: lower is better. Bars show ± one standard deviation "
                "over the repeats (of a single run, its 95 % interval). Floors are what a box "
                "reaches that looks at no picture, the class being given.",
                svg(figure, f"{name}-maps{number}", title),
            )


def _place(series: Series) -> str:
    height, width = series.maps or (0, 0)
    return f"{height}x{width}\ntrim {shortened(str(series.trim), 12)}"


def _mistakes(drawn: Sequence[Series], name: str) -> Iterator[Drawing]:
    bars = [(one, shares) for one in drawn if (shares := mean_mistakes(one))]
    if not bars:
        return
    title = "What is wrong with the boxes"
    with figure_of(1.3 + 0.36 * len(bars)) as (figure, axes):
        start = np.zeros(len(bars))
        places = np.arange(len(bars))[::-1]
        for kind, words in MISTAKES.items():
            width = np.array([shares.get(kind, 0.0) for _, shares in bars])
            if width.any():
                colour, ink = _MISTAKE_COLOURS[kind]
                patches = axes.barh(places, width, 0.72, start, color=colour, label=words)
                texts = [f"{share:.0f}" if share >= _LABELLED else "" for share in width]
                axes.bar_label(patches, texts, label_type="center", color=ink, fontsize=8)
                start += width
        axes.set_yticks(places, [shortened(one.title, 24) for one, _ in bars])
        axes.set(xlabel="share of the test pictures, %", xlim=(0, PERCENT))
        axes.grid(visible=False, axis="y")
        legend(figure, *axes.get_legend_handles_labels(), columns=3)
        yield Drawing(
            title,
            "The best guess of each test picture, under the first protocol. A part: the box lies "
            "inside the object and is too small. Too large: it holds the object and much else.",
            svg(figure, f"{name}-mistakes", title),
        )


def mean_mistakes(series: Series) -> dict[str, float]:
    """Shares of the kinds of mistakes under the first protocol, in percent, over the repeats."""
    every = [_main(run.facts.get("mistakes", {})) for run in series.runs]
    if not all(every):
        return {}
    return {kind: PERCENT * fmean(one.get(kind, 0.0) for one in every) for kind in MISTAKES}


def _main(by_protocol: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = next(iter(by_protocol.values()), {})
    return found
