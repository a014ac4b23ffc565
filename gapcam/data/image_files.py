"""A split whose pictures are files."""

import os
from math import ceil
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from gapcam.batch import Sample
from gapcam.cam.boxes import clip_boxes
from gapcam.cam.views import Size
from gapcam.data.dataset import Draw, LocalizationDataset
from gapcam.data.decode import read_fast, read_rgb
from gapcam.data.index import SplitIndex
from gapcam.data.transforms import Views
from gapcam.errors import UserError

_MOST_IN_A_ROW = 50
"""Unreadable pictures after which skipping gives up: the disk is gone, or the data are."""


class ImageFiles(LocalizationDataset):
    """Picture files below a folder.

    Args:
        folder: where the names of the index start.
        index: names, labels and boxes.
        views: how pictures become network input.
        seed: of the random crops.
        split: name of the split, for messages.
        skipped: a file in which training lists pictures that cannot be read, taking the next one
            instead; null: it stops. Evaluation always stops: its numbers are of all pictures.
    """

    def __init__(
        self,
        folder: Path,
        index: SplitIndex,
        views: Views,
        seed: int,
        split: str,
        skipped: Path | None = None,
    ) -> None:
        super().__init__(index, views, seed, split)
        self.folder = folder
        self.skipped = skipped
        self._listed: set[str] = set()

    def path(self, row: int) -> Path:
        """File of a picture."""
        return self.folder / self.name(row)

    def files(self) -> list[Path]:
        """Files of all samples, in their order."""
        return [self.path(row) for row in range(len(self))]

    def content(self, row: int) -> bytes:
        """The picture file itself."""
        return self.path(row).read_bytes()

    def picture(self, row: int) -> Image.Image:
        """Read one picture.

        Raises:
            UserError: if it is missing or cannot be decoded; names the file and the split.
        """
        try:
            picture = read_rgb(self.path(row))
        except UserError as error:
            raise self._explained(error) from error
        crop = self._crop(row, (picture.height, picture.width))
        return picture.crop(crop) if crop else picture

    def pixels(self, row: int, least: Size) -> tuple[NDArray[np.uint8], Size]:
        is_whole = not self.index.crops[row].any()
        try:
            pixels, size = read_fast(self.path(row), least if is_whole else None)
        except UserError as error:
            raise self._explained(error) from error
        if crop := self._crop(row, size):
            left, top, right, bottom = crop
            return pixels[top:bottom, left:right], (bottom - top, right - left)
        return pixels, size

    def true_boxes(self, row: int, size: Size) -> Tensor:
        """True boxes of a sample; of a crop the parts that lie in it, in its pixels."""
        if not self.index.crops[row].any():
            return super().true_boxes(row, size)
        left, top = np.floor(self.index.crops[row][:2])
        boxes = torch.tensor(self.index.boxes(row)) - torch.tensor([left, top, left, top])
        return clip_boxes(boxes, size)

    def _crop(self, row: int, size: Size) -> tuple[int, int, int, int] | None:
        """Whole pixels that the crop touches, inside the picture; None for the whole picture."""
        x0, y0, x1, y1 = self.index.crops[row].tolist()
        if x1 <= x0:
            return None
        left, top = min(max(int(x0), 0), size[1] - 1), min(max(int(y0), 0), size[0] - 1)
        right, bottom = min(ceil(x1), size[1]), min(ceil(y1), size[0])
        return left, top, max(right, left + 1), max(bottom, top + 1)

    def __getitem__(self, key: int | Draw) -> Sample:
        if self.skipped is None or not isinstance(key, Draw):
            return super().__getitem__(key)
        for step in range(_MOST_IN_A_ROW):
            row = (key.row + step) % len(self)
            try:
                return super().__getitem__(Draw(row, key.epoch))
            except UserError as error:
                self._list(row, error)
        raise UserError(
            f"{_MOST_IN_A_ROW} pictures in a row of the {self.split} split cannot be read, from "
            f"{self.path(key.row)} on; see {self.skipped}. Is the disk still there?"
        )

    def _list(self, row: int, error: UserError) -> None:
        name = self.name(row)
        if name not in self._listed:
            self._listed.add(name)
            assert self.skipped is not None
            self.skipped.parent.mkdir(parents=True, exist_ok=True)
            # One write of one line: processes that append do not mix their lines.
            with self.skipped.open("ab", buffering=0) as file:
                file.write(f"{name}\t{error.__cause__ or error}{os.linesep}".encode())

    def _explained(self, error: UserError) -> UserError:
        return UserError(
            f"Cannot read a picture of the {self.split} split: {error}. Replace the file with a "
            "good copy and run the same command again: it goes on from the last checkpoint. "
            "Training can leave such pictures out and list them: data.skip_broken=broken.txt"
        )
