"""Lightning's rich progress bar, with the error so far while evaluating."""

import math
import time
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import RichProgressBar

from gapcam.arch.evaluation import Evaluation
from gapcam.arch.network import Network


class LocalizationProgress(RichProgressBar):
    """Shows the running top-1 localization error of this process beside the evaluation bars.

    Where no picture has a true box it is the classification error.

    Args:
        seconds: between two updates. Drawing after every batch would cost more than a small
            network's step, and reading the loss makes a GPU wait.
    """

    def __init__(self, seconds: float = 0.2) -> None:
        super().__init__()
        self.seconds = seconds
        self._drawn = self._read = -math.inf
        self._metrics: dict[str, Any] = {}

    @property
    def test_description(self) -> str:
        """What the bar of a test is called; a module that does something else then says so."""
        title = getattr(self.trainer.lightning_module, "test_title", None)
        return title or super().test_description

    def refresh(self, hard: bool = False) -> None:
        if hard or time.monotonic() - self._drawn >= self.seconds:
            super().refresh(hard)
            self._drawn = time.monotonic()

    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        if not trainer.training or time.monotonic() - self._read >= self.seconds:
            self._metrics = self._read_metrics(trainer, pl_module)
            self._read = time.monotonic()
        return self._metrics

    def _read_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        metrics = super().get_metrics(trainer, pl_module)
        metrics.pop("v_num", None)
        return {
            name.removesuffix("_step"): v for name, v in metrics.items() if "_epoch" not in name
        }

    def on_validation_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any, **kwargs: Any
    ) -> None:
        super().on_validation_batch_end(trainer, pl_module, *args, **kwargs)
        if isinstance(pl_module, Network) and not trainer.sanity_checking:
            self._show(self.val_progress_bar_id, "Validation", pl_module.val_evaluation)

    def on_test_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any, **kwargs: Any
    ) -> None:
        super().on_test_batch_end(trainer, pl_module, *args, **kwargs)
        if isinstance(pl_module, Network):
            self._show(self.test_progress_bar_id, "Test", pl_module.test_evaluation)

    def _show(self, bar: Any, title: str, evaluation: Evaluation) -> None:
        # Asking for the number waits for the device; nobody looks where there is no terminal.
        if time.monotonic() - self._read < self.seconds:
            return
        self._read = time.monotonic()
        if self.progress is not None and bar is not None and self.progress.console.is_terminal:
            errors = {k: float(v) for k, v in evaluation.running_errors().items()}
            name = "cls_top1" if math.isnan(errors["loc_top1"]) else "loc_top1"
            self.progress.update(bar, description=f"{title}, {name} error {errors[name]:.1%}")
