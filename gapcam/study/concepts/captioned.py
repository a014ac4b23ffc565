"""Captioned pictures sorted by a phrase: who says it, who has none of its words, who is between."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gapcam.data.dataset import LocalizationDataset
from gapcam.data.draws import divide
from gapcam.data.image_files import ImageFiles
from gapcam.data.index import Entry, SplitIndex
from gapcam.data.phrases import has_phrase, has_word, words_of

Rows = NDArray[np.int64]


class Sorted(NamedTuple):
    """Rows of pictures by a phrase, each in ascending order.

    `said`: all whose captions have it. The others are of the pool: `unsaid`, whose captions have
    none of its words, and `between`, which have some: they are neither positives nor negatives.
    """

    said: Rows
    unsaid: Rows
    between: Rows

    def within(self, rows: Rows) -> "Sorted":
        """The same pictures as places in `rows`, which holds them in ascending order."""
        return Sorted(*(np.searchsorted(rows, part) for part in self))


class Captioned:
    """The captions of a split, and a pool drawn from it.

    What a phrase is learned from does not depend on other phrases: with another one in a picture's
    caption it is no likelier to be in the pool.

    Args:
        dataset: captioned, a line each.
        pool: so many pictures are drawn, whatever their captions; null: all.
        between: words that may stand between a phrase's, see `has_phrase`.
    """

    def __init__(
        self, dataset: LocalizationDataset, pool: int | None, between: Sequence[str]
    ) -> None:
        rows = range(len(dataset))
        self.texts = [dataset.index.text(row) for row in rows]
        self._lower = [text.lower() for text in self.texts]
        self._pool = list(rows) if pool is None else divide(rows, pool, 2)[0]
        self._between = tuple(between)

    def sort(self, phrase: str) -> Sorted:
        """Sort the pictures by a phrase."""
        says, mentions = has_phrase(phrase, self._between), has_word(phrase)
        words = words_of(phrase.lower())
        # Patterns are slow; few pictures have all the words, or any.
        may_say = [
            row for row, text in enumerate(self._lower) if all(word in text for word in words)
        ]
        said = [row for row in may_say if says.search(self._lower[row])]
        are_said = set(said)
        others: tuple[list[int], list[int]] = ([], [])
        for row in self._pool:
            if row not in are_said:
                text = self._lower[row]
                has_some = any(word in text for word in words) and mentions.search(text)
                others[bool(has_some)].append(row)
        return Sorted(*(np.array(part, np.int64) for part in (said, *others)))


def part_of(dataset: LocalizationDataset, rows: Rows) -> ImageFiles:
    """A data set of some of the pictures of another."""
    assert isinstance(dataset, ImageFiles)  # as captioned pictures are
    entries = [
        Entry(dataset.name(row), int(dataset.labels[row]), text=dataset.index.text(row))
        for row in rows.tolist()
    ]
    index = SplitIndex.of(entries)
    return ImageFiles(dataset.folder, index, dataset.views, dataset.seed, dataset.split)
