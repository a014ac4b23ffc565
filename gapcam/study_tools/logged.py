"""A study's numbers and pictures on dashboards."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image
from pytorch_lightning.loggers import Logger, TensorBoardLogger, WandbLogger

from gapcam.naming import file_name
from gapcam.study.outcome import Section


def log_outcome(
    loggers: Sequence[Logger], facts: Mapping[str, Any], sections: Sequence[Section]
) -> None:
    """Log numbers, and pictures where a logger takes them, under `study/<section>`.

    Args:
        loggers: of the run.
        facts: as `metrics.json` holds them.
        sections: of the page.
    """
    for logger in loggers:
        logger.log_metrics(dict(facts["metrics"]), step=0)
        for section in sections:
            if section.pictures:
                _log_pictures(logger, f"study/{file_name(section.title)}", section)
        logger.save()


def _log_pictures(logger: Logger, key: str, section: Section) -> None:
    if not isinstance(logger, WandbLogger | TensorBoardLogger):
        return
    pictures = [Image.open(one.path).convert("RGB") for one in section.pictures]
    if isinstance(logger, WandbLogger):
        captions = [one.caption for one in section.pictures]
        logger.log_image(key=key, images=_of_one_size(pictures), caption=captions)
        return
    for number, picture in enumerate(pictures):
        logger.experiment.add_image(f"{key}/{number}", np.asarray(picture), 0, dataformats="HWC")


def _of_one_size(pictures: Sequence[Image.Image]) -> list[Image.Image]:
    """On white sheets of the largest width and height: W&B shows a list by its first picture."""
    size = max(one.width for one in pictures), max(one.height for one in pictures)
    sheets = [Image.new("RGB", size, "white") for _ in pictures]
    for sheet, picture in zip(sheets, pictures, strict=True):
        sheet.paste(picture, (0, 0))
    return sheets
