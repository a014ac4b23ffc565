"""Training of a question answerer with Lightning, from its last epoch on after a crash."""

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from pytorch_lightning.callbacks import ModelCheckpoint

from gapcam.study.bench import Bench
from gapcam.study.vqa.answer_batches import AskedQuestions, ordered_loader, training_loader
from gapcam.study.vqa.answerer import Answerer

_AT_ONCE = 1000
"""Questions that are answered at a time."""


_SECONDS = 10
"""Between two checkpoints: with few questions an epoch takes less time than to write one."""


class _Last(ModelCheckpoint):
    """Keeps the last epoch, or one of `_SECONDS` ago, and what it was trained on."""

    def __init__(self, folder: Path, key: str) -> None:
        super().__init__(
            dirpath=folder,
            filename="last",
            save_on_train_epoch_end=True,
            auto_insert_metric_name=False,
            enable_version_counter=False,
        )
        self._key = key
        self._kept_at = -math.inf

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        is_due = time.monotonic() - self._kept_at >= _SECONDS
        # All processes write together, so one decides.
        is_due = trainer.strategy.broadcast(is_due)
        if is_due or trainer.current_epoch + 1 == trainer.max_epochs:
            super().on_train_epoch_end(trainer, pl_module)
            self._kept_at = time.monotonic()

    def on_save_checkpoint(self, trainer: Any, module: Any, checkpoint: dict[str, Any]) -> None:
        checkpoint["trained_on"] = self._key


def fit(
    bench: Bench,
    answerer: Answerer,
    train: AskedQuestions,
    rows: NDArray[np.int64],
    val: AskedQuestions,
    folder: Path,
    key: str,
    every: int,
    is_logged: bool,
) -> None:
    """Train, on the devices of the bench, or go on from `folder/last.ckpt`.

    Args:
        bench: the study's.
        answerer: is trained.
        train: questions.
        rows: of them that are trained on.
        val: questions to look at now and then.
        folder: of the checkpoint.
        key: of the data; a checkpoint that was trained on others is not used.
        every: so many epochs between two looks.
        is_logged: whether the run's loggers are told.
    """
    trainer = _trainer(bench, answerer.recipe.epochs, folder, key, every, is_logged)
    share = trainer.global_rank, trainer.world_size
    loader = training_loader(
        train,
        rows,
        answerer.recipe.batch_size,
        bench.seed,
        share,
        lambda: trainer.current_epoch,
    )
    trainer.fit(
        answerer,
        train_dataloaders=loader,
        val_dataloaders=ordered_loader(val, _AT_ONCE, share),
        ckpt_path=_resume_from(bench, folder / "last.ckpt", key),
        weights_only=True,
    )
    answerer.eval()


@torch.no_grad()
def answer(
    bench: Bench, answerer: Answerer, asked: AskedQuestions
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The best answer to each question, a class, and its share of the softmax, both `(N,)`."""
    device = bench.trainer.strategy.root_device
    answerer.to(device).eval()
    guesses, scores = [], []
    with bench.progress("Answers", len(asked)) as advance:
        for batch in ordered_loader(asked, _AT_ONCE):
            moved = type(batch)(*(tensor.to(device) for tensor in batch))
            best = answerer(moved).softmax(1).max(1)
            scores.append(best.values.cpu().numpy())
            guesses.append(best.indices.cpu().numpy())
            advance(len(batch.rows))
    return np.concatenate(guesses), np.concatenate(scores)


def _trainer(
    bench: Bench, epochs: int, folder: Path, key: str, every: int, is_logged: bool
) -> pl.Trainer:
    """A trainer on the devices of the bench's, with its progress bar and writer of checkpoints."""
    other = bench.trainer
    bar = other.progress_bar_callback
    is_cpu = other.strategy.root_device.type == "cpu"
    return pl.Trainer(
        accelerator=other.accelerator,
        devices=other.num_devices if is_cpu else other.device_ids,
        num_nodes=other.num_nodes,
        strategy="ddp" if other.world_size > 1 else "auto",
        max_epochs=epochs,
        check_val_every_n_epoch=every,
        num_sanity_val_steps=0,
        logger=other.loggers if is_logged else False,
        callbacks=[_Last(folder, key), *([] if bar is None else [bar])],
        plugins=[other.strategy.checkpoint_io],
        enable_progress_bar=bar is not None,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=str(bench.folder),
    )


def _resume_from(bench: Bench, path: Path, key: str) -> str | None:
    if not path.is_file():
        return None
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    if checkpoint.get("trained_on") != key:
        bench.say(f"{path} was trained on other data or features: training begins anew")
        return None
    bench.say(f"going on from {path}, after {checkpoint['epoch'] + 1} epochs")
    return str(path)
