"""What a loader hands to a network."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Sample(NamedTuple):
    """One image: `image` `(3, H, W)` uint8, `label`, `boxes` `(G, 4)`, `size`, `regions`, `index`.

    `boxes` are half-open, in pixels of the original image, whose height and width `size` is;
    `regions` `(4,)` is the part of it that `image` shows, a box in the same pixels; `index` is the
    row of the sample in its split. With V views `image` is `(V, 3, H, W)`, `regions` `(V, 4)`.
    """

    image: Tensor
    label: int
    boxes: Tensor
    size: tuple[int, int]
    regions: Tensor
    index: int  # type: ignore[assignment]  # tuple.index is not used


class Batch(NamedTuple):
    """Samples side by side; the boxes are padded to the longest list, `counts` are real.

    `images` `(B, 3, H, W)` uint8, RGB; `labels`, `counts`, `index` `(B,)` int64; `boxes`
    `(B, G, 4)` float; `sizes` `(B, 2)` int64, height and width of the original images; `regions`
    `(B, 4)` float, the part of the original that each image shows. With V views of each original
    `images` is `(B, V, 3, H, W)` and `regions` `(B, V, 4)`.
    """

    images: Tensor
    labels: Tensor
    boxes: Tensor
    counts: Tensor
    sizes: Tensor
    regions: Tensor
    index: Tensor  # type: ignore[assignment]


def collate(samples: Sequence[Sample]) -> Batch:
    """Stack samples into a batch."""
    most = max(len(sample.boxes) for sample in samples)
    boxes = torch.zeros(len(samples), most, 4)
    for row, sample in zip(boxes, samples, strict=True):
        row[: len(sample.boxes)] = sample.boxes
    return Batch(
        images=torch.stack([sample.image for sample in samples]),
        labels=torch.tensor([sample.label for sample in samples]),
        boxes=boxes,
        counts=torch.tensor([len(sample.boxes) for sample in samples]),
        sizes=torch.tensor([sample.size for sample in samples]),
        regions=torch.stack([sample.regions for sample in samples]),
        index=torch.tensor([sample.index for sample in samples]),
    )
