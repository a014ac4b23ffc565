"""What a run says before it starts."""

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from rich.console import Console

from gapcam.arch.network import Network
from gapcam.arch.profile import Profile
from gapcam.data.data_module import DataModule
from gapcam.run_directory import RunDirectory


def announce(
    module: Network,
    measured: Profile,
    data: DataModule,
    trainer: pl.Trainer,
    directory: RunDirectory,
    checkpoint: Path | None,
    console: Console,
) -> None:
    """Say in one line what will run where."""
    config = directory.config
    height, width = measured.mapping_resolution
    device = f"{trainer.world_size} x {trainer.strategy.root_device.type}"
    if config["ckpt"] is not None:
        doing = f"test {checkpoint}"
    elif is_test_of_weights(config, checkpoint):
        doing = "test the weights as they are"
    else:
        doing = "train" if checkpoint is None else f"go on from {checkpoint.name}"
        doing += f" to epoch {trainer.max_epochs}"
    console.print(
        f"[bold]{config['name']}[/]: {measured.parameters:,} parameters, "
        f"{measured.flops / 1e9:.3g} GFLOPs an image, trunk to {module.last_layer}, "
        f"{height}x{width} maps{'' if module.cam.method == 'cam' else f' ({module.cam.title})'}; "
        f"{data.describe()}; {doing} on {device}; {directory.path}",
        highlight=False,
        soft_wrap=True,
    )
    if height * width == 1:
        console.print(
            "The map has one cell, so every box is the whole image: ask for larger images "
            "(arch.size=[224,224]) or cut earlier (a larger arch.trim).",
            soft_wrap=True,
        )


def is_test_of_weights(config: dict[str, Any], checkpoint: Path | None) -> bool:
    """Whether no training is asked for (`trainer.max_epochs=0`) and none was done."""
    return checkpoint is None and config["trainer"]["max_epochs"] == 0
