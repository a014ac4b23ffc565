"""Drawings that lie inside a page: in its colours, dark or light, and with its letters."""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#1c2330"
GREY = "#5b6576"
_GRID = "#d9dee7"

# Okabe and Ito's colours, which colour-blind people can tell apart.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_MARKERS = ("o", "s", "^", "D", "v", "P")
_STYLES = ("-", "--", ":")
_LEGEND = 56
"""Letters of a line of a legend."""
AT_MOST = len(_COLOURS) * 2
"""Lines that one figure keeps apart."""

# A page gives these variables other values in the dark.
_VARIABLES = {
    INK: "var(--ink)",
    GREY: "var(--soft)",
    _GRID: "var(--line)",
    **{colour: f"var(--series{n}, {colour})" for n, colour in enumerate(_COLOURS)},
}


def style(position: int) -> dict[str, Any]:
    """Colour, marker and dashes of the line at a position, the same in every figure."""
    turn = position // len(_COLOURS)
    return {
        "color": _COLOURS[position % len(_COLOURS)],
        "marker": _MARKERS[(position + turn) % len(_MARKERS)],
        "linestyle": _STYLES[turn % len(_STYLES)],
        "markersize": 4,
        "linewidth": 1.5,
    }


@dataclass(frozen=True)
class Drawing:
    """An SVG element, its title, and what it shows in plain words."""

    title: str
    caption: str
    svg: str


@contextmanager
def figure_of(rows: float = 3.3) -> Iterator[tuple[Figure, Axes]]:
    """A figure of this height in inches with one pair of axes, in the report's style."""
    settings: Any = {
        "svg.fonttype": "none",
        "text.parse_math": False,
        "font.size": 9,
        "axes.titlesize": 10,
        **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
        **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), GREY),
        **dict.fromkeys(("axes.spines.top", "axes.spines.right"), False),
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "grid.color": _GRID,
        "axes.axisbelow": True,
        "legend.fontsize": 8,
        "legend.frameon": False,
    }
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(4.8, rows), layout="constrained", facecolor="none")
        axes = figure.subplots()
        axes.set_facecolor("none")
        axes.grid(linewidth=0.7)
        yield figure, axes


def legend(figure: Figure, handles: Sequence[Any], labels: Sequence[str], columns: int = 2) -> None:
    """Below the axes, where it hides nothing."""
    rows = max(1, -(-len(labels) // columns))
    widths = [max(map(len, labels[n : n + rows])) for n in range(0, len(labels), rows)]
    most = max(widths, default=0) if sum(widths) <= _LEGEND else _LEGEND // columns
    figure.legend(
        handles,
        [shortened(label, most) for label in labels],
        loc="outside lower center",
        ncols=columns,
        handlelength=2.4,
        columnspacing=1.2,
    )


def shortened(text: str, most: int) -> str:
    """Text that fits beside a drawing; what tells titles apart often comes last, and stays.

    >>> shortened("GoogLeNet-GAP on ILSVRC, trim 2", 16)
    'GoogLeN…, trim 2'
    """
    tail = most // 2
    return text if len(text) <= most else f"{text[: most - tail - 1].rstrip()}…{text[-tail:]}"


def svg(figure: Figure, name: str, description: str) -> str:
    """The figure as an SVG element.

    Args:
        figure: made within `figure_of`.
        name: different for each figure of a page: what the element names begins with it.
        description: of what is seen, for those who do not see it.
    """
    text = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(text, format="svg", metadata=nothing, transparent=True)
    drawn = text.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", drawn)
    for colour, variable in _VARIABLES.items():
        drawn = drawn.replace(colour, variable)
    label = re.sub(r'[<>&"]', " ", description)
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
