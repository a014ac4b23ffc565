"""A split whose pictures are files."""

from math import ceil, floor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from gapcam.cam.boxes import clip_boxes
from gapcam.cam.views import Size
from gapcam.data.dataset import LocalizationDataset
from gapcam.data.decode import read_fast, read_rgb
from gapcam.data.index import SplitIndex
from gapcam.data.transforms import Views
from gapcam.errors import UserError


class ImageFiles(LocalizationDataset):
    """Picture files below a folder.

    Args:
        folder: where the names of the index start.
        index: names, labels and boxes.
        views: how pictures become network input.
        seed: of the random crops.
        split: name of the split, for messages.
    """

    def __init__(
        self, folder: Path, index: SplitIndex, views: Views, seed: int, split: str
    ) -> None:
        super().__init__(index, views, seed, split)
        self.folder = folder

    def path(self, row: int) -> Path:
        """File of a picture."""
        return self.folder / self.name(row)

    def files(self) -> list[Path]:
        """Files of all samples, in their order."""
        return [self.path(row) for row in range(len(self))]

    def stamp(self, row: int) -> str:
        """The file with its size and time, and what is cut out of it.

        Raises:
            UserError: if it is not there.
        """
        path = self.path(row)
        try:
            file = path.stat()
        except OSError as error:
            raise self._explained(UserError(f"{path}: {error.strerror}")) from error
        crop = self.index.crops[row].tolist()
        return f"{path.absolute()} {file.st_size} {file.st_mtime_ns} {crop}"

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
        x0, y0, x1, _ = self.index.crops[row].tolist()
        if not x1:
            return super().true_boxes(row, size)
        left, top = max(floor(x0), 0), max(floor(y0), 0)
        boxes = torch.tensor(self.index.boxes(row)) - torch.tensor([left, top] * 2)
        return clip_boxes(boxes, size)

    def _crop(self, row: int, size: Size) -> tuple[int, int, int, int] | None:
        """Whole pixels that the crop touches, inside the picture; None for the whole picture."""
        x0, y0, x1, y1 = self.index.crops[row].tolist()
        if not x1:
            return None
        left, top = max(floor(x0), 0), max(floor(y0), 0)
        right, bottom = min(ceil(x1), size[1]), min(ceil(y1), size[0])
        if right <= left or bottom <= top:
            raise UserError(
                f"{self.path(row)} has {size[1]} x {size[0]} pixels: the crop "
                f"{[x0, y0, x1, y1]} lies outside. Mend it in the file of data.crop"
            )
        return left, top, right, bottom

    def _explained(self, error: UserError) -> UserError:
        advice = (
            " Training can leave such pictures out and list them: data.skip_broken=broken.txt"
            if self.split == "train"
            else ""
        )
        return UserError(
            f"Cannot read a picture of the {self.split} split: {error}. Replace the file with a "
            f"good copy and run the same command again.{advice}"
        )
