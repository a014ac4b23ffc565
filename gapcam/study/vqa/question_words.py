"""Questions as bags of words."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNKNOWN = "(unknown)"
"""Stands for every word that training asks too rarely; it is learnt like a word."""

_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")


def words_of(question: str) -> list[str]:
    """The words of a question, small letters, in their order; punctuation is left out.

    Example:
        >>> words_of("What's the man's T-shirt?")
        ["what's", 'the', "man's", 't', 'shirt']
    """
    return _WORD.findall(question.lower())


@dataclass(frozen=True)
class Bags:
    """Which words each of N questions has, each word once: `words[ends[n - 1]:ends[n]]`.

    `words` int64, places in the vocabulary; `ends` `(N,)` int64. `unknown` is the share of the
    questions' words that the vocabulary does not have.
    """

    words: NDArray[np.int64]
    ends: NDArray[np.int64]
    unknown: float

    def __len__(self) -> int:
        return len(self.ends)

    def of(self, rows: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Words of some questions, one after the other, and where each begins, `(B,)`."""
        starts = [self.ends[row - 1] if row else 0 for row in rows]
        bags = [self.words[start : self.ends[row]] for start, row in zip(starts, rows, strict=True)]
        lengths = np.array([len(bag) for bag in bags], np.int64)
        begins = np.cumsum(lengths) - lengths
        return np.concatenate(bags) if bags else np.empty(0, np.int64), begins


class Vocabulary:
    """Words that a model knows, by their place; place 0 is that of all others.

    Args:
        questions: for training.
        least_count: how often a word must be asked in them.

    Attributes:
        words: by place, the most frequent first.
    """

    def __init__(self, questions: Iterable[str], least_count: int) -> None:
        counts = Counter(word for question in questions for word in words_of(question))
        known = [word for word, count in counts.items() if count >= least_count]
        self.words = [UNKNOWN, *sorted(known, key=lambda word: (-counts[word], word))]
        self._places = {word: place for place, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def bag(self, question: str) -> list[int]:
        """Places of a question's words, each once, in order."""
        return sorted({self._places.get(word, 0) for word in words_of(question)})

    def bags(self, questions: Sequence[str]) -> Bags:
        """Places of the words of questions."""
        found = [self.bag(question) for question in questions]
        asked = Counter(word for question in questions for word in words_of(question))
        unknown = sum(count for word, count in asked.items() if word not in self._places)
        return Bags(
            words=np.array([place for bag in found for place in bag], np.int64),
            ends=np.cumsum([len(bag) for bag in found]).astype(np.int64),
            unknown=unknown / max(1, asked.total()),
        )
