"""Deep features of many pictures: computed once, on all devices, and kept on disk."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from gapcam.arch.network import Network
from gapcam.atomic import atomic_path, write_text
from gapcam.batch import Batch, collate
from gapcam.data.cache import digest_of_readers
from gapcam.data.dataset import LocalizationDataset
from gapcam.errors import UserError
from gapcam.study.bench import Bench
from gapcam.study.layer import Layer, vectors
from gapcam.study.pool import Pool
from gapcam.study.trained import place_of, require_trained

_PART = 32
"""Batches a file, until all are there: a crash loses no more."""

Features = NDArray[np.float32]
"""`(N, K)`, a row for each sample of a data set, in its order."""


def extract(
    bench: Bench,
    datasets: Sequence[LocalizationDataset],
    layer: str | None = None,
    pool: str = "avg",
    network: Network | None = None,
) -> list[Features]:
    """Features of data sets, one array for each; pictures that they share are looked at once.

    Args:
        bench: the study's.
        datasets: evaluated as `data.view` says; several views are averaged.
        layer: see `gapcam.study.layer.Layer`.
        pool: `avg` or `max`.
        network: looks; null for the bench's.

    Raises:
        UserError: if there is no such layer, it is not trained, its answers are no numbers, or a
            picture cannot be read.
    """
    pictures = Pool(datasets)
    features = extract_pool(bench, pictures, Layer(network or bench.network, layer, pool))
    return [features[pictures.places(number)] for number in range(len(datasets))]


def extract_pool(bench: Bench, pictures: Pool, layer: Layer) -> Features:
    """Features of a pool, in its order, mapped from disk: they may be larger than memory.

    They are kept under the digest of everything they depend on: weights, layer, pixels, views,
    precision, the pictures' files. Batches are the same on any number of processes, so the numbers
    are, too. After a crash the batches that were done are not done again.

    Args:
        bench: the study's; its data module makes the batches.
        pictures: evaluated as `data.view` says; several views are averaged.
        layer: of a network.

    Raises:
        UserError: if the layer is not trained, its answers are no numbers, or a picture cannot be
            read.
    """
    require_trained(layer, bench.fresh)
    folder = bench.features / _digest(bench, layer) / pictures.fingerprint
    if not (folder / "features.npy").is_file():
        _compute(bench, layer, pictures, folder)
    features: Features = np.load(folder / "features.npy", mmap_mode="r")
    return features


class _Batches(Dataset[Batch]):
    """The pool in batches, whose limits no number of processes moves."""

    def __init__(self, pictures: Pool, size: int, left: Sequence[int]) -> None:
        self._pictures = pictures
        self._size = size
        self._left = left

    def __len__(self) -> int:
        return len(self._left)

    def __getitem__(self, place: int) -> Batch:
        start = self._left[place] * self._size
        stop = min(start + self._size, len(self._pictures))
        return collate([self._pictures[row] for row in range(start, stop)])


class _Extractor(pl.LightningModule):
    """Writes the features of batches into files `part-<first row>.npz`.

    The network is not compiled, whatever it would like: compiled layers do not tell what they saw.
    """

    test_title = "Features"

    def __init__(self, layer: Layer, folder: Path) -> None:
        super().__init__()
        self.network = layer.network  # so that it moves to the device
        self._layer = layer
        self._folder = folder
        self._rows: list[NDArray[np.int64]] = []
        self._features: list[Features] = []
        self._threads = torch.get_num_threads()  # before Lightning divides them among processes

    def on_test_start(self) -> None:
        if self.device.type == "cpu":
            # Convolutions add up in an order that depends on it. It stays, for maps are no other.
            torch.set_num_threads(self.trainer.strategy.broadcast(self._threads))

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        found = vectors(self._layer, batch.images)
        if not found.isfinite().all():
            raise UserError(
                f"Layer {self._layer.name} of {type(self.network).__name__} has answers that are "
                "no numbers (infinite or NaN): its weights are damaged, or too large for "
                f"trainer.precision={self.trainer.precision}; give trainer.precision=32-true"
            )
        self._rows.append(batch.index.cpu().numpy())
        self._features.append(found.float().cpu().numpy())
        if len(self._rows) == _PART:
            self._write()

    def on_test_epoch_end(self) -> None:
        if self._rows:
            self._write()

    def _write(self) -> None:
        with (
            atomic_path(self._folder / f"part-{self._rows[0][0]:010d}.npz") as temporary,
            temporary.open("wb") as file,
        ):
            np.savez(file, rows=np.concatenate(self._rows), features=np.concatenate(self._features))
        self._rows, self._features = [], []


def _compute(bench: Bench, layer: Layer, pictures: Pool, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    size, trainer = bench.data.eval_batch_size, bench.trainer
    count = -(-len(pictures) // size)
    done = {int(row) // size for part in _parts(folder) for row in part["rows"][::size]}
    left = [batch for batch in range(count) if batch not in done]
    if done:
        bench.say(f"{len(done):,} of {count:,} batches of features were computed before")
    batches = _Batches(pictures, size, left)
    was_training = layer.network.training
    if left:
        # A sampler of its own keeps Lightning from padding shares, and no process waits.
        share = _Share(batches, trainer.world_size, trainer.global_rank, shuffle=False)
        loader = DataLoader(
            batches,
            batch_size=None,
            sampler=share,
            num_workers=bench.data.num_workers,
            pin_memory=torch.cuda.is_available(),
        )
        trainer.test(_Extractor(layer, folder), dataloaders=loader, verbose=False)
    layer.network.train(was_training)
    trainer.strategy.barrier()
    if bench.is_main:
        _join(folder, len(pictures), bench, layer)
    trainer.strategy.barrier()


class _Share(DistributedSampler[Any]):
    """Every so many-th batch; shares may differ by one, as nothing is exchanged between steps.

    Where there are fewer batches than processes those left over do the last one again: Lightning
    refuses a process that has none, and the file that they write is the same.
    """

    def __iter__(self) -> Iterator[int]:
        return iter(self._places())

    def __len__(self) -> int:
        return len(self._places())

    def _places(self) -> range:
        count = len(self.dataset)  # type: ignore[arg-type]
        return range(min(self.rank, count - 1), count, self.num_replicas)


def _join(folder: Path, count: int, bench: Bench, layer: Layer) -> None:
    """Bring the parts together into one array in the pool's order."""
    if (folder / "features.npy").is_file():
        return  # by another study of the same pictures at the same time
    there = {int(row) for part in _parts(folder) for row in part["rows"]}
    if len(there) < count:
        raise UserError(
            f"Only {len(there):,} of {count:,} pictures were looked at: leave out what shortens a "
            "test, such as trainer.fast_dev_run"
        )
    units = next(_parts(folder))["features"].shape[1]
    with atomic_path(folder / "features.npy") as temporary:
        joined: Any = np.lib.format.open_memmap(temporary, "w+", np.float32, (count, units))
        for part in _parts(folder):
            joined[part["rows"]] = part["features"]
        joined.flush()
        del joined
    facts = {"layer": layer.name, "pool": layer.pool, "data": bench.data.describe()}
    write_text(folder / "features.json", json.dumps(facts, indent=2))
    for path in folder.glob("part-*.npz"):
        path.unlink(missing_ok=True)


def _parts(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("part-*.npz")):
        with np.load(path) as part:
            yield {"rows": part["rows"], "features": part["features"]}


def _digest(bench: Bench, layer: Layer) -> str:
    """Digest of everything but the pictures that features depend on."""
    network = layer.network
    facts = {
        # Strides and dilations change features, and no tensor tells of them.
        "network": {k: v for k, v in network.recipe["arch"].items() if k != "weights"},
        "layer": layer.name,
        "pool": layer.pool,
        "size": network.size,
        "view": bench.data.views.describe(),
        "batch": bench.data.eval_batch_size,  # the last digits may depend on it
        "precision": str(bench.trainer.precision),
        "code": digest_of_readers(),
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    # Random layers, such as a classifier for the data's classes, have no part: that was seen to.
    without = tuple(f"{place_of(network, name)}." for name in bench.fresh)
    for name, tensor in sorted(network.state_dict().items()):
        if not name.startswith(without):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return f"{type(network).__name__}-{layer.name}-{digest.hexdigest()[:16]}"
