"""What a network is, in numbers, without computing anything."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from gapcam.errors import UserError


class Profile(NamedTuple):
    """`mapping_resolution` height and width of the last features; `parameters`; `flops`.

    `flops` are those of one image, forward, 2 for each multiplication with its addition; papers
    that count multiplications alone give half of it.
    """

    mapping_resolution: tuple[int, int]
    parameters: int
    flops: int


def profile(network: nn.Module, size: tuple[int, int], last_layer: str) -> Profile:
    """Follow shapes through a network whose output has `features`.

    Args:
        network: takes images.
        size: height and width of the images.
        last_layer: of the trunk, for the message.

    Raises:
        UserError: if the images are too small for it.
    """
    counter = FlopCounterMode(display=False)
    with counter:
        features = _follow_shapes(network, size, last_layer).features
    return Profile(
        mapping_resolution=(features.shape[2], features.shape[3]),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        flops=counter.get_total_flops(),
    )


def feature_shape(trunk: nn.Module, size: tuple[int, int], last_layer: str) -> tuple[int, int, int]:
    """Channels, height and width of what a trunk makes of images of `size`.

    Raises:
        UserError: if the images are too small for it.
    """
    features: Tensor = _follow_shapes(trunk, size, last_layer)
    return features.shape[1], features.shape[2], features.shape[3]


@torch.no_grad()
def _follow_shapes(module: nn.Module, size: tuple[int, int], last_layer: str) -> Any:
    without_values = {key: value.to("meta") for key, value in module.state_dict().items()}
    was_training = module.training
    try:
        return functional_call(
            module.eval(), without_values, torch.empty(1, 3, *size, device="meta")
        )
    except Exception as error:
        # Foreign networks fail in every way there is where the size does not suit them.
        raise UserError(
            f"Images of {size[0]}x{size[1]} are too small for a trunk up to {last_layer}, or not "
            f"the size it is made for: {error}. Ask for others (arch.size=[224,224]), or cut "
            "earlier (a larger arch.trim)."
        ) from error
    finally:
        module.train(was_training)
