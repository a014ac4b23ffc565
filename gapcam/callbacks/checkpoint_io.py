"""Checkpoints that are whole or absent, and hold nothing that needs trust to be loaded."""

import os
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins import TorchCheckpointIO

from gapcam.atomic import atomic_path


class AtomicCheckpointIO(TorchCheckpointIO):
    """Write beside the target and rename; Lightning's own writer goes through another folder."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        with atomic_path(Path(path)) as temporary, temporary.open("wb") as file:
            torch.save(checkpoint, file)
