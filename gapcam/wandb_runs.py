"""One W&B run for each job of a process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytorch_lightning as pl
from pytorch_lightning.loggers import WandbLogger

_MODE = "WANDB_MODE"


@contextmanager
def wandb_mode_kept() -> Iterator[None]:
    """Put back what the environment says: an offline logger changes it for all that follow."""
    mode = os.environ.get(_MODE)
    try:
        yield
    finally:
        os.environ.pop(_MODE, None)
        if mode is not None:
            os.environ[_MODE] = mode


def finish_wandb(trainer: pl.Trainer) -> None:
    """Close W&B's run: a second job of this process would otherwise write into the first one's."""
    for logger in trainer.loggers:
        if isinstance(logger, WandbLogger) and logger._experiment is not None:
            logger.experiment.finish()
