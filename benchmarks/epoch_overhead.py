"""How much does a training epoch of the default cost over a plain PyTorch loop?

    uv run python benchmarks/epoch_overhead.py

Both train the same network with the same optimizer on the same batches, decoded by the same
loader, in turns (A B, B A, …) in one process; the first of each is a warm-up. Lightning's side has
everything a run has: loggers, progress bar, checkpoints, schedules; validation is left out on both
sides. Measured is processor time, which on a shared machine is steadier than the clock. The result
is the ratio of the medians.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch.utils.data import DataLoader

from gapcam.arch.network import Network
from gapcam.batch import collate
from gapcam.build import build_data, build_module, build_trainer, data_facts
from gapcam.config_dir import CONFIG_DIR
from gapcam.data.data_module import DataModule
from gapcam.execution import keep_lightning_quiet

ROUNDS = 5


class EpochClock(pl.Callback):
    """Seconds of each training epoch."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._start = 0.0

    def on_train_epoch_start(self, *_: Any) -> None:
        self._start = time.process_time()

    def on_train_epoch_end(self, *_: Any) -> None:
        self.seconds.append(time.process_time() - self._start)


def default_config(folder: str) -> dict[str, Any]:
    overrides = [f"runs={folder}", "name=benchmark", "trainer.limit_val_batches=0"]
    overrides += ["trainer.max_epochs=1", "trainer.num_sanity_val_steps=0"]
    overrides += ["~callbacks.best", "trainer.accelerator=cpu"]
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        config = compose("config", overrides=overrides)
    plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    return plain


def build(config: dict[str, Any], data: DataModule) -> Network:
    facts = data_facts(data)
    return build_module(config["arch"], config["protocol"], facts, optim=config["optim"])


def lightning_epoch(config: dict[str, Any], data: DataModule) -> float:
    clock = EpochClock()
    with tempfile.TemporaryDirectory() as folder:
        module = build(config, data)
        trainer = build_trainer(config, Path(folder))
        trainer.callbacks.append(clock)  # type: ignore[attr-defined]
        trainer.fit(module, datamodule=data)
    return clock.seconds[0]


def plain_epoch(config: dict[str, Any], data: DataModule) -> float:
    module = build(config, data).train()
    module.configure_model()
    assert module.optim is not None
    optimizer = module.optim.make(module, module.is_head)
    loader = DataLoader(
        data.train, data.batch_size, shuffle=True, collate_fn=collate, drop_last=True
    )
    start = time.process_time()
    for batch in loader:
        loss = F.cross_entropy(module(batch.images).logits, batch.labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return time.process_time() - start


def main() -> None:
    keep_lightning_quiet()
    ratios, ours, plain = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        config = default_config(folder)
        data = build_data(config)
        for round_number in range(ROUNDS + 1):
            if round_number % 2:
                pair = (lightning_epoch(config, data), plain_epoch(config, data))
            else:
                pair = (plain_epoch(config, data), lightning_epoch(config, data))[::-1]
            if round_number > 0:
                ours.append(pair[0])
                plain.append(pair[1])
                ratios.append(pair[0] / pair[1])
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {sys.platform}")
    spread = ", ".join(f"{ratio:.3f}" for ratio in sorted(ratios))
    print(f"gapcam {statistics.median(ours):.2f} s, plain loop {statistics.median(plain):.2f} s")
    print(f"ratio {statistics.median(ours) / statistics.median(plain):.3f} (rounds: {spread})")


if __name__ == "__main__":
    main()
