from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from gapcam.callbacks.recovery import RecoveryCheckpoint


class Line(pl.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        return self.layer(batch).sum()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.mark.parametrize(
    ("accumulated", "saved"), [(1, [1, 2, 3, 4, 5]), (2, [2, 4, 5]), (3, [3, 5]), (9, [5])]
)
def test_saves_only_after_optimizer_steps(
    accumulated: int, saved: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = []

    def save(self: Any, trainer: pl.Trainer, path: str) -> None:
        batches.append(trainer.fit_loop.epoch_loop.batch_progress.current.processed)

    monkeypatch.setattr(RecoveryCheckpoint, "_save_checkpoint", save)
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=1,
        accumulate_grad_batches=accumulated,
        callbacks=[RecoveryCheckpoint(dirpath=tmp_path, train_time_interval=timedelta(0))],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Line(), DataLoader(torch.ones(5, 1)))
    assert batches == saved
