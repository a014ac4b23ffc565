"""Figures of what a test found."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gapcam.cam.max_box import Curves
from gapcam.metrics.drawing import draw_curves
from gapcam.metrics.sample_metric import main_iou
from gapcam.protocol import Protocol

_BLUE = "#0072B2"
_NAMED_CLASSES = 30
"""More names do not fit along a side."""


def draw_thresholds(curves: Curves, numbers: Mapping[str, float], protocol: Protocol) -> Figure:
    """Draw accuracy over threshold at each IoU, with the thresholds used and the floors.

    Args:
        curves: of the protocol.
        numbers: the protocol's, by plain names.
        protocol: tries all thresholds.
    """
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    values = {name: torch.tensor(value) for name, value in numbers.items()}
    draw_curves(curves, values, main_iou(protocol), protocol.title, figure.subplots())
    return figure


def draw_mistakes(shares: Mapping[str, float]) -> Figure:
    """Draw shares of the kinds of mistakes as bars."""
    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    axes = figure.subplots()
    names = [kind.replace("_", " ") for kind in shares]
    bars = axes.barh(names, list(shares.values()), color=_BLUE)
    axes.bar_label(bars, [f"{share:.1%}" for share in shares.values()], fontsize=8, padding=2)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1.1), xlabel="share of the best guesses")
    return figure


def draw_confusion(
    labels: NDArray[np.int64], guesses: NDArray[np.int64], class_names: Sequence[str]
) -> Figure:
    """Draw which share of each true class (a row) is taken for which class (a column)."""
    count = len(class_names)
    table = np.zeros((count, count))
    np.add.at(table, (labels, guesses), 1)
    shares = table / table.sum(1, keepdims=True).clip(1)
    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="viridis", vmin=0, vmax=1)
    figure.colorbar(image, label="share of the true class")
    axes.set(xlabel="best guess", ylabel="true class")
    if count <= _NAMED_CLASSES:
        axes.set_xticks(range(count), class_names, rotation=90, fontsize=8)
        axes.set_yticks(range(count), class_names, fontsize=8)
    return figure
