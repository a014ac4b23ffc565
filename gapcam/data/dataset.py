"""What a split of a data set offers: samples for the network, pictures and names for people."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import Dataset

from gapcam.batch import Sample
from gapcam.cam.views import Size
from gapcam.data.faults import misfit
from gapcam.data.index import SplitIndex
from gapcam.data.transforms import Crop, Views
from gapcam.errors import UserError

_MOST_IN_A_ROW = 50
"""Unreadable pictures after which skipping gives up: the disk is gone, or the data are."""


class Draw(NamedTuple):
    """A training sample: the row of the split, and the epoch, on which its random crop depends."""

    row: int
    epoch: int


class LocalizationDataset(Dataset[Sample]):
    """A split: pictures, one label each, any number of true boxes.

    `dataset[row]` is what evaluation sees, `dataset[Draw(row, epoch)]` a training crop. Its place
    depends on seed, epoch and row alone, not on workers, processes or batches.

    Subclasses provide `picture`, and `pixels` where there is a faster way.

    Args:
        index: names, labels and boxes.
        views: how pictures become network input.
        seed: of the random crops.
        split: name of the split, for people.

    Attributes:
        skipped: a file in which training lists pictures that cannot be read, taking the next one
            instead; null: it stops. Evaluation always stops: its numbers are of all pictures.
    """

    skipped: Path | None = None

    def __init__(self, index: SplitIndex, views: Views, seed: int, split: str) -> None:
        self.split = split
        self.index = index
        self.views = views
        self._sizes: dict[int, Size] = {}
        self.seed = seed
        self._listed: set[str] = set()

    def __len__(self) -> int:
        return len(self.index)

    @property
    def labels(self) -> NDArray[np.int32]:
        """Class of each picture, `(N,)`."""
        return self.index.labels

    @property
    def fingerprint(self) -> str:
        """Digest of names, labels and boxes: two runs with the same one saw the same split."""
        return self.index.fingerprint

    @property
    def has_boxes(self) -> bool:
        """Whether any picture has a true box."""
        return bool(self.index.box_counts.any())

    def name(self, row: int) -> str:
        """A name by which people find the picture, such as its path below the split's folder."""
        return self.index.name(row)

    def stamp(self, row: int) -> str:
        """What a picture is known by in other splits, and by which a changed one is told."""
        return f"{self.fingerprint} {row}"

    @abstractmethod
    def picture(self, row: int) -> Image.Image:
        """The original picture, RGB, as decoded (EXIF rotation is not applied)."""

    def pixels(self, row: int, least: Size) -> tuple[NDArray[np.uint8], Size]:
        """The picture for training, `(h, w, 3)`, and its own size.

        Args:
            row: of the split.
            least: height and width below which it must not be reduced.
        """
        picture = self.picture(row)
        return np.asarray(picture), (picture.height, picture.width)

    def __getitem__(self, key: int | Draw) -> Sample:
        if isinstance(key, Draw):
            return self._readable_sample(key)
        picture = self.picture(key)
        crops = self.views.evaluate(picture)
        return self._sample(key, crops, (picture.height, picture.width))

    def own_size(self, row: int) -> Size:
        """Height and width of a picture; those that the annotation leaves out are read once."""
        height, width = self.index.sizes[row].tolist()
        if height and width:
            return height, width
        if row not in self._sizes:
            picture = self.picture(row)
            self._sizes[row] = picture.height, picture.width
        return self._sizes[row]

    def true_boxes(self, row: int, size: Size) -> torch.Tensor:
        """True boxes of a picture of this size, `(G, 4)` in its pixels; `(0, 4)` if none is known.

        Boxes that were annotated on another size of the picture (a resized copy of the data set)
        are scaled to this one.

        Raises:
            UserError: if the annotation is of a picture of another shape.
        """
        boxes = torch.tensor(self.index.boxes(row))
        height, width = self.index.sizes[row].tolist()
        if not (height and width) or (height, width) == size or not len(boxes):
            return boxes
        message = misfit(self.index.boxes(row), (height, width), size)
        if message:
            raise UserError(f"{self.name(row)} of the {self.split} split: {message}")
        return boxes * torch.tensor([size[1] / width, size[0] / height] * 2)

    def _readable_sample(self, draw: Draw) -> Sample:
        if self.skipped is None:
            return self._training_sample(draw)
        for step in range(_MOST_IN_A_ROW):
            row = (draw.row + step) % len(self)
            try:
                return self._training_sample(Draw(row, draw.epoch))
            except UserError as error:
                self._list(row, error)
        raise UserError(
            f"{_MOST_IN_A_ROW} pictures in a row of the {self.split} split cannot be read, from "
            f"{self.name(draw.row)} on; see {self.skipped}. Is the disk still there?"
        )

    def _list(self, row: int, error: UserError) -> None:
        name = self.name(row)
        if name not in self._listed:
            self._listed.add(name)
            assert self.skipped is not None
            self.skipped.parent.mkdir(parents=True, exist_ok=True)
            # One write of one line: processes that append do not mix their lines.
            with self.skipped.open("ab", buffering=0) as file:
                file.write(f"{name}\t{error.__cause__ or error}\n".encode())

    def _training_sample(self, draw: Draw) -> Sample:
        pixels, size = self.pixels(draw.row, self.views.least)
        random = np.random.default_rng([self.seed, draw.epoch, draw.row])
        return self._sample(draw.row, [self.views.train(pixels, size, random)], size)

    def _sample(self, row: int, crops: Sequence[Crop], size: Size) -> Sample:
        is_one = len(crops) == 1
        return Sample(
            image=crops[0].image if is_one else torch.stack([crop.image for crop in crops]),
            label=int(self.labels[row]),
            boxes=self.true_boxes(row, size),
            size=size,
            regions=torch.tensor(crops[0].region if is_one else [crop.region for crop in crops]),
            index=row,
        )
