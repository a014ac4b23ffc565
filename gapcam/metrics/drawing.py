"""Pictures of the metrics, as torchmetrics' `plot` returns them: a figure and axes."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from gapcam.cam.max_box import Curves, percent
from gapcam.cam.pixel_curve import PixelCurve

# Okabe and Ito's colours, which colour-blind people can tell apart; what looks at nothing is grey.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_GREY = "#777777"

_FLOORS = {
    "floor_whole_image": "floor: box around the whole image",
    "floor_best_centred": "floor: best centred box",
    "pointing_centre": "floor: the image's centre",
}
_FLOOR_LINES = ("--", "-.")


def draw_errors(numbers: Mapping[str, Tensor], rule: str, ax: Any = None) -> Any:
    """Draw errors as bars, and the floors as lines; `rule` names the protocol."""
    figure, ax = _axes(ax)
    bars = {name: value for name, value in numbers.items() if name[:4] in ("loc_", "cls_")}
    _bars(ax, bars)
    _floor_lines(ax, numbers)
    ax.set_ylabel(f"error, {rule}")
    return figure, ax


def draw_pointing(numbers: Mapping[str, Tensor], rule: str, ax: Any = None) -> Any:
    """Draw accuracies of the pointing game as bars, and the centre's as a line."""
    figure, ax = _axes(ax)
    _bars(ax, {name: numbers[name] for name in ("pointing", "pointing_class_mean")})
    _floor_lines(ax, numbers)
    ax.set_ylabel(f"accuracy, {rule}")
    return figure, ax


def draw_curves(
    found: Curves, numbers: Mapping[str, Tensor], main: float, rule: str, ax: Any = None
) -> Any:
    """Draw accuracy over threshold at each IoU, the best thresholds and the floors at one IoU.

    Args:
        found: the curves.
        numbers: as `MaxBoxAcc.compute` returns them.
        main: the IoU of the floors.
        rule: the protocol's name.
        ax: axes to draw on.
    """
    figure, ax = _axes(ax)
    thresholds = found.thresholds.tolist()
    kinds = (("", "V1", found.v1, "-", "full"), ("_v2", "V2", found.v2, ":", "none"))
    for kind, title, accuracies, style, fill in kinds:
        for iou, row, colour in zip(found.iou, accuracies.cpu(), _COLOURS, strict=False):
            label = f"{title}, IoU {iou:g}"
            ax.plot(thresholds, row, style, color=colour, label=label)
            best = [
                numbers[f"{name}{kind}_{percent(iou)}"].item()
                for name in ("threshold", "max_box_acc")
            ]
            ax.plot(*best, "o", color=colour, fillstyle=fill)
    ax.set(xlabel="threshold", ylabel=f"accuracy, {rule}", xlim=(0, 1), ylim=(0, 1))
    ax.grid(alpha=0.25)
    floors = {name: 1 - numbers[name] for name in _FLOORS if name in numbers}
    _floor_lines(ax, floors, f", IoU {main:g}")
    return figure, ax


def draw_precision_recall(
    curve: PixelCurve, numbers: Mapping[str, Tensor], rule: str, ax: Any = None
) -> Any:
    """Draw precision over recall, and the share of true pixels as a line."""
    figure, ax = _axes(ax)
    title = f"area {numbers['pixel_ap'].item():.3f}"
    ax.plot(curve.recall.cpu(), curve.precision.cpu(), color=_COLOURS[0], label=title)
    ax.axhline(
        numbers["floor_pixel_ap"].item(), color=_GREY, linestyle="--", label="floor: a constant map"
    )
    ax.set(xlabel="recall", ylabel=f"precision, {rule}", xlim=(0, 1), ylim=(0, 1.02))
    ax.grid(alpha=0.25)
    _legend(ax)
    return figure, ax


def _axes(ax: Any) -> Any:
    from matplotlib import pyplot

    return pyplot.subplots(layout="constrained") if ax is None else (None, ax)


def _bars(ax: Any, numbers: Mapping[str, Tensor]) -> None:
    values = [value.item() for value in numbers.values()]
    drawn = ax.bar(range(len(values)), values, color=_COLOURS[0], width=0.6)
    ax.bar_label(drawn, [f"{value:.1%}" for value in values], fontsize=8, padding=2)
    ax.set_xticks(range(len(values)), list(numbers), rotation=30, ha="right", fontsize=8)
    ax.set(xlim=(-0.75, len(values) - 0.25), ylim=(0, 1.08))
    ax.grid(axis="y", alpha=0.25)
    ax.set_axisbelow(True)


def _floor_lines(ax: Any, numbers: Mapping[str, Tensor], ending: str = "") -> None:
    named = [(name, title) for name, title in _FLOORS.items() if name in numbers]
    for (name, title), style in zip(named, _FLOOR_LINES, strict=False):
        ax.axhline(numbers[name].item(), color=_GREY, linestyle=style, label=title + ending)
    _legend(ax)


def _legend(ax: Any) -> None:
    """Above the axes, where it hides nothing."""
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=8, frameon=False)
