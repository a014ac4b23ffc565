"""Whether features are trained ones: weight files leave some layers of a network random."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gapcam.errors import UserError
from gapcam.study.layer import Layer


def require_trained(layer: Layer, fresh: Sequence[str]) -> None:
    """Refuse features that a layer with random weights has a part in.

    Args:
        layer: whose answers are the features.
        fresh: layers of the network that no weights were given for.

    Raises:
        UserError: names them, and says what to do.
    """
    random = [name for name in fresh if _depends(layer, name)]
    if not random:
        return
    network = layer.network
    kind = type(network).__name__
    if all(place_of(network, name) in network.class_layers for name in random):
        raise UserError(
            f"layer {layer.name} of {kind} has random weights: it is one unit a class, and these "
            "data have other classes. Give a layer before it (study.layer=...), or a network with "
            "a linear classifier, whose name ends in _gap"
        )
    raise UserError(
        f"{', '.join(random)} of {kind} has random weights: {network.weights} holds none for it, "
        f"and layer {layer.name} depends on it. Give the weights of a trained {kind} "
        "(ckpt=<its last.ckpt>, or arch.weights=<the same>), or a layer before it (study.layer=...)"
    )


def _depends(layer: Layer, name: str) -> bool:
    """Whether the features change with a layer: NaN in its place shows wherever it leads."""
    network = layer.network
    module = network.get_submodule(place_of(network, name))
    device = next(network.parameters()).device
    black = torch.zeros(1, 3, *network.size, dtype=torch.uint8, device=device)
    handle = module.register_forward_hook(_to_nan)
    try:
        with torch.no_grad():
            return bool(layer(black).isnan().any())
    finally:
        handle.remove()


def _to_nan(_: nn.Module, __: object, output: Tensor) -> Tensor:
    return torch.full_like(output, torch.nan)


def place_of(network: nn.Module, name: str) -> str:
    """Full name of a layer whose short one is known."""
    modules = dict(network.named_modules())
    return next(full for full in (name, f"trunk.{name}", f"added.{name}") if full in modules)
