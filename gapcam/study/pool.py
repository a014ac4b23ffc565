"""The pictures of several splits, each once."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gapcam.batch import Sample
from gapcam.data.dataset import LocalizationDataset


class Pool:
    """The pictures of data sets that share some of them, such as ten random splits of the same.

    A picture is known by its stamp, see `LocalizationDataset.stamp`, so it is looked at once, and
    again when its file was changed.

    Args:
        datasets: evaluated, not augmented.

    Attributes:
        fingerprint: digest of all stamps in order.
    """

    def __init__(self, datasets: Sequence[LocalizationDataset]) -> None:
        self._datasets = tuple(datasets)
        stamps: dict[str, int] = {}
        self._home: list[tuple[int, int]] = []
        self._places: list[NDArray[np.int64]] = []
        for number, dataset in enumerate(self._datasets):
            places = np.empty(len(dataset), np.int64)
            for row in range(len(dataset)):
                stamp = dataset.stamp(row)
                if stamp not in stamps:
                    stamps[stamp] = len(stamps)
                    self._home.append((number, row))
                places[row] = stamps[stamp]
            self._places.append(places)
        text = "\n".join(stamps)
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()[:16]

    def __len__(self) -> int:
        return len(self._home)

    def places(self, number: int) -> NDArray[np.int64]:
        """Where the rows of a data set stand in the pool, in their order."""
        return self._places[number]

    def __getitem__(self, place: int) -> Sample:
        number, row = self._home[place]
        return self._datasets[number][row]._replace(index=place)
