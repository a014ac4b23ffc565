"""Where units answer most: pictures of several splits, and the units' maps in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapcam.arch.gap_module import GAPModule
from gapcam.data.dataset import LocalizationDataset


class Pictures:
    """The pictures of data sets, one after the other, each known by its number.

    Args:
        datasets: evaluated in one view.

    Attributes:
        labels: class of each, `(N,)`.
    """

    def __init__(self, datasets: Sequence[LocalizationDataset]) -> None:
        self._datasets = tuple(datasets)
        self._ends = np.cumsum([len(dataset) for dataset in datasets])
        self.labels = np.concatenate([dataset.labels for dataset in datasets])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def home(self, number: int) -> tuple[LocalizationDataset, int]:
        """The data set of a picture, and its row there."""
        place = int(np.searchsorted(self._ends, number, side="right"))
        return self._datasets[place], number - int(self._ends[place - 1] if place else 0)

    def view(self, number: int) -> Tensor:
        """What the network sees of a picture, `(3, H, W)` uint8."""
        dataset, row = self.home(number)
        return dataset[row].image


@dataclass(frozen=True)
class Sighting:
    """A picture among those that a unit answers to most.

    `picture` is its number; `unit_map` `(h, w)` the unit's activations there, `activation` the
    largest of them, `place` its row and column, the first of equals.
    """

    unit: int
    picture: int
    unit_map: NDArray[np.float32]

    @property
    def activation(self) -> float:
        return float(self.unit_map.max())

    @property
    def place(self) -> tuple[int, int]:
        row, column = np.unravel_index(self.unit_map.argmax(), self.unit_map.shape)
        return int(row), int(column)


def look_again(
    network: GAPModule,
    pictures: Pictures,
    tops: Mapping[int, NDArray[np.int64]],
    batch_size: int,
) -> dict[int, list[Sighting]]:
    """The maps of units in their top pictures; every picture is looked at once.

    Args:
        network: on the device it is to run on.
        pictures: that the numbers are of.
        tops: numbers of pictures by unit.
        batch_size: pictures at a time.
    """
    wanted: dict[int, list[int]] = {}
    for unit, numbers in tops.items():
        for number in numbers.tolist():
            wanted.setdefault(number, []).append(unit)
    found: dict[tuple[int, int], Sighting] = {}
    every = list(wanted)
    for start in range(0, len(every), batch_size):
        part = every[start : start + batch_size]
        images = torch.stack([pictures.view(number) for number in part]).to(network.device)
        with torch.no_grad():
            features = network(images).features.float()
        for number, maps in zip(part, features, strict=True):
            for unit in wanted[number]:
                found[unit, number] = Sighting(unit, number, maps[unit].cpu().numpy())
    return {unit: [found[unit, n] for n in numbers.tolist()] for unit, numbers in tops.items()}
