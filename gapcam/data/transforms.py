"""From a picture to what the network sees of it, and which region of the picture that is."""

from collections.abc import Sequence
from math import ceil, floor
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from gapcam.cam.views import Size, centre_offset, region, resized, ten_offsets

PAPER_SIDE = 256
"""To which the paper's code brings pictures before it cuts crops of 224 or 227."""


def usual_side(size: Size) -> int:
    """To which pictures are brought before crops of `size` are cut.

    The paper's 256, or 8/7 of crops that are smaller than 224 or larger than 256.
    """
    side = max(size)
    return PAPER_SIDE if 224 <= side <= PAPER_SIDE else side * 8 // 7


class Crop(NamedTuple):
    """`image` `(3, H, W)` uint8, and the `region` of the original that it shows, `x0 y0 x1 y1`."""

    image: Tensor
    region: tuple[float, ...]


class Views(NamedTuple):
    """How pictures become network input.

    Args:
        size: height and width that the network sees.
        resize: side to which pictures are brought before crops are cut; null: `size` itself.
        keep_shape: bring the short side to `resize`; otherwise both sides are squashed to it.
        kinds: what evaluation sees, in this order: `whole` (the picture squashed to `size`),
            `centre` (the crop in the middle), `ten` (four corners, centre, and their mirrors).
    """

    size: Size
    resize: int | None = None
    keep_shape: bool = False
    kinds: tuple[str, ...] = ("whole",)

    def describe(self) -> str:
        """What evaluation sees, in words."""
        height, width = self.size
        full = f"short side {self.resize}" if self.keep_shape else f"squashed to {self.resize}"
        words = {
            "whole": f"the whole picture, squashed to {height}x{width}",
            "centre": f"the centre crop of {height}x{width} from the picture ({full})",
            "ten": f"ten crops of {height}x{width} from the picture ({full})",
        }
        return "; ".join(words[kind] for kind in self.kinds)

    @property
    def least(self) -> Size:
        """Height and width that a picture must have after decoding, at a reduced scale or not."""
        return self.size if self.resize is None else (self.resize, self.resize)

    def full(self, size: Size) -> Size:
        """Size of a picture of this size after resizing, where crops are cut."""
        if self.resize is None:
            return self.size
        return resized(size, self.resize, self.keep_shape)

    def evaluate(self, picture: Image.Image) -> Sequence[Crop]:
        """The views of all kinds, made with Pillow: the same pixels on every machine.

        Which of them are of which kind says `gapcam.cam.views.view_slices`.
        """
        return [crop for kind in self.kinds for crop in self._crops(kind, picture)]

    def train(self, pixels: NDArray[np.uint8], size: Size, random: np.random.Generator) -> Crop:
        """A crop at a random place.

        The place is one of those on the grid of the resized picture. Where the picture is larger
        than that, the pixels below the crop are cut out first, whole ones, and only they are
        resized: the same within a pixel, and faster.

        Args:
            pixels: `(h, w, 3)`, the picture as decoded, which may be at a reduced scale.
            size: of the original picture.
            random: decides the place.
        """
        full = self.full(size)
        top = int(random.integers(full[0] - self.size[0] + 1))
        left = int(random.integers(full[1] - self.size[1] + 1))
        decoded = pixels.shape[0], pixels.shape[1]
        if decoded[0] < full[0] or decoded[1] < full[1]:
            larger = _resize_fast(pixels, full)
            crop = larger[:, top : top + self.size[0], left : left + self.size[1]]
            return Crop(crop.contiguous(), region(size, full, top, left, self.size))
        x0, y0, x1, y1 = _whole_pixels(region(decoded, full, top, left, self.size))
        window = (y1 - y0, x1 - x0)
        shown = region(size, decoded, y0, x0, window)
        return Crop(_resize_fast(pixels[y0:y1, x0:x1], self.size), shown)

    def _crops(self, kind: str, picture: Image.Image) -> list[Crop]:
        size = picture.height, picture.width
        if kind == "whole":
            return [Crop(_tensor(_resize(picture, self.size)), region(size, *_whole(self.size)))]
        full = self.full(size)
        pixels = np.asarray(_resize(picture, full))
        if kind == "centre":
            return [self._cut(pixels, size, *centre_offset(full, self.size))]
        return [self._cut(pixels, size, *place) for place in ten_offsets(full, self.size)]

    def _cut(
        self,
        pixels: NDArray[np.uint8],
        size: Size,
        top: int,
        left: int,
        mirrored: bool = False,
    ) -> Crop:
        full = pixels.shape[0], pixels.shape[1]
        window = pixels[top : top + self.size[0], left : left + self.size[1]]
        if mirrored:
            window = window[:, ::-1]
        return Crop(_tensor(window), region(size, full, top, left, self.size))


def random_mirrors(images: Tensor) -> Tensor:
    """Mirror each image `(B, C, H, W)` left to right with probability 1/2, on its device.

    The random numbers come from the CPU's global generator, so they do not depend on the device.
    """
    mirrored = torch.rand(len(images)) < 0.5
    mirrored_B111 = mirrored.to(images.device, non_blocking=True)[:, None, None, None]
    return torch.where(mirrored_B111, images.flip(-1), images)


def _whole(size: Size) -> tuple[Size, int, int, Size]:
    return size, 0, 0, size


def _resize(picture: Image.Image, size: Size) -> Image.Image:
    height, width = size
    if picture.size == (width, height):
        return picture
    return picture.resize((width, height), Image.Resampling.BILINEAR)


def _whole_pixels(box: tuple[float, ...]) -> tuple[int, int, int, int]:
    """The pixels that a box touches by more than a rounding error."""
    x0, y0, x1, y1 = (round(corner, 6) for corner in box)
    return floor(x0), floor(y0), ceil(x1), ceil(y1)


def _resize_fast(pixels: NDArray[np.uint8], size: Size) -> Tensor:
    """Bilinear with antialiasing like Pillow's, within one level, several times as fast."""
    # What Pillow has decoded is its own and cannot be written, which torch wants to be able to.
    image = torch.from_numpy(pixels if pixels.flags.writeable else pixels.copy()).permute(2, 0, 1)
    if pixels.shape[:2] != size:
        image = F.interpolate(image[None], size, mode="bilinear", antialias=True)[0]
    return image.contiguous()


def _tensor(pixels: NDArray[np.uint8] | Image.Image) -> Tensor:
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1).contiguous()
