"""A split whose pictures are files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gapcam.data.dataset import LocalizationDataset
from gapcam.errors import UserError

SUFFIXES = (".jpeg", ".jpg", ".png")


class ImageFiles(LocalizationDataset):
    """Picture files below a folder.

    Args:
        folder: where the paths start.
        paths: `(N,)` paths of the pictures relative to `folder`, with forward slashes.
        labels: `(N,)` class of each picture.
        boxes: for each picture `(G, 4)` half-open boxes; None if the split has none.
        size: height and width to which pictures are squashed for the network.
        split: name of the split, for messages.
    """

    def __init__(
        self,
        folder: Path,
        paths: Sequence[str],
        labels: Sequence[int],
        boxes: Sequence[NDArray[np.floating]] | None,
        size: tuple[int, int],
        split: str,
    ) -> None:
        super().__init__(labels, boxes, size)
        self.folder = folder
        # One block of bytes: a list of a million strings would be copied into every worker.
        self.paths = np.char.encode(np.asarray(paths, dtype=str), "utf-8")
        self.split = split

    def picture(self, index: int) -> Image.Image:
        """Read one picture.

        Raises:
            UserError: if it is missing or cannot be decoded; names the file and the split.
        """
        path = self.folder / self.name(index)
        try:
            with Image.open(path) as picture:
                return picture.convert("RGB")
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise UserError(
                f"Cannot read picture {path} of the {self.split} split: {error}. "
                "Replace the file with a good copy and run the same command again: it goes on "
                "from the last checkpoint."
            ) from error

    def name(self, index: int) -> str:
        return str(self.paths[index], "utf-8")
