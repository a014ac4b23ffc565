"""One look of a network at a few pictures, as tensors on the CPU."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gapcam.arch.look import look_for
from gapcam.arch.network import Network
from gapcam.cam.views import Size
from gapcam.data.transforms import Crop
from gapcam.protocol import Protocol


class Seen(NamedTuple):
    """The tensors of an `Explanation`, under the same names."""

    sizes: Tensor
    logits: Tensor
    classes: Tensor
    scores: Tensor
    maps: Tensor
    regions: Tensor
    boxes: Tensor


def see(
    model: Network,
    views: Sequence[Sequence[Crop]],
    sizes: Sequence[Size],
    protocol: Protocol,
    choose: Callable[[Tensor], Tensor],
) -> Seen:
    """Classify pictures, map classes of theirs and cut boxes.

    Args:
        model: in evaluation mode.
        views: what it sees of each picture, as many of each.
        sizes: height and width of the pictures.
        protocol: with a threshold.
        choose: from scores `(B, C)` to classes `(B, M)`.
    """
    shown = torch.stack([torch.stack([crop.image for crop in each]) for each in views])
    regions = torch.tensor([[crop.region for crop in each] for each in views])
    if shown.shape[1] == 1:
        shown, regions = shown[:, 0], regions[:, 0]
    sizes_B2 = torch.tensor(sizes, device=model.device)
    with torch.inference_mode():
        look, logits = look_for(model, shown.to(model.device), regions.to(model.device), choose)
        boxes = protocol.boxes(look.maps, model.size, look.regions, sizes_B2)
    seen = Seen(sizes_B2, logits.float(), look.classes, look.scores, look.maps, look.regions, boxes)
    return Seen(*(tensor.cpu() for tensor in seen))
