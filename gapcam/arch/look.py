"""What a network says of a batch of evaluation, and where it looks."""

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from gapcam.batch import Batch
from gapcam.cam.localization import GUESSES, ranked_classes
from gapcam.cam.views import view_slices

if TYPE_CHECKING:
    from gapcam.arch.network import Network


class Look(NamedTuple):
    """A look in one kind of view.

    `classes` `(B, M)` guesses, best first, then the true class; their `scores` `(B, M)`, softmax
    probabilities, averaged over the views; their `maps` `(B, M, h, w)`, or `(B, V, M, h, w)` of
    several views; `regions` `(B, 4)` or `(B, V, 4)`.
    """

    classes: Tensor
    scores: Tensor
    maps: Tensor
    regions: Tensor


def look(network: "Network", batch: Batch, kind: str) -> Look:
    """Classify a batch, and map its best guesses and the true class.

    Args:
        network: looks.
        batch: of one view an image, or of the views `network.views`.
        kind: of view to look at. Where there are several, as in `ten`, class probabilities are
            averaged over them.
    """
    images, regions = batch.images, batch.regions
    if images.ndim == 5:
        part = view_slices(network.views)[kind]
        images, regions = images[:, part], regions[:, part]
        if images.shape[1] == 1:
            images, regions = images[:, 0], regions[:, 0]
    if images.ndim == 4:
        output = network(images)
        classes = ranked_classes(output.logits, batch.labels)
        scores = output.logits.float().softmax(1).gather(1, classes)
        return Look(classes, scores, network.maps(images, output, classes), regions)
    count, flat = images.shape[1], images.flatten(0, 1)
    output = network(flat)
    each = output.logits.float().softmax(1)
    scores = each.view(-1, count, each.shape[1]).mean(1)
    classes = ranked_classes(scores, batch.labels)
    maps = network.maps(flat, output, classes.repeat_interleave(count, 0))
    maps = maps.view(-1, count, *maps.shape[1:])
    return Look(classes, scores.gather(1, classes), maps, regions)


def rank_of_truth(classes_BM: Tensor) -> Tensor:
    """Place of the true class, the last of the M, among the guesses before it; 0 is the first.

    `(B,)` int64; `GUESSES` where it is not among them.
    """
    is_true_BG = classes_BM[:, :-1] == classes_BM[:, -1:]
    first_B = is_true_BG.int().argmax(1)
    return torch.where(is_true_BG.any(1), first_B, GUESSES)
