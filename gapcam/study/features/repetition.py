"""The splits, or attributes, over which the numbers of a data set are averaged."""

from dataclasses import dataclass

import numpy as np

from gapcam.data.data_module import DataModule
from gapcam.errors import UserError
from gapcam.study.bench import Bench


@dataclass(frozen=True)
class Repetition:
    """A data set under one of the settings of its protocol.

    `name` says which, such as `2` or `snow`; empty where there is no other. `kind` is the setting's
    name: `split`, `attribute`, empty.
    """

    name: str
    kind: str
    data: DataModule

    @property
    def title(self) -> str:
        """For messages."""
        return f"{self.kind} {self.name}".strip()


def read_repetitions(bench: Bench, which: str) -> list[Repetition]:
    """Read the data set as often as its protocol wants.

    Args:
        bench: has the data.
        which: `all`, or `one` for the setting of the configuration alone.

    Raises:
        UserError: if one of them cannot be read.
    """
    every = bench.data.repetitions() if which == "all" else [{}]
    found = []
    with bench.progress("Reading the splits", len(every)) as advance:
        for settings in every:
            data = bench.data_with(**settings) if settings else bench.data
            found.append(
                Repetition(" ".join(map(str, settings.values())), " ".join(settings), data)
            )
            advance(1)
    return found


def require_pictures(repetition: Repetition, least: int, why: str) -> None:
    """Refuse a split in which a class has too few training pictures, or none to test.

    Args:
        repetition: to look at.
        least: training pictures that each class must have.
        why: so many, in words.

    Raises:
        UserError: names the class.
    """
    data = repetition.data
    where = f" of {repetition.title}" if repetition.name else ""
    counts = np.bincount(data.train.labels, minlength=data.num_classes)
    few = int(counts.argmin())
    if counts[few] < least:
        raise UserError(
            f"Class {data.class_names[few]} has {counts[few]} training pictures{where}; {why}. Add "
            "pictures or mend the lists that choose them, or leave the class out"
        )
    if data.measure == "average_precision" and not data.test.labels.any():
        raise UserError(f"No test picture{where} is {data.class_names[1]}: nothing can be ranked")
