"""Putting trained weights into a network, and saying what fitted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from gapcam.arch.network import Network
from gapcam.arch.pixels import PixelFormat
from gapcam.arch.weights import Source, read_source
from gapcam.errors import UserError

IMAGENET = "imagenet"
_SHOWN = 6


@dataclass
class LoadReport:
    """What became of the weights.

    `taken` and `fresh` are names of this network's layers, `left` the file's layers that were not
    used, with the reason. `fresh` layers keep their random start.
    """

    source: str
    pixels: PixelFormat
    taken: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    fresh: list[str] = field(default_factory=list)

    def describe(self) -> str:
        """The report in one line."""
        reasons: dict[str, list[str]] = {}
        for layer, reason in self.left.items():
            reasons.setdefault(reason, []).append(layer)
        left = "".join(f"; left {_listed(layers)} ({why})" for why, layers in reasons.items())
        fresh = f"; random {_listed(self.fresh)}" if self.fresh else ""
        return (
            f"weights {self.source}: {len(self.taken)} layers taken{left}{fresh}; "
            f"pixels {self.pixels.describe()}"
        )


def load_weights(network: Network) -> LoadReport | None:
    """Load what `network.weights` names; None if that is nothing.

    Raises:
        UserError: if the weights cannot be read, or are another network's.
    """
    if network.weights is None:
        return None
    source = (
        network.imagenet()
        if network.weights == IMAGENET
        else read_source(Path(network.weights).expanduser(), network.published_pixels)
    )
    return put_weights(network, source)


@torch.no_grad()
def put_weights(network: Network, source: Source) -> LoadReport:
    """Copy the tensors that have a place in the network, and take over their pixel format.

    Raises:
        UserError: if a layer is unknown, has another shape, or a layer of the trunk is missing.
    """
    own = network.state_dict(keep_vars=True)
    layers = {_bare(key.rpartition(".")[0]): key.rpartition(".")[0] for key in own}
    aliases = {_bare(theirs): ours for theirs, ours in network.aliases.items()}
    report = LoadReport(source.name, source.pixels)
    filled, unknown = set(), []
    for key, tensor in source.tensors.items():
        their_layer, _, part = key.rpartition(".")
        layer = _bare(aliases.get(_bare(their_layer), their_layer))
        place = key if key in own else f"{layers.get(layer)}.{part}"
        if place not in own:
            if layer in network.left_out:
                report.left[their_layer] = network.left_out[layer]
            else:
                unknown.append(key)
        elif tensor.shape in (own[place].shape, (*own[place].shape, 1, 1)):
            # A classifier may be stored as a 1x1 convolution.
            own[place].copy_(tensor.view_as(own[place]))
            filled.add(place)
        elif place.rpartition(".")[0] in network.class_layers:
            report.left[their_layer] = f"{len(tensor)} classes there, {network.num_classes} here"
        else:
            raise UserError(
                f"{source.name} does not fit {type(network).__name__}: {key} is {_sides(tensor)}, "
                f"expected {_sides(own[place])}. Weights of another network, of another "
                "arch.variant, or for another arch.size?"
            )
    missing = [key for key in own if _is_needed(key, network) and key not in filled]
    if unknown or missing:
        raise UserError(
            f"{source.name} holds the weights of another network than {type(network).__name__}, or "
            "of one cut elsewhere: "
            + "; ".join(
                f"{what} {_listed(keys)}"
                for what, keys in (("unknown are", unknown), ("missing are", missing))
                if keys
            )
        )
    report.taken = _layers(filled)
    report.fresh = [layer for layer in _layers(own) if layer not in report.taken]
    if network.pixels_follow_weights:
        network.pixels.set_format(source.pixels)
    report.pixels = network.pixels.format()
    return report


def _bare(layer: str) -> str:
    """A layer's name as Caffe files spell it, without the place it has in the network."""
    for place in ("trunk.", "added."):
        layer = layer.removeprefix(place)
    return layer.replace(".", "/")


def _is_needed(key: str, network: Network) -> bool:
    layer, _, part = key.rpartition(".")
    is_class_layer = layer in network.class_layers
    return layer.startswith("trunk.") and not is_class_layer and part != "num_batches_tracked"


def _layers(keys: Iterable[str]) -> list[str]:
    names = dict.fromkeys(key.rpartition(".")[0] for key in keys)
    return sorted(_bare(name) for name in names if name != "pixels")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _sides(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"
