"""Training curves from the logged numbers."""

import csv
import io
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

Curve = list[tuple[int, float]]

PANELS = {
    "training loss": {"train/loss_step": "each step logged", "train/loss_epoch": "epoch mean"},
    "validation error": {
        "val/cls_top1": "classification, top-1",
        "val/loc_top1": "localization, top-1",
        "val/loc_gt_known": "localization, class given",
        "val/floor_best_centred": "floor: best centred box",
    },
}
# Okabe and Ito's colours, which colour-blind people can tell apart; the floor is grey.
_STYLES: tuple[dict[str, Any], ...] = (
    {"color": "#0072B2", "marker": "o"},
    {"color": "#D55E00", "marker": "s"},
    {"color": "#009E73", "marker": "^"},
    {"color": "#777777", "linestyle": "--"},
)


def read_curves(folder: Path) -> dict[str, Curve]:
    """Merge the CSV logs of all starts of a run: where they overlap, the latest start counts.

    Args:
        folder: holds `version_<k>/metrics.csv`.

    Returns:
        For each logged number its points (optimizer step, value), in order of the steps.
    """
    points: dict[str, dict[int, float]] = defaultdict(dict)
    starts = sorted(folder.glob("version_*/metrics.csv"), key=lambda p: int(p.parent.name[8:]))
    for path in starts:
        with path.open(newline="") as lines:
            for row in csv.DictReader(lines):
                step = row.pop("step", None) or ""
                for name, value in row.items():
                    # A killed process may leave half a line, or half a number.
                    if name not in ("epoch", None) and step.isdigit() and _is_number(value):
                        points[name][int(step)] = float(value)
    return {name: sorted(values.items()) for name, values in points.items()}


def _is_number(text: str | None) -> bool:
    try:
        return math.isfinite(float(text or "nan"))
    except ValueError:
        return False


def draw_curves(curves: dict[str, Curve]) -> list[str]:
    """Draw loss and errors against steps; returns an SVG element for each that has a point."""
    return [
        _draw(curves, title, names)
        for title, names in PANELS.items()
        if any(name in curves for name in names)
    ]


def _draw(curves: dict[str, Curve], title: str, names: dict[str, str]) -> str:
    figure = Figure(figsize=(4.8, 3.2), layout="constrained")
    axes = figure.subplots()
    for (name, label), style in zip(names.items(), _STYLES, strict=False):
        if name in curves:
            steps, values = zip(*curves[name], strict=True)
            axes.plot(steps, values, label=label, markersize=3, linewidth=1.4, **style)
    axes.set(title=title, xlabel="step")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8, frameon=False)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :]
