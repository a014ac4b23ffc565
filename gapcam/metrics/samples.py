"""What metrics are given: shapes and types checked, lists padded, defaults filled in."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gapcam.cam.activation import class_activation_maps

UNKNOWN = -1
"""Index or label of a sample that was given none."""


class Truth(NamedTuple):
    """What is known of B samples.

    `boxes` `(B, G, 4)` true boxes, padded; `counts` `(B,)` how many are real; `sizes` `(B, 2)`
    height and width of the originals; `regions` `(B, 4)` or `(B, V, 4)` what each view shows;
    `labels` and `index` `(B,)`, `UNKNOWN` where not given.
    """

    boxes: Tensor
    counts: Tensor
    sizes: Tensor
    regions: Tensor
    labels: Tensor
    index: Tensor  # type: ignore[assignment]  # tuple.index is not used


def whole_images(sizes_B2: Tensor) -> Tensor:
    """Regions `(B, 4)` that are all of the images whose height and width are given."""
    return torch.cat([torch.zeros_like(sizes_B2), sizes_B2.flip(-1)], dim=-1).float()


def require(
    name: str,
    tensor: object,
    shape: str,
    sides: Mapping[str, int] | None = None,
    whole: bool = False,
) -> None:
    """Check the shape and the type of an argument.

    Args:
        name: of the argument.
        tensor: the argument.
        shape: of it, as in `B G 4`; a letter may be any number.
        sides: what letters must be.
        whole: whether it must hold whole numbers.

    Raises:
        ValueError: naming the argument, what was expected and what came.
    """
    require_tensor(name, tensor)
    assert isinstance(tensor, Tensor)
    letters, sides = shape.split(), sides or {}
    wanted = [int(letter) if letter.isdigit() else sides.get(letter) for letter in letters]
    fits = len(wanted) == tensor.ndim and all(
        side in (None, came) for side, came in zip(wanted, tensor.shape, strict=True)
    )
    if not fits:
        known = ", ".join(f"{letter} = {side}" for letter, side in sides.items())
        raise ValueError(
            f"{name} must have shape ({', '.join(letters)}){known and f' with {known}'}; got "
            f"{tuple(tensor.shape)}"
        )
    if whole and (tensor.is_floating_point() or tensor.dtype == torch.bool):
        raise ValueError(f"{name} must hold whole numbers; got {tensor.dtype}")


def require_tensor(name: str, tensor: object) -> None:
    """Check that an argument is a tensor.

    Raises:
        ValueError: naming it and what came.
    """
    if not isinstance(tensor, Tensor):
        raise ValueError(f"{name} must be a tensor; got {type(tensor).__name__}")


def class_maps(
    maps: Tensor | None,
    features: Tensor | None,
    weight: Tensor | None,
    classes: Tensor | None,
) -> Tensor:
    """Maps `(B, [V,] M, h, w)` as given, or made of features `(B, [V,] K, h, w)` and weights.

    Maps of half precision are returned in single precision, others as they are; all without
    gradient.

    Raises:
        ValueError: if neither or both are given, or a shape or type is wrong.
    """
    if (maps is None) == (features is None) or (features is None) != (weight is None):
        given = [
            name
            for name, value in (("maps", maps), ("features", features), ("weight", weight))
            if value is not None
        ]
        raise ValueError(
            "give either maps, or features and weight (of the linear classifier); got "
            f"{' and '.join(given) or 'none of them'}"
        )
    if maps is None:
        maps = _activation_maps(features, weight, classes)
    require_tensor("maps", maps)
    if not maps.is_floating_point():
        raise ValueError(f"maps must be of a floating type; got {maps.dtype}")
    return maps.detach() if maps.dtype == torch.float64 else maps.detach().float()


def _activation_maps(
    features: Tensor | None, weight: Tensor | None, classes: Tensor | None
) -> Tensor:
    assert features is not None
    assert weight is not None
    if classes is None:
        raise ValueError("labels must be given with features: maps are made of the true classes")
    require("weight", weight, "C K")
    require_tensor("features", features)
    views = features.shape[1:-3]
    require("features", features, "B V K h w" if views else "B K h w", {"K": weight.shape[1]})
    # On a device a class out of range is reported later; it must not be read here.
    classes = classes.clamp(0, len(weight) - 1)
    if not views:
        return class_activation_maps(features, weight, classes)
    every_view = classes.repeat_interleave(views[0], 0)
    maps = class_activation_maps(features.flatten(0, 1), weight, every_view)
    return maps.view(len(features), views[0], *maps.shape[1:])


def truth(
    batch: int,
    views: int | None,
    boxes: Tensor | Sequence[Tensor],
    counts: Tensor | None,
    sizes: Tensor,
    regions: Tensor | None,
    labels: Tensor | None,
    index: Tensor | None,
) -> Truth:
    """Check shapes and types, pad lists of boxes, fill in what was not given.

    Args:
        batch: number of samples.
        views: number of views of each, None for one without an axis of its own.
        boxes: `(B, G, 4)`, or a list of `(G_i, 4)`.
        counts: `(B,)`; None: all boxes are real.
        sizes: `(B, 2)`.
        regions: `(B, [V,] 4)`; None: each view shows the whole image.
        labels: `(B,)`, or None.
        index: `(B,)`, or None.

    Raises:
        ValueError: if a shape or type is wrong.
    """
    one = {"B": batch}
    require("sizes", sizes, "B 2", one)
    if not isinstance(boxes, Tensor):
        if counts is not None:
            raise ValueError("counts must not be given with a list of boxes: it says how many")
        boxes, counts = _padded(boxes, sizes.device)
    require("boxes", boxes, "B G 4", one)
    if counts is None:
        counts = torch.full((batch,), boxes.shape[1], device=sizes.device)
    if regions is None:
        whole = whole_images(sizes)
        regions = whole if views is None else whole[:, None].expand(-1, views, -1)
    elif views is None:
        require("regions", regions, "B 4", one)
    else:
        require("regions", regions, "B V 4", {"B": batch, "V": views})
    nothing = torch.full((batch,), UNKNOWN, device=sizes.device)
    labels, index = (nothing if given is None else given for given in (labels, index))
    for name, column in (("counts", counts), ("labels", labels), ("index", index)):
        require(name, column, "B", one, whole=True)
    single = boxes if boxes.dtype == torch.float64 else boxes.float()
    return Truth(single, counts.long(), sizes, regions, labels.long(), index.long())


def _padded(boxes: Sequence[Tensor], device: torch.device) -> tuple[Tensor, Tensor]:
    for some in boxes:
        require("each of boxes", some, "G 4")
    counts = torch.tensor([len(some) for some in boxes], dtype=torch.int64, device=device)
    if not boxes:
        return torch.zeros(0, 0, 4, device=device), counts
    return torch.nn.utils.rnn.pad_sequence(list(boxes), batch_first=True), counts
