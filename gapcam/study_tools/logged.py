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
    if isinstance(logger, WandbLogger):
        captions = [one.caption for one in section.pictures]
        logger.log_image(key=key, images=[str(p.path) for p in section.pictures], caption=captions)
    elif isinstance(logger, TensorBoardLogger):
        for number, one in enumerate(section.pictures):
            with Image.open(one.path) as picture:
                pixels = np.asarray(picture.convert("RGB"))
            logger.experiment.add_image(f"{key}/{number}", pixels, 0, dataformats="HWC")
