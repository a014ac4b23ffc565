"""Batches of questions with the features of their pictures, in an order that can be resumed."""

from collections.abc import Callable, Iterator
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from gapcam.study.vqa.answerer import Asked
from gapcam.study.vqa.question_words import Bags

Rows = NDArray[np.int64]


class AskedQuestions(Dataset[Asked]):
    """Questions of a split; takes rows and gives them as a batch.

    Features stay where they are, mapped from their file maybe: three questions share a picture.

    Args:
        bags: words of N questions.
        pictures: `(N,)`, row of `features` that each is about.
        features: `(P, K)` float32.
        labels: `(N,)`, classes of the answers.
    """

    def __init__(
        self, bags: Bags, pictures: Rows, features: NDArray[np.float32], labels: Rows
    ) -> None:
        self._bags = bags
        self._pictures = pictures
        self._features = features
        self._labels = labels

    def __len__(self) -> int:
        return len(self._bags)

    def __getitem__(self, rows: Rows) -> Asked:
        words, begins = self._bags.of(rows)
        return Asked(
            words=torch.from_numpy(words),
            begins=torch.from_numpy(begins),
            features=torch.from_numpy(np.asarray(self._features[self._pictures[rows]])),
            labels=torch.from_numpy(self._labels[rows]),
            rows=torch.from_numpy(rows),
        )


class _Order(Sampler[Rows]):
    """Rows of each batch; processes share a batch, so training does not depend on their number."""

    def __init__(
        self, rows: Rows, size: int, share: tuple[int, int], shuffled: Callable[[Rows], Rows]
    ) -> None:
        self._rows = rows
        self._size = size
        self._share = share
        self._shuffled = shuffled

    def __len__(self) -> int:
        return ceil(len(self._rows) / self._size)

    def __iter__(self) -> Iterator[Rows]:
        rank, processes = self._share
        rows = self._shuffled(self._rows)
        for start in range(0, len(rows), self._size):
            yield rows[start : start + self._size][rank::processes]


def training_loader(
    asked: AskedQuestions,
    rows: Rows,
    size: int,
    seed: int,
    share: tuple[int, int],
    epoch: Callable[[], int],
) -> DataLoader[Asked]:
    """Batches in an order that depends on the seed and the epoch alone.

    Args:
        asked: the questions.
        rows: those to train on.
        size: of a batch, of all processes together.
        seed: of the order.
        share: number of this process, and how many there are.
        epoch: asked when one begins.
    """

    def shuffled(rows: Rows) -> Rows:
        return np.random.default_rng([seed, epoch()]).permutation(rows)

    return _loader(asked, _Order(rows, size, share, shuffled))


def ordered_loader(
    asked: AskedQuestions, size: int, share: tuple[int, int] = (0, 1)
) -> DataLoader[Asked]:
    """Batches of all questions in their order; see `training_loader`."""
    return _loader(asked, _Order(np.arange(len(asked)), size, share, lambda rows: rows))


def _loader(asked: AskedQuestions, order: _Order) -> DataLoader[Asked]:
    # To gather a batch takes less time than to send it from another process.
    return DataLoader(
        asked,
        batch_size=None,
        sampler=order,
        num_workers=0,
        pin_memory=torch.cuda.is_available(),
    )
