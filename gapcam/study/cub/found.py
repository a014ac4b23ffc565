"""What the study of birds has computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gapcam.arch.gap_module import GAPModule
from gapcam.data.data_module import DataModule
from gapcam.metrics.localization import LocalizationRows
from gapcam.study.cub.boxes import Boxes
from gapcam.study.cub.full_test import FullTest

WORDS = {"full": "full picture", "crop": "own box", "bbox": "true box"}
"""What is cut out of a picture, by the name of the setting."""


@dataclass(frozen=True)
class Setting:
    """A way to cut pictures.

    `name` is one of `WORDS`; `fit` the accuracy of its SVM on the training pictures; `converged`
    whether its solver came to its end; `guesses` `(N,)` of the test pictures.
    """

    name: str
    fit: float
    converged: bool
    guesses: NDArray[np.int64]


@dataclass(frozen=True)
class Found:
    """Everything that the study has computed.

    `settings` in the order of `WORDS`; `network` with the SVM of full pictures; `test` on full
    pictures; `train_rows` of the training pictures; `crops` what was cut out of the training and
    the test pictures; `whole` and `cropped` the data in full and cut to the crops.
    """

    settings: Sequence[Setting]
    network: GAPModule
    test: FullTest
    train_rows: LocalizationRows
    crops: Mapping[str, Boxes]
    whole: DataModule
    cropped: DataModule

    @property
    def labels(self) -> NDArray[np.int64]:
        """True class of each test picture, `(N,)`."""
        labels: NDArray[np.int64] = self.test.rows.labels.numpy()
        return labels

    @property
    def right(self) -> dict[str, NDArray[np.bool_]]:
        """Which test pictures are classified right, `(N,)`, by setting."""
        return {one.name: one.guesses == self.labels for one in self.settings}
