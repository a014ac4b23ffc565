"""One image, what the network says of it, and where it looks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from gapcam.arch.network import Network
from gapcam.batch import Batch, collate
from gapcam.cam.boxes import best_iou
from gapcam.data.data_module import DataModule
from gapcam.data.dataset import LocalizationDataset

_AT_ONCE = 8


@dataclass(frozen=True)
class Localization:
    """The map and boxes of the best guess for one image, or of a class that was asked for.

    `picture` is the original; `heat` `(H, W)` in 0..1 on the original's pixels; `boxes` `(K, 4)`,
    half-open, in the original's pixels: one, or a loose and a tight one; `iou` is that of the first
    with the best fitting true box.
    """

    index: int
    name: str
    picture: Image.Image
    heat: NDArray[np.float32]
    true_boxes: NDArray[np.float32]
    boxes: NDArray[np.float32]
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
    module: Network,
    data: DataModule,
    dataset: LocalizationDataset,
    indices: Sequence[int],
    classes: Sequence[int] | None = None,
) -> Iterator[Localization]:
    """Look at chosen images of a split, in the order given.

    Args:
        module: looks.
        data: names the classes.
        dataset: the split.
        indices: rows of it.
        classes: one for each of them, whose map is wanted; null for the best guess's.
    """
    for start in range(0, len(indices), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        asked = None if classes is None else classes[part]
        yield from _localize_batch(module, data, dataset, indices[part], asked)


def _localize_batch(
    module: Network,
    data: DataModule,
    dataset: LocalizationDataset,
    indices: Sequence[int],
    asked: Sequence[int] | None,
) -> Iterator[Localization]:
    batch = collate([dataset[index] for index in indices])
    batch = Batch(*(tensor.to(module.device) for tensor in batch))
    protocol = module.test_evaluation.for_pictures()
    was_training = module.training
    # The true class's map comes last; a class that is asked for takes its place.
    shown = batch if asked is None else batch._replace(labels=batch.labels.new_tensor(asked))
    which = 0 if asked is None else -1
    with torch.no_grad():
        found = module.eval().predict_step(shown, 0)
        best = found._replace(maps=found.maps.narrow(-3, which, 1))
        where = (best.maps, module.size, best.regions, batch.sizes)
        boxes = protocol.boxes(*where)[:, 0]
        heats = protocol.heat_on_pictures(*where)
    module.train(was_training)
    iou = best_iou(boxes, batch.boxes, batch.counts).cpu()
    for row, (index, heat) in enumerate(zip(indices, heats, strict=True)):
        guess, label = int(found.classes[row, which]), int(batch.labels[row])
        picture = dataset.picture(index)
        size = picture.height, picture.width
        yield Localization(
            index=index,
            name=dataset.name(index),
            picture=picture,
            heat=heat[0].cpu().numpy(),
            true_boxes=dataset.true_boxes(index, size).numpy(),
            boxes=boxes[row].cpu().numpy(),
            label=label,
            guess=guess,
            true_name=data.class_names[label],
            guess_name=data.class_names[guess],
            score=float(found.scores[row, which]),
            iou=float(iou[row, 0]),
        )
