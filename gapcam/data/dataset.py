"""What a split of a data set offers beyond samples: the pictures and names behind them."""

import hashlib
from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import Dataset

from gapcam.batch import Sample
from gapcam.data.transforms import to_tensor


class LocalizationDataset(Dataset[Sample]):
    """A split: pictures, one label each, any number of true boxes.

    Subclasses provide `picture` and `name`.

    Args:
        labels: `(N,)` class of each picture.
        boxes: for each picture `(G, 4)` half-open boxes in its own pixels; none if unknown.
        size: height and width to which pictures are squashed for the network.
    """

    def __init__(
        self,
        labels: Sequence[int] | NDArray[np.integer],
        boxes: Sequence[NDArray[np.floating]] | None,
        size: tuple[int, int],
    ) -> None:
        self.labels = np.asarray(labels, dtype=np.int64)
        self.boxes = boxes
        self.size = size

    def __len__(self) -> int:
        return len(self.labels)

    @abstractmethod
    def picture(self, index: int) -> Image.Image:
        """Return the original picture, RGB, as decoded (EXIF rotation is not applied)."""

    @abstractmethod
    def name(self, index: int) -> str:
        """Return a name by which people find the picture, such as its path below the root."""

    def __getitem__(self, index: int) -> Sample:
        picture = self.picture(index)
        return Sample(
            image=to_tensor(picture, self.size),
            label=int(self.labels[index]),
            boxes=self.true_boxes(index),
            size=(picture.height, picture.width),
            index=index,
        )

    def true_boxes(self, index: int) -> torch.Tensor:
        """True boxes of a picture, `(G, 4)`; `(0, 4)` if none is known."""
        if self.boxes is None:
            return torch.zeros(0, 4)
        return torch.as_tensor(self.boxes[index], dtype=torch.float32).reshape(-1, 4)

    def fingerprint(self) -> str:
        """Digest of names, labels and boxes: two runs with the same one saw the same split."""
        digest = hashlib.sha256(self.labels.tobytes())
        for index in range(len(self)):
            digest.update(self.name(index).encode())
            if self.boxes is not None:
                digest.update(self.true_boxes(index).numpy().tobytes())
        return digest.hexdigest()[:16]
