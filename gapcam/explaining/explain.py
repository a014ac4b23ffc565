"""Where a network looks in pictures of one's own."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from gapcam.arch.evaluation import THRESHOLD_OF_NOTHING
from gapcam.arch.network import Network
from gapcam.cam.localization import GUESSES
from gapcam.data.transforms import Views, usual_side
from gapcam.errors import UserError
from gapcam.explaining.class_choice import choose_classes
from gapcam.explaining.explanation import Explanation
from gapcam.explaining.pictures import Picture, as_rgb
from gapcam.explaining.seeing import Seen, see
from gapcam.protocol import Protocol, named


def explain(
    model: Network,
    pictures: Picture | Sequence[Picture],
    classes: Sequence[str | int] | None = None,
    *,
    top: int = GUESSES,
    protocol: Protocol | str | None = None,
    threshold: float | None = None,
    views: Views | None = None,
    upright: bool = True,
    batch_size: int = 16,
) -> Explanation:
    """Say where a network looks in pictures: for its best guesses, or for classes asked for.

    Args:
        model: as `gapcam.load` gives it; it works on its device and keeps its mode.
        pictures: one or several of any size: files, Pillow's, arrays `(H, W, 3)`, tensors
            `(3, H, W)`, with values 0..255.
        classes: names or numbers of those to map; null: the best guesses.
        top: how many guesses at most, where `classes` is null.
        protocol: how maps become boxes; null: the network's main one.
        threshold: fraction of a map's range above which a box is drawn; null: the protocol's, or
            0.2 where it tries all.
        views: what the network sees of each picture; null: what the protocol says, or the whole.
        upright: turn photographs the way their camera was held, see `gapcam.explaining.pictures`.
        batch_size: pictures at once.

    Raises:
        UserError: if there is no picture, or one cannot be read; if there is no such class or
            protocol, or a setting is out of its range.
    """
    several = (
        list(pictures)
        if isinstance(pictures, Sequence) and not isinstance(pictures, str)
        else [pictures]
    )
    if not several:
        raise UserError("There is no picture to explain: `pictures` is empty")
    rule = settled(model.test_evaluation.main if protocol is None else protocol, threshold)
    seen_as = views or views_for(rule, model)
    choose = chooser(model, classes, top)
    names = [
        str(picture) if isinstance(picture, str | Path) else f"picture {number}"
        for number, picture in enumerate(several, start=1)
    ]
    images = [as_rgb(one, upright, name) for one, name in zip(several, names, strict=True)]
    was_training = model.training
    model.eval()
    try:
        parts = []
        for start in range(0, len(images), batch_size):
            part = images[start : start + batch_size]
            sizes = [(image.height, image.width) for image in part]
            parts.append(see(model, [seen_as.evaluate(one) for one in part], sizes, rule, choose))
    finally:
        model.train(was_training)
    seen = Seen(*(torch.cat(column) for column in zip(*parts, strict=True)))
    return Explanation(
        pictures=images,
        names=names,
        **seen._asdict(),
        class_names=model.class_names,
        protocol=rule,
        view=model.size,
    )


def settled(protocol: Protocol | str, threshold: float | None = None) -> Protocol:
    """The protocol at the threshold by which boxes are drawn.

    Args:
        protocol: or the name of a published one.
        threshold: null: its own, or 0.2 where it tries all.

    Raises:
        UserError: if there is no such protocol, or it has no threshold in [0, 1).
    """
    try:
        rule = named(protocol)
        rule = replace(rule, view=rule.view or "whole")
        if rule.region == "dt_box":
            if threshold is not None:
                raise UserError(
                    f"threshold={threshold}: {rule.name} has three grey levels instead, "
                    f"protocol.{rule.name}.levels={list(rule.levels)}"
                )
            return rule
        if threshold is None:
            threshold = THRESHOLD_OF_NOTHING if rule.threshold is None else rule.threshold
        return rule.at(threshold)
    except ValueError as error:
        raise UserError(str(error)) from None


def views_for(
    protocol: Protocol, model: Network, side: int | None = None, keep_shape: bool = False
) -> Views:
    """What a network sees of pictures under a protocol.

    Args:
        protocol: may name the kind of view; otherwise it is the whole picture, squashed.
        model: has the size.
        side: to which pictures are brought before crops are cut; null: the usual one.
        keep_shape: bring the short side to it, otherwise both.
    """
    side = side or usual_side(model.size)
    return Views(model.size, side, keep_shape, (protocol.view or "whole",))


def chooser(
    model: Network, classes: Sequence[str | int] | None, top: int = GUESSES
) -> Callable[[Tensor], Tensor]:
    """From scores `(B, C)` to the classes `(B, M)` that are mapped.

    Args:
        model: names its classes.
        classes: those asked for; null: the best guesses.
        top: how many of them.

    Raises:
        UserError: if there is no such class, or `top` is no whole number from 1 on.
    """
    if classes is not None:
        return partial(_asked_for, torch.tensor(choose_classes(classes, model.class_names)))
    if type(top) is not int or top < 1:
        raise UserError(f"top must be a whole number of classes from 1 on; got {top!r}")
    return partial(_best, min(top, model.num_classes))


def _asked_for(classes: Tensor, scores: Tensor) -> Tensor:
    return classes.to(scores.device).expand(len(scores), -1)


def _best(count: int, scores: Tensor) -> Tensor:
    return scores.topk(count, dim=1).indices
