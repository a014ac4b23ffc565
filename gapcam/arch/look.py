"""What a network says of a batch of evaluation, and where it looks."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
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
        kind: of view to look at.
    """
    images, regions = batch.images, batch.regions
    if images.ndim == 5:
        part = view_slices(network.views)[kind]
        images, regions = images[:, part], regions[:, part]
        if images.shape[1] == 1:
            images, regions = images[:, 0], regions[:, 0]
    choose = partial(ranked_classes, labels_B=batch.labels)
    return look_for(network, images, regions, choose)[0]


def look_for(
    network: "Network", images: Tensor, regions: Tensor, choose: Callable[[Tensor], Tensor]
) -> tuple[Look, Tensor]:
    """Classify images, and map the classes that are chosen by their scores.

    Args:
        network: looks.
        images: `(B, 3, H, W)`, or `(B, V, 3, H, W)` of several views, as in `ten`: then class
            probabilities are averaged over them.
        regions: `(B, 4)` or `(B, V, 4)` what each view shows, in pixels of its original.
        choose: from scores `(B, C)`, the higher the likelier, to classes `(B, M)`.

    Returns:
        What was seen, and the logits `(B, C)` of all classes, averaged over the views.
    """
    if images.ndim == 4:
        with _timed(network, "classifying"):
            output = network(images)
        classes = choose(output.logits)
        scores = output.logits.float().softmax(1).gather(1, classes)
        with _timed(network, "mapping"):
            maps = network.maps(images, output, classes)
        return Look(classes, scores, maps, regions), output.logits
    count, flat = images.shape[1], images.flatten(0, 1)
    with _timed(network, "classifying"):
        output = network(flat)
    logits = output.logits.view(-1, count, output.logits.shape[1])
    scores = logits.float().softmax(2).mean(1)
    classes = choose(scores)
    with _timed(network, "mapping"):
        maps = network.maps(flat, output, classes.repeat_interleave(count, 0))
    maps = maps.view(-1, count, *maps.shape[1:])
    return Look(classes, scores.gather(1, classes), maps, regions), logits.mean(1)


def _timed(network: "Network", what: str) -> AbstractContextManager[None]:
    watch = network.stopwatch
    return nullcontext() if watch is None else watch.measure(what, network.device)


def rank_of_truth(classes_BM: Tensor) -> Tensor:
    """Place of the true class, the last of the M, among the guesses before it; 0 is the first.

    `(B,)` int64; `GUESSES` where it is not among them.
    """
    is_true_BG = classes_BM[:, :-1] == classes_BM[:, -1:]
    first_B = is_true_BG.int().argmax(1)
    return torch.where(is_true_BG.any(1), first_B, GUESSES)
