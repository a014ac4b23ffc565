"""One image, what the network says of it, and where it looks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from gapcam.arch.network import Network
from gapcam.batch import Batch, collate
from gapcam.cam.activation import divide_by_max, upsample
from gapcam.cam.boxes import best_iou
from gapcam.cam.views import boxes_from_view
from gapcam.data.data_module import DataModule
from gapcam.data.dataset import LocalizationDataset

_AT_ONCE = 8


@dataclass(frozen=True)
class Localization:
    """The map and box of the best guess for one image.

    `picture` is the original; `heat` `(H, W)` in 0..1 on the original's pixels; boxes are
    half-open, in the original's pixels; `iou` is with the best fitting true box.
    """

    index: int
    name: str
    picture: Image.Image
    heat: NDArray[np.float32]
    true_boxes: NDArray[np.float32]
    box: NDArray[np.float32]
    label: int
    guess: int
    true_name: str
    guess_name: str
    score: float
    iou: float

    @property
    def caption(self) -> str:
        verdict = "right" if self.guess == self.label else "wrong"
        return (
            f"{self.guess_name} {self.score:.0%} ({verdict}"
            + (f", true: {self.true_name})" if self.guess != self.label else ")")
            + (f", IoU {self.iou:.2f}" if len(self.true_boxes) else "")
        )


def localize(
    module: Network, data: DataModule, dataset: LocalizationDataset, indices: Sequence[int]
) -> Iterator[Localization]:
    """Look at chosen images of a split, in the order given."""
    for start in range(0, len(indices), _AT_ONCE):
        yield from _localize_batch(module, data, dataset, indices[start : start + _AT_ONCE])


def _localize_batch(
    module: Network, data: DataModule, dataset: LocalizationDataset, indices: Sequence[int]
) -> Iterator[Localization]:
    batch = collate([dataset[index] for index in indices])
    batch = Batch(*(tensor.to(module.device) for tensor in batch))
    view = module.size
    was_training = module.training
    with torch.no_grad():
        found = module.eval().predict_step(batch, 0)
    module.train(was_training)
    boxes = boxes_from_view(found["boxes"], view, batch.regions)
    iou = best_iou(boxes, batch.boxes, batch.counts).cpu()
    maps = found["maps"][:, :1].cpu()
    for row, index in enumerate(indices):
        guess, label = int(found["classes"][row, 0]), int(batch.labels[row])
        picture = dataset.picture(index)
        size = picture.height, picture.width
        heat = _heat(upsample(maps[row : row + 1], view), batch.regions[row].tolist(), size)
        yield Localization(
            index=index,
            name=dataset.name(index),
            picture=picture,
            heat=heat.numpy(),
            true_boxes=dataset.true_boxes(index, size).numpy(),
            box=boxes[row, 0].cpu().numpy(),
            label=label,
            guess=guess,
            true_name=data.class_names[label],
            guess_name=data.class_names[guess],
            score=float(found["scores"][row, 0]),
            iou=float(iou[row, 0]),
        )


def _heat(maps: Tensor, region: Sequence[float], size: tuple[int, int]) -> Tensor:
    """A view's map `(1, 1, h, w)` on the pixels of the original, zero where the view ends."""
    left, top = (int(corner) for corner in region[:2])
    right, bottom = (ceil(corner - 1e-3) for corner in region[2:])
    heat = maps.new_zeros(size)
    heat[top:bottom, left:right] = divide_by_max(upsample(maps, (bottom - top, right - left)))[0, 0]
    return heat
