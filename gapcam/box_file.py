"""Boxes of whole splits, for what comes after: `boxes.csv`, which `data.crop` of cub200 reads."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from rich.console import Console

from gapcam.arch.network import Network
from gapcam.atomic import atomic_path
from gapcam.batch import Batch
from gapcam.data.data_module import DataModule
from gapcam.data.dataset import LocalizationDataset
from gapcam.progress_bar import progress_bar


def write_boxes(
    path: Path, module: Network, data: DataModule, splits: Sequence[str], console: Console
) -> None:
    """Write one line per picture, `name,x0,y0,x1,y1`: the box of the best guess.

    Boxes are cut under the main protocol, as pictures show them; half-open, in pixels of the
    original image, zeros where nothing was found. A picture of two splits is written once.

    Args:
        path: of the file.
        module: the network, on its device.
        data: has the splits.
        splits: names of them.
        console: where progress is shown.
    """
    datasets = {id(split): split for split in (getattr(data, name) for name in splits)}
    total = sum(map(len, datasets.values()))
    with (
        atomic_path(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
        progress_bar("boxes", total, console) as advance,
    ):
        writer = csv.writer(file)
        writer.writerow(["name", "x0", "y0", "x1", "y1"])
        for dataset in datasets.values():
            for name, box in _boxes(module, data, dataset):
                writer.writerow([name, *(f"{corner:.9g}" for corner in box)])
                advance(1)


def _boxes(
    module: Network, data: DataModule, dataset: LocalizationDataset
) -> Iterator[tuple[str, list[float]]]:
    protocol = module.test_evaluation.for_pictures()
    module.eval()
    for batch in data.evaluation_loader(dataset):
        on_device = Batch(*(tensor.to(module.device) for tensor in batch))
        with torch.no_grad():
            look = module.predict_step(on_device, 0)
            maps = look.maps.narrow(-3, 0, 1)
            boxes = protocol.boxes(maps, module.size, look.regions, on_device.sizes)[:, 0, 0]
        for index, box in zip(batch.index.tolist(), boxes.tolist(), strict=True):
            yield dataset.name(index), box
