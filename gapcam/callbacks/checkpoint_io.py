"""Checkpoints that are whole or absent, and hold nothing that needs trust to be loaded."""

import io
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
        # In memory first: torch's own writer hides that a disk is full behind a RuntimeError.
        content = io.BytesIO()
        torch.save(checkpoint, content)
        with atomic_path(Path(path)) as temporary:
            temporary.write_bytes(content.getbuffer())
