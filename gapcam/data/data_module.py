"""What every data set shares: loaders, the device half of the transforms, exact resuming."""

import os
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from gapcam.batch import Batch, collate
from gapcam.cam.views import VIEWS
from gapcam.data.dataset import LocalizationDataset
from gapcam.data.sampler import ResumableSampler
from gapcam.data.settings import (
    require_choice,
    require_kinds,
    require_size,
    require_three,
    require_whole,
)
from gapcam.data.transforms import Views, random_mirrors
from gapcam.errors import UserError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
SHAPES = ("warp", "keep")


class DataModule(pl.LightningDataModule):
    """Train, validation and test split of a data set.

    Images travel to the device as uint8; they are mirrored there, and normalised in the network,
    whose weights decide what its pixels must be. The order of the samples and their random crops
    depend on seed, epoch and row, every other random number of a training step on seed and step
    alone, so a run that is killed and resumed repeats the uninterrupted one.

    Subclasses provide `load_splits`.

    Args:
        size: height and width of the images that the network sees.
        batch_size: images a training batch, on each device.
        eval_batch_size: images an evaluation batch, on each device.
        num_workers: loader processes on each device; null chooses by the machine's cores.
        seed: of the order of the samples and of the random crops.
        flip: mirror half of the training images.
        resize: side to which pictures are brought before crops are cut; null: no crops in training.
        shape: `warp` squashes pictures to a square of `resize`, `keep` brings the short side to it.
        view: what evaluation sees: `whole` (squashed to `size`), `centre` (the crop in the middle),
            `ten` (crops and their mirrors), or a list of these: all of them, in one pass.
        mean: of the pixel values in 0..1, red, green, blue; for networks without given weights.
        std: standard deviation of the same.

    Raises:
        UserError: if a setting is out of range.
    """

    measure = "accuracy"
    """By what classifiers are compared on these data: `accuracy`, or `average_precision`, of
    ranking pictures of the second of two classes before those of the first."""

    class_names: list[str]
    train: LocalizationDataset
    val: LocalizationDataset
    test: LocalizationDataset

    def __init__(
        self,
        *,
        size: Sequence[int],
        batch_size: int,
        eval_batch_size: int,
        num_workers: int | None,
        seed: int,
        flip: bool,
        resize: int | None = None,
        shape: str = "warp",
        view: str | Sequence[str] = "whole",
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        self.size = require_size(size)
        require_whole("batch_size", batch_size, 1)
        require_whole("eval_batch_size", eval_batch_size, 1)
        require_whole("num_workers", num_workers, 0, null="one a core")
        require_whole("seed", seed, 0)
        require_whole("resize", resize, max(self.size), null="by the size")
        require_choice("shape", shape, SHAPES)
        kinds = require_kinds("view", view, tuple(VIEWS))
        if resize is None and kinds != ("whole",):
            raise UserError(f"data.view={view} cuts crops from larger pictures: give data.resize")
        require_choice("flip", flip, (True, False))
        require_three("mean", mean)
        require_three("std", std, above=0)
        self.views = Views(self.size, resize, shape == "keep", kinds)
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.num_workers = default_workers() if num_workers is None else num_workers
        self.seed = seed
        self.flip = flip
        self.mean = tuple(mean)
        self.std = tuple(std)
        self.on_progress: Callable[[int], None] = _ignore
        self._is_loaded = False

    @abstractmethod
    def load_splits(self) -> None:
        """Set `class_names`, `train`, `val` and `test`; check what can be checked cheaply.

        Raises:
            UserError: if the data are missing or wrong, saying what was looked for.
        """

    def repetitions(self) -> list[dict[str, Any]]:
        """Settings under which the protocol of the data set is repeated and its numbers averaged.

        Such as `{"split": 1}` to `{"split": 10}`; a data set with one split has one, without any
        setting. Known once the data are set up.
        """
        return [{}]

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    def describe(self) -> str:
        """Counts of the splits for the start line."""
        splits = [self.train, self.val] + ([] if self.test is self.val else [self.test])
        counts = ", ".join(f"{len(split):,} {split.split}" for split in splits)
        twice = f" ({self.test.split} validates and tests)" if self.test is self.val else ""
        return f"{counts} images of {self.num_classes:,} classes{twice}"

    def notes(self) -> list[str]:
        """What somebody who reads the numbers must know about the data; mostly nothing."""
        notes = [] if self.test.has_boxes else ["no true boxes: localization is not scored"]
        with_boxes = int((self.test.index.box_counts > 0).sum())
        if 0 < with_boxes < len(self.test):
            notes.append(f"localization is scored on the {with_boxes:,} images with a true box")
        if self.views.kinds != ("whole",):
            notes.append(f"evaluation sees {self.views.describe()}")
        return notes

    def fingerprint(self) -> dict[str, str]:
        """Digest of each split."""
        return {split: getattr(self, split).fingerprint for split in ("train", "val", "test")}

    def setup(self, stage: str | None = None) -> None:
        if not self._is_loaded:
            self.load_splits()
            self._is_loaded = True

    def train_dataloader(self) -> DataLoader[Any]:
        assert self.trainer is not None
        trainer = self.trainer
        loader = self.train_loader(trainer.world_size, trainer.global_rank, self._samples_seen)
        loader.sampler.asked_epoch = lambda: trainer.current_epoch  # type: ignore[attr-defined]
        return loader

    def train_loader(
        self, processes: int = 1, rank: int = 0, samples_seen: Callable[[], int] = int
    ) -> DataLoader[Any]:
        """Training batches of one of several processes; see `ResumableSampler`."""
        sampler = ResumableSampler(
            self.train,
            num_replicas=processes,
            rank=rank,
            shuffle=True,
            seed=self.seed,
            samples_seen=samples_seen,
        )
        return self._loader(self.train, self.batch_size, sampler=sampler)

    def val_dataloader(self) -> DataLoader[Any]:
        return self.evaluation_loader(self.val)

    def test_dataloader(self) -> DataLoader[Any]:
        return self.evaluation_loader(self.test)

    def predict_dataloader(self) -> DataLoader[Any]:
        return self.test_dataloader()

    def evaluation_loader(self, split: LocalizationDataset) -> DataLoader[Any]:
        """Batches of a split in its order, as evaluation sees them."""
        return self._loader(split, self.eval_batch_size)

    def on_before_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        if self.trainer is not None and self.trainer.training:
            step = self.trainer.fit_loop.epoch_loop.batch_progress.total.ready
            torch.manual_seed(_step_seed(self.seed, step, self.trainer.global_rank))
        return batch

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        if self.trainer is None or not self.trainer.training or not self.flip:
            return batch
        return batch._replace(images=random_mirrors(batch.images))

    def _samples_seen(self) -> int:
        """Samples of the current epoch that this process has trained on before a crash."""
        assert self.trainer is not None
        # Not `completed`: a checkpoint after a batch is written before that is counted.
        batches = self.trainer.fit_loop.epoch_loop.batch_progress.current.ready
        # All of them: the epoch was complete, and it is the next one that begins.
        is_middle = batches < self.trainer.num_training_batches
        return batches * self.batch_size if is_middle else 0

    def _loader(
        self, dataset: LocalizationDataset, batch_size: int, sampler: Any = None
    ) -> DataLoader[Any]:
        return DataLoader(
            dataset,
            batch_size=batch_size,
            sampler=sampler,
            num_workers=self.num_workers,
            collate_fn=collate,
            pin_memory=torch.cuda.is_available(),
            persistent_workers=self.num_workers > 0,
            # Batch normalisation cannot train on a left-over batch of one.
            drop_last=sampler is not None and len(sampler) > batch_size,
        )


def _ignore(_: int) -> None:
    """Nobody wants to know how far it is."""


def default_workers() -> int:
    """One a core that this process may use, at most 16."""
    has_affinity = hasattr(os, "sched_getaffinity")  # not on macOS
    return min(16, len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1)


def _step_seed(seed: int, step: int, rank: int) -> int:
    """One seed for each step of each process; neighbours share nothing."""
    state = np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)
    return int(state[0])
