"""Checkpoints in the middle of an epoch from which training can go on exactly."""

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ModelCheckpoint


class RecoveryCheckpoint(ModelCheckpoint):
    """A `ModelCheckpoint` that saves only when no gradients are waiting for an optimizer step.

    Between two accumulated batches the gradients would be lost with the process, and a run that
    goes on from there would not repeat the uninterrupted one.

    Args:
        kwargs: see `ModelCheckpoint`.
    """

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        done = batch_idx + 1
        is_last = done == trainer.num_training_batches
        if is_last or done % trainer.accumulate_grad_batches == 0:
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
