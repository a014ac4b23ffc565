"""Curves of the runs of a table: over the threshold, and over training."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapcam.reporting.drawing import GREY, INK, Drawing, figure_of, legend, style, svg
from gapcam.reporting.series import Series
from gapcam.reporting.table import PERCENT
from gapcam.viz.curves import Curve, read_curves

Found = tuple[NDArray[np.floating], NDArray[np.floating]]
"""Thresholds, and the share of objects found at each."""
PAPERS_THRESHOLD = 0.2
_POINTS = 250
_LOGGED = {
    "val/cls_top1": ("Classification error while training", None),
    "val/loc_top1": ("Localization error while training (class and box)", None),
    "val/loc_gt_known": (
        "Localization error while training, class given",
        "val/floor_best_centred",
    ),
}


def threshold_figures(drawn: Sequence[Series], name: str) -> Iterator[Drawing]:
    """How many objects each threshold finds, a figure for each protocol that tries them all."""
    protocols = {key: one for series in drawn for key, one in _protocols(series).items()}
    for number, (key, protocol) in enumerate(protocols.items()):
        every = [mean_curve(one, key) for one in drawn]
        curves = [(at, curve) for at, curve in enumerate(every) if curve is not None]
        if not curves:
            continue
        title = f"Threshold against objects found ({protocol['title']})"
        with figure_of() as (figure, axes):
            for at, (thresholds, found) in curves:
                look = {**style(at), "marker": None}
                axes.plot(thresholds, found, label=drawn[at].title, **look)
                best = int(found.argmax())
                axes.plot(thresholds[best], found[best], **{**look, "marker": style(at)["marker"]})
            axes.axvline(PAPERS_THRESHOLD, color=INK, linestyle="--", linewidth=1)
            axes.text(PAPERS_THRESHOLD + 0.012, 100, "the paper's 20 %", va="top", fontsize=8)
            axes.set(xlabel="threshold, share of the map's range", ylabel="objects found, %")
            axes.set(xlim=(0, 1), ylim=(0, 102))
            legend(figure, *axes.get_legend_handles_labels())
            yield Drawing(
                title,
                "Share of test pictures whose largest region above the threshold has a box of IoU "
                "at least 0.5, the class being given; markers are at the best threshold. A flat "
                "top means that the threshold hardly matters.",
                svg(figure, f"{name}-threshold{number}", title),
            )


def _protocols(series: Series) -> dict[str, Any]:
    found: dict[str, Any] = series.first.get("protocols", {})
    return found


def mean_curve(series: Series, protocol: str) -> Found | None:
    """Thresholds, and the share found in percent over the repeats; None where a file is missing."""
    curves = [_read_curve(run.path / f"curve-{protocol}.csv") for run in series.runs]
    known = [curve for curve in curves if curve is not None]
    if len(known) < len(curves) or len({len(thresholds) for thresholds, _ in known}) != 1:
        return None
    every = max(1, len(known[0][0]) // _POINTS)
    mean = PERCENT * np.mean([found for _, found in known], axis=0)
    return known[0][0][::every], mean[::every]


def _read_curve(path: Path) -> Found | None:
    """Thresholds and shares of the largest region's box, at IoU 0.5 where that is there."""
    try:
        with path.open(newline="") as lines:
            header, *rows = csv.reader(lines)
        columns = dict(zip(header, np.array(rows, float).T, strict=True))
        wanted = "v1_50" if "v1_50" in columns else header[1]
        return columns["threshold"], columns[wanted]
    except (OSError, ValueError, KeyError, IndexError):
        return None


def training_figures(drawn: Sequence[Series], name: str) -> Iterator[Drawing]:
    """Validation errors over training steps, a figure for each kind of error."""
    logged = [[read_curves(run.path / "csv") for run in one.runs] for one in drawn]
    for key, (title, floor) in _LOGGED.items():
        if not any(key in curves for repeats in logged for curves in repeats):
            continue
        with figure_of() as (figure, axes):
            for at, (series, repeats) in enumerate(zip(drawn, logged, strict=True)):
                known = [curves[key] for curves in repeats if key in curves]
                for again, curve in enumerate(known):
                    _draw_curve(axes, curve, None if again else series.title, at)
            floors = [c[floor] for repeats in logged for c in repeats if floor in c]
            if floors:
                height = PERCENT * floors[0][-1][1]
                axes.axhline(height, color=GREY, linestyle="--", label="floor: best centred box")
            axes.set(xlabel="training step", ylabel="validation error, %", ylim=(0, 102))
            legend(figure, *axes.get_legend_handles_labels())
            yield Drawing(
                title,
                "On the validation pictures, after each epoch; a line for each repeat.",
                svg(figure, f"{name}-{key.replace('/', '-')}", title),
            )


def _draw_curve(axes: Any, curve: Curve, label: str | None, position: int) -> None:
    steps, errors = zip(*curve, strict=True)
    look = {**style(position), "markersize": 2.5, "linewidth": 1.2}
    axes.plot(steps, PERCENT * np.array(errors), label=label, **look)
