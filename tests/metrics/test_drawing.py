from collections.abc import Iterator
from typing import Any

import pytest
from matplotlib import pyplot
from metric_samples import KINDS, samples, take, updated


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    yield
    pyplot.close("all")


def texts(ax: Any) -> set[str]:
    legend = ax.get_legend()
    return {text.get_text() for text in legend.get_texts()} if legend else set()


@pytest.mark.parametrize("kind", KINDS)
def test_plot_returns_figure_and_axes_or_draws_on_given_ones(kind: str) -> None:
    metric = updated(kind, samples(20))
    figure, ax = metric.plot()
    assert ax.figure is figure
    figure.canvas.draw()
    _, given = pyplot.subplots()
    again, same = metric.plot(ax=given)
    assert again is None
    assert same is given
    assert given.has_data()


@pytest.mark.parametrize("kind", KINDS)
def test_values_of_several_steps_are_drawn_as_torchmetrics_does(kind: str) -> None:
    batch, metric = samples(8), KINDS[kind].make()
    values = [metric(**KINDS[kind].inputs(take(batch, slice(i, i + 4)))) for i in (0, 4)]
    _, ax = metric.plot(values)
    assert ax.get_xlabel() == "Step"
    metric.plot(values[0])


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_can_be_drawn(kind: str) -> None:
    metric = KINDS[kind].make()
    metric.update(**KINDS[kind].inputs(samples(0)))
    figure, _ = metric.plot()
    figure.canvas.draw()


def test_errors_stand_beside_the_floors() -> None:
    _, ax = updated("localization", samples(20)).plot()
    names = [label.get_text() for label in ax.get_xticklabels()]
    assert names == ["loc_top1", "loc_top5", "loc_gt_known", "cls_top1", "cls_top5"]
    assert texts(ax) == {"floor: box around the whole image", "floor: best centred box"}


def test_curves_have_a_line_for_each_iou_and_the_floors() -> None:
    metric = updated("max_box_acc", samples(20))
    _, ax = metric.plot()
    assert {f"V{v}, IoU {iou}" for v in (1, 2) for iou in (0.3, 0.5, 0.7)} < texts(ax)
    assert "floor: best centred box, IoU 0.5" in texts(ax)
    best = metric.compute()
    marked = {
        (round(float(line.get_xdata()[0]), 6), round(float(line.get_ydata()[0]), 6))
        for line in ax.get_lines()
        if line.get_marker() == "o"
    }
    at = best["threshold_v2_70"].item(), best["max_box_acc_v2_70"].item()
    assert tuple(round(value, 6) for value in at) in marked
    assert len(ax.get_lines()) == 6 + 6 + 2
