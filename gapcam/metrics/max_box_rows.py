"""What `MaxBoxAcc` keeps of each image."""

from typing import NamedTuple

import torch
from torch import Tensor

from gapcam.cam.localization import FLOOR_SIDES
from gapcam.protocol import Protocol


class MaxBoxRows(NamedTuple):
    """One line per image, in the order of the data set.

    `index` `(N,)`; `labels` `(N,)`, -1 where not given; `largest` and `every` `(N, D, bytes)`
    uint8, a bit for each threshold: whether the largest region's box, or any region's, has the IoU;
    `ranks` `(N,)` uint8, the true class's place among the guesses, 255 where not given; `counts`
    `(N,)` of true boxes; `object_sizes` `(N,)`, the largest one as a share of the image;
    `floor_iou` `(N, S)` of centred boxes.
    """

    index: Tensor  # type: ignore[assignment]  # tuple.index is not used
    labels: Tensor
    largest: Tensor
    every: Tensor
    ranks: Tensor
    counts: Tensor
    object_sizes: Tensor
    floor_iou: Tensor


def no_rows(protocol: Protocol) -> MaxBoxRows:
    """The columns without a row."""
    bits = torch.zeros(0, len(protocol.iou), -(-protocol.steps // 8), dtype=torch.uint8)
    return MaxBoxRows(
        index=torch.zeros(0, dtype=torch.int64),
        labels=torch.zeros(0, dtype=torch.int64),
        largest=bits,
        every=bits,
        ranks=torch.zeros(0, dtype=torch.uint8),
        counts=torch.zeros(0, dtype=torch.int64),
        object_sizes=torch.zeros(0),
        floor_iou=torch.zeros(0, len(FLOOR_SIDES)),
    )
