"""Digits in clutter: a localization data set that needs no download.

scikit-learn ships 1,797 real handwritten digits of 8x8 pixels. Each canvas shows one of them,
whole, at a random place and size, among fragments of others: to name the digit a network must
look at the right place. The box is known exactly.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

from gapcam.data.data_module import DataModule
from gapcam.data.dataset import LocalizationDataset
from gapcam.data.index import Entry, SplitIndex
from gapcam.data.transforms import Views
from gapcam.errors import UserError

INK = 48
"""Grey levels from here on (of 255) belong to the digit: its box is tight around them."""

SPLITS = ("train", "val", "test")
SOURCE_SHARES = (1197, 300, 300)
"""How many of the source digits each split draws from; no digit serves two splits."""


class Canvas(NamedTuple):
    """`pixels` `(H, W)` uint8, the digit's `label` and its `box` `(4,)`, half-open."""

    pixels: NDArray[np.uint8]
    label: int
    box: NDArray[np.float32]


class Digits(DataModule):
    """One whole digit among fragments on each canvas; deterministic by seed.

    Args:
        canvas: side of the square canvas in pixels; boxes are in these.
        size: height and width to which the canvas is brought for the network.
        digit_sizes: smallest and largest side of the whole digit, in pixels.
        fragments: how many fragments of other digits.
        fragment_sizes: smallest and largest side of a fragment, in pixels.
        counts: how many canvases train, validation and test split hold.
        kwargs: see `DataModule`.
    """

    def __init__(
        self,
        *,
        canvas: int = 64,
        size: Sequence[int] = (64, 64),
        digit_sizes: Sequence[int] = (30, 52),
        fragments: int = 6,
        fragment_sizes: Sequence[int] = (10, 16),
        counts: Sequence[int] = (3000, 300, 1000),
        **kwargs: Any,
    ) -> None:
        super().__init__(size=size, flip=False, **kwargs)
        if not 8 <= digit_sizes[0] <= digit_sizes[1] <= canvas:
            raise UserError(
                "data.digit_sizes must be [smallest, largest] with 8 <= smallest <= largest <= "
                f"data.canvas ({canvas}); got {list(digit_sizes)}"
            )
        if len(counts) != len(SPLITS) or min(counts) < 1:
            raise UserError(
                f"data.counts must be three positive numbers, for {', '.join(SPLITS)}; "
                f"got {list(counts)}"
            )
        self.canvas = canvas
        self.digit_sizes = (digit_sizes[0], digit_sizes[1])
        self.fragments = fragments
        self.fragment_sizes = (fragment_sizes[0], fragment_sizes[1])
        self.counts = counts

    def load_splits(self) -> None:
        source = load_digits()
        digits = np.rint(source.images * (255 / source.images.max())).astype(np.uint8)
        self.class_names = [str(name) for name in source.target_names]
        random = np.random.default_rng(self.seed)
        parts = np.split(random.permutation(len(digits)), np.cumsum(SOURCE_SHARES)[:-1])
        for split, part, count in zip(SPLITS, parts, self.counts, strict=True):
            canvases = [self._draw(random, digits[part], source.target[part]) for _ in range(count)]
            setattr(self, split, Canvases(canvases, self.views, self.seed, split))

    def _draw(
        self, random: np.random.Generator, digits: NDArray[np.uint8], labels: NDArray[np.integer]
    ) -> Canvas:
        pixels = np.zeros((self.canvas, self.canvas), np.uint8)
        for digit in digits[random.integers(len(digits), size=self.fragments)]:
            self._add_fragment(random, pixels, digit)
        chosen = int(random.integers(len(digits)))
        side = int(random.integers(self.digit_sizes[0], self.digit_sizes[1] + 1))
        left, top = random.integers(self.canvas - side + 1, size=2)
        digit = _enlarge(digits[chosen], side)
        box = _ink_box(digit) + np.array([left, top, left, top])
        # Clear the digit's place first, so that no fragment looks like a part of it.
        x0, y0, x1, y1 = box
        pixels[y0:y1, x0:x1] = 0
        place = pixels[top : top + side, left : left + side]
        np.maximum(place, digit, out=place)
        return Canvas(pixels, int(labels[chosen]), box.astype(np.float32))

    def _add_fragment(
        self, random: np.random.Generator, pixels: NDArray[np.uint8], digit: NDArray[np.uint8]
    ) -> None:
        """Paste a square window of an enlarged digit; it may stick out of the canvas."""
        side = int(random.integers(self.fragment_sizes[0], self.fragment_sizes[1] + 1))
        whole = int(random.integers(self.digit_sizes[0], self.digit_sizes[1] + 1))
        left, top = random.integers(max(1, whole - side + 1), size=2)
        fragment = _enlarge(digit, whole)[top : top + side, left : left + side]
        x, y = random.integers(-(side // 2), self.canvas - side // 2, size=2)
        inside = fragment[max(0, -y) : self.canvas - y, max(0, -x) : self.canvas - x]
        height, width = inside.shape
        place = pixels[max(0, y) :, max(0, x) :][:height, :width]
        np.maximum(place, inside, out=place)


class Canvases(LocalizationDataset):
    """The canvases of one split, in memory."""

    def __init__(self, canvases: Sequence[Canvas], views: Views, seed: int, split: str) -> None:
        entries = (
            Entry(f"{split}/{row:05d}", canvas.label, canvas.box[None])
            for row, canvas in enumerate(canvases)
        )
        super().__init__(SplitIndex.of(entries), views, seed, split)
        self.canvases = np.stack([canvas.pixels for canvas in canvases])

    def picture(self, row: int) -> Image.Image:
        return Image.fromarray(self.canvases[row]).convert("RGB")


def _enlarge(digit: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    picture = Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(picture)


def _ink_box(digit: NDArray[np.uint8]) -> NDArray[np.integer]:
    ink = digit >= INK
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
