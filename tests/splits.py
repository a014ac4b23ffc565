"""Splits for tests, in memory: digits with any boxes and sizes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from gapcam.data.dataset import LocalizationDataset
from gapcam.data.digits import Digits
from gapcam.data.index import Entry, SplitIndex
from gapcam.data.transforms import Views


class Boxes(LocalizationDataset):
    """Black pictures of one size with given true boxes and labels 0, 1, 2, 0, ..."""

    def __init__(
        self, boxes: Sequence[Sequence[Sequence[float]]], size: tuple[int, int] = (64, 64)
    ) -> None:
        entries = (
            Entry(f"{row}.jpg", row % 3, np.array(some, np.float32).reshape(-1, 4))
            for row, some in enumerate(boxes)
        )
        super().__init__(SplitIndex.of(entries), Views((32, 32)), 0, "test")
        self.size = size
        self.opened = 0

    def picture(self, row: int) -> Image.Image:
        self.opened += 1
        return Image.new("RGB", self.size[::-1])


def digits(**changes: Any) -> Digits:
    """A few digits in clutter."""
    settings = {"counts": [8, 12, 10], "batch_size": 4, "eval_batch_size": 4, "num_workers": 0}
    data = Digits(**{**settings, "seed": 0, **changes})
    data.setup()
    return data
