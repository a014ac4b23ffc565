"""What a study works with."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytorch_lightning as pl

from gapcam.arch.network import Network
from gapcam.data.data_module import DataModule
from gapcam.protocol import Protocol
from gapcam.study.steps import Steps

Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""`with progress(title, count) as advance: ... advance(1)`."""


@dataclass(frozen=True)
class Bench:
    """A trained network, data, and where things go.

    Args:
        network: in evaluation mode; may tell other classes apart than `data` has.
        fresh: layers of it that no weights were given for (a classifier for other classes).
        data: of the configuration, read.
        data_with: the same data set with other settings, read: `data_with(split=2)`.
        protocol: cuts the boxes.
        trainer: runs the network over pictures, on all devices; see `gapcam.study.extraction`.
        folder: of the run; pictures go to `folder / "cams"`.
        features: where computed features are kept, for all studies.
        steps: keeps what was computed.
        progress: shows a bar for work outside the trainer.
        say: prints a line.
        seed: of everything random.
        gallery: how many pictures are wanted on the page, about.
        is_main: whether this process writes.
    """

    network: Network
    fresh: tuple[str, ...]
    data: DataModule
    data_with: Callable[..., DataModule]
    protocol: Protocol
    trainer: pl.Trainer
    folder: Path
    features: Path
    steps: Steps
    progress: Progress
    say: Callable[[str], None]
    seed: int
    gallery: int
    is_main: bool

    @property
    def pictures(self) -> Path:
        """Folder of the pictures that the study draws."""
        return self.folder / "cams"
