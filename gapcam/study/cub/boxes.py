"""Where an SVM looks in the pictures of a split, and what is to be cut out of them."""

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray

from gapcam.arch.evaluation import Evaluation
from gapcam.arch.gap_module import GAPModule
from gapcam.atomic import atomic_path
from gapcam.batch import Batch
from gapcam.data.data_module import DataModule
from gapcam.data.dataset import LocalizationDataset
from gapcam.metrics.localization import LocalizationRows
from gapcam.protocol import Protocol
from gapcam.study.bench import Bench
from gapcam.study.pool import Pool
from gapcam.study.steps import Arrays

Boxes = NDArray[np.float32]
"""`(N, 4)`, half-open, in pixels of the original pictures; zeros for none."""


def looking(network: GAPModule, protocol: Protocol, view: str) -> GAPModule:
    """Let a network look by one protocol alone, at pictures of which there is one kind of view.

    Args:
        network: is changed.
        protocol: with a threshold: cuts the boxes.
        view: its kind.
    """
    network.views = (view,)
    network.test_evaluation = Evaluation(
        {protocol.name: protocol}, network.size, view, network.num_classes
    )
    return network


def locate(
    bench: Bench,
    name: str,
    network: GAPModule,
    data: DataModule,
    dataset: LocalizationDataset,
) -> LocalizationRows:
    """Guesses and boxes of a split, as a run's test finds them, on all devices; kept as a step.

    Args:
        bench: has the trainer and keeps the step.
        name: of the step.
        network: of `looking`.
        data: makes the batches.
        dataset: the split of `data`.
    """

    def find() -> Arrays:
        looker = _Looker(network, f"Boxes, {name}")
        bench.trainer.test(looker, dataloaders=data.evaluation_loader(dataset), verbose=False)
        return arrays_of(looker.rows)

    key = key_of_look(network, dataset) | {"protocol": asdict(network.test_evaluation.main)}
    return rows_of(bench.steps.arrays(f"boxes-{name}", key, find))


def key_of_look(network: GAPModule, dataset: LocalizationDataset) -> dict[str, object]:
    """What decides what a network with an SVM's weights says of a split."""
    digest = hashlib.sha256()
    for weights in network.classifier.parameters():  # which were learnt from the layers below
        digest.update(weights.detach().cpu().numpy().tobytes())
    return {
        "classifier": digest.hexdigest(),
        "pictures": Pool([dataset]).fingerprint,
        "view": dataset.views.describe(),
        "cam": network.cam.word,
    }


def arrays_of(rows: LocalizationRows) -> Arrays:
    """Rows for `Steps` to keep."""
    return {f"rows_{name}": column.cpu().numpy() for name, column in rows._asdict().items()}


def rows_of(arrays: Arrays) -> LocalizationRows:
    """The inverse of `arrays_of`."""
    return LocalizationRows(
        **{name: torch.from_numpy(arrays[f"rows_{name}"]) for name in LocalizationRows._fields}
    )


def crops_of(rows: LocalizationRows, of_label: bool, margin: float) -> Boxes:
    """What to cut out of each picture of a split, in its order.

    Args:
        rows: of the split.
        of_label: take the true class's box, not the best guess's.
        margin: to leave on each side, as a share of the box's width and height. What lies outside
            of the picture is cut off later, when it is read.

    Returns:
        Boxes with the margin; zeros where nothing was found.
    """
    boxes = rows.boxes[:, -1 if of_label else 0, 0].numpy().astype(np.float64)
    sides = boxes[:, 2:] - boxes[:, :2]
    is_found = (sides > 0).all(1, keepdims=True)
    wider = np.concatenate([boxes[:, :2] - margin * sides, boxes[:, 2:] + margin * sides], axis=1)
    return np.where(is_found, wider.clip(min=0), 0).astype(np.float32)


def write_crops(path: Path, splits: Iterable[tuple[LocalizationDataset, Boxes]]) -> None:
    """Write one line per picture, `name,x0,y0,x1,y1`, which `data.crop` of cub200 reads."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "x0", "y0", "x1", "y1"])
        for dataset, boxes in splits:
            for row, box in enumerate(boxes.tolist()):
                writer.writerow([dataset.name(row), *(f"{corner:.9g}" for corner in box)])


class _Looker(pl.LightningModule):
    """Looks at a split and keeps `rows`, without logging numbers that a reader could mistake."""

    rows: LocalizationRows

    def __init__(self, network: GAPModule, title: str) -> None:
        super().__init__()
        self.network = network  # so that it moves to the device
        self.test_title = title

    def on_test_epoch_start(self) -> None:
        self.network.test_evaluation.reset()

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self.network.test_step(batch, batch_idx)

    def on_test_epoch_end(self) -> None:
        # Taken here, where the processes can still talk to each other.
        evaluation = self.network.test_evaluation
        evaluation.gather_details()
        rows = evaluation.details[evaluation.main.name].rows
        assert rows is not None  # its protocol has a threshold
        self.rows = rows
