"""Pictures, figures and tables on TensorBoard."""

from collections.abc import Sequence

import numpy as np
from pytorch_lightning.loggers import TensorBoardLogger

from gapcam.arch.network import Network
from gapcam.callbacks.panels import Panels
from gapcam.viz.figures import draw_confusion, draw_mistakes, draw_thresholds
from gapcam.viz.findings import CONFUSED_COLUMNS, Findings, most_confused
from gapcam.viz.localizations import Localization
from gapcam.viz.overlay import panel

_MOST_CLASSES = 200
"""A matrix of more has cells smaller than a pixel."""

_MOST_PAIRS = 30


class TensorBoardPanels(Panels[TensorBoardLogger]):
    """Log pictures with heat map, boxes and caption, and what the test found as figures and text.

    The names are those on W&B, see `gapcam.callbacks.wandb_panels.WandbPanels`; each picture has a
    name of its own, `val/cam/<index>`, so that a slider goes through the steps.

    Args:
        images: see `Panels`.
        rows: see `Panels`.
    """

    logger_kind = TensorBoardLogger

    def send_pictures(
        self,
        logger: TensorBoardLogger,
        key: str,
        found: list[Localization],
        network: Network,
        step: int,
    ) -> None:
        for one in found:
            logger.experiment.add_image(
                f"{key}/{one.index}", np.asarray(panel(one)), step, dataformats="HWC"
            )

    def send_findings(
        self, logger: TensorBoardLogger, found: Findings, network: Network, step: int
    ) -> None:
        writer = logger.experiment
        if found.examples:
            values = [one.values for one in found.examples]
            writer.add_text("test/images", markdown_table(found.columns, values), step)
        for name, curves in found.curves.items():
            numbers = {k.removeprefix(f"{name}/"): v for k, v in found.numbers.items()}
            protocol = network.test_evaluation.protocols[name]
            figure = draw_thresholds(curves, numbers, protocol)
            writer.add_figure(f"test/threshold_curve/{name}", figure, step)
        if found.mistakes:
            writer.add_figure("test/mistakes", draw_mistakes(found.mistakes), step)
        if found.labels is None or found.guesses is None:
            return
        if len(found.class_names) <= _MOST_CLASSES:
            figure = draw_confusion(found.labels, found.guesses, found.class_names)
            writer.add_figure("test/confusion", figure, step)
        pairs = most_confused(found.labels, found.guesses, found.class_names, _MOST_PAIRS)
        writer.add_text("test/confused_pairs", markdown_table(CONFUSED_COLUMNS, pairs), step)


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Lay out a table; what is not known is left empty."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
