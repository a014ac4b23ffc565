"""One layer's answer to pictures, as a vector: deep features."""

from difflib import get_close_matches

import torch
from torch import Tensor, nn

from gapcam.arch.fully_connected import FullyConnected
from gapcam.arch.gap_module import GAPModule
from gapcam.arch.network import Network
from gapcam.errors import UserError

POOLED = ("gap", "avgpool")
"""What the pooled units are called: of a GAP network, and of the original it was made of."""


class Layer:
    """A layer of a network, by name.

    Args:
        network: has the layer.
        name: `gap` or `avgpool`: the units that the classifier sees, of networks that end in global
            pooling; or any layer by its name, such as `fc7`, `conv5_3` or `trunk.features.4`, as
            it is when the network is done, so a ReLU that works in place counts; null for `gap`, or
            `fc7` of networks that end in fully connected layers.
        pool: how a layer with places becomes a vector: `avg` or `max`.

    Raises:
        UserError: if the network has no such layer; when it is asked, if the layer has no part in
            the network's answer, or answers with something that is neither a vector nor maps.
    """

    def __init__(self, network: Network, name: str | None = None, pool: str = "avg") -> None:
        self.network = network
        self.name = name or ("fc7" if isinstance(network, FullyConnected) else "gap")
        self.pool = pool
        self._module = None if self.name in POOLED else _find(network, self.name)
        if self._module is None and not isinstance(network, GAPModule):
            raise UserError(
                f"{type(network).__name__} does not end in global pooling, so it has no layer "
                f"{self.name}; give the name of a layer, such as layer=fc7"
            )

    def __call__(self, images: Tensor) -> Tensor:
        """Vectors `(B, K)`, float32, of images `(B, 3, H, W)`."""
        if self._module is None:
            return self._pooled(self.network(images).features)
        seen: list[Tensor] = []
        handle = self._module.register_forward_hook(lambda _, __, output: seen.append(output))
        try:
            self.network(images)
        finally:
            handle.remove()
        if not seen or not isinstance(seen[-1], Tensor) or seen[-1].ndim not in (2, 4):
            raise UserError(
                f"{self.name} of {type(self.network).__name__} is no layer whose answers are "
                "(B, K) or (B, K, h, w): give another study.layer"
            )
        return self._pooled(seen[-1])

    def _pooled(self, output: Tensor) -> Tensor:
        if output.ndim == 2:
            return output.float()
        places = output.float().flatten(2)
        return places.mean(2) if self.pool == "avg" else places.amax(2)


def require_pooled_classifier(network: Network, what: str) -> GAPModule:
    """The network, if a linear classifier follows its average pooling.

    Args:
        network: to look at.
        what: needs it, in words, as the start of a sentence.

    Raises:
        UserError: if it does not; names networks that do.
    """
    if not isinstance(network, GAPModule) or not isinstance(network.classifier, nn.Linear):
        raise UserError(
            f"{what} needs a network with a linear classifier on pooled features, and "
            f"{type(network).__name__} has none: give arch=googlenet_gap, vgg_gap, squeezenet_gap "
            "or another whose name ends in _gap"
        )
    if network.pool != "avg":
        raise UserError(f"{what} needs average pooling: give arch.pool=avg")
    return network


def _find(network: Network, name: str) -> nn.Module:
    modules: dict[str, nn.Module] = dict(network.named_modules())
    for place in (name, f"trunk.{name}", f"added.{name}"):
        if name and place in modules:
            return modules[place]
    known = [place.removeprefix("trunk.") for place, module in modules.items() if _is_layer(module)]
    alike = get_close_matches(name, known, n=5) or known[-8:]
    raise UserError(
        f"{type(network).__name__} has no layer {name!r}; among its layers are {', '.join(alike)}"
    )


def _is_layer(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d | nn.Linear | nn.ReLU)


def vectors(layer: Layer, images: Tensor) -> Tensor:
    """Vectors `(B, K)` of pictures `(B, 3, H, W)`, or of several views each, `(B, V, 3, H, W)`.

    Vectors of several views are averaged.
    """
    with torch.no_grad():
        if images.ndim == 4:
            return layer(images)
        count = images.shape[1]
        each: Tensor = layer(images.flatten(0, 1))
        return each.view(-1, count, each.shape[1]).mean(1)
