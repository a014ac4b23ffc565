"""Putting trained weights into a network, and saying what fitted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gapcam.arch.network import CUT_AWAY, Network
from gapcam.arch.pixels import PixelFormat
from gapcam.arch.weights import Source, read_source
from gapcam.errors import UserError

IMAGENET = "imagenet"
HEAD_SETTINGS = ("_target_", "name", "variant", "trim", "units", "pool")
"""Settings on which the features depend that a classifier was trained on."""

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

    What comes after the trunk is left where it was trained on other classes or other features.

    Raises:
        UserError: if a layer is unknown, has another shape, or a layer of the trunk is missing.
    """
    own = network.state_dict(keep_vars=True)
    report = LoadReport(source.name, source.pixels)
    filled, unknown = _match(network, source, own, report)
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
    is_other_head = (
        CUT_AWAY in report.left.values()
        or any(key.startswith("added.") and key not in filled for key in own)
        or _differs(source.arch, network.recipe.get("arch"))
    )
    for place, tensor in filled.items():
        reason = _misplaced(place, network, source, is_other_head)
        if reason is None:
            own[place].copy_(tensor)
            report.taken.append(_layer(_bare(place)))
        else:
            report.left[_layer(place)] = reason
    report.taken = sorted(set(report.taken))
    layers = {_layer(_bare(key)) for key in own if not key.startswith("pixels.")}
    report.fresh = sorted(layers - {*report.taken, ""})
    if network.pixels_follow_weights:
        network.pixels.set_format(source.pixels)
    report.pixels = network.pixels.format()
    return report


def _match(
    network: Network, source: Source, own: Mapping[str, Tensor], report: LoadReport
) -> tuple[dict[str, Tensor], list[str]]:
    """The file's tensors by their place in the network, and the names that have none.

    What the network is known to lack goes to the report.
    """
    is_ours = any(key.startswith("trunk.") for key in source.tensors)
    places = {_bare(key): key for key in own if not key.startswith("pixels.")}
    aliases = {_bare(theirs): _bare(ours) for theirs, ours in network.aliases.items()}
    filled, unknown = {}, []
    for key, tensor in source.tensors.items():
        their_layer, _, part = _bare(key).rpartition(".")
        layer = aliases.get(their_layer, their_layer)
        place = places.get(f"{layer}.{part}".removeprefix("."))
        if layer in network.left_out and not (is_ours and key in own):
            report.left[_layer(key)] = network.left_out[layer]
        elif place is None and _is_added(key, source):
            report.left[_layer(key)] = "not in this network"
        elif place is None:
            unknown.append(key)
        elif tensor.shape in (own[place].shape, (*own[place].shape, 1, 1)):
            # A classifier may be stored as a 1x1 convolution.
            filled[place] = tensor.view_as(own[place])
        elif _layer(place) in network.class_layers or _is_added(place, source):
            report.left[_layer(key)] = _disagreement(tensor, own[place])
        else:
            raise UserError(
                f"{source.name} does not fit {type(network).__name__}: {key} is {_sides(tensor)}, "
                f"expected {_sides(own[place])}. Weights of another network, of another "
                "arch.variant, arch.trim or arch.units, or for another arch.size?"
            )
    return filled, unknown


def _disagreement(theirs: Tensor, ours: Tensor) -> str:
    if len(theirs) != len(ours):
        return f"{len(theirs)} classes there, {len(ours)} here"
    return f"{_sides(theirs)} there, {_sides(ours)} here"


def _is_added(key: str, source: Source) -> bool:
    """Whether a tensor is of a convolution that a run of ours added: it may be left behind."""
    return source.arch is not None and key.startswith("added.")


def _differs(theirs: Mapping[str, Any] | None, ours: Mapping[str, Any] | None) -> bool:
    """Whether two networks, where both are known, give their classifiers different features."""
    if theirs is None or ours is None:
        return False
    return any(theirs.get(setting) != ours.get(setting) for setting in HEAD_SETTINGS)


def _misplaced(place: str, network: Network, source: Source, is_other_head: bool) -> str | None:
    """Why a tensor that fits by name and shape does not belong there; None if it does."""
    is_class_layer = _layer(place) in network.class_layers
    if is_class_layer and source.class_names not in (None, network.class_names):
        return "trained on other classes"
    is_head = is_class_layer or not place.startswith("trunk.")
    return "trained on other features" if is_head and is_other_head else None


def _bare(key: str) -> str:
    """A name with points alone, and without the place it has in the network."""
    for place in ("trunk.", "added."):
        key = key.removeprefix(place)
    return key.replace("/", ".")


def _layer(key: str) -> str:
    return key.rpartition(".")[0]


def _is_needed(key: str, network: Network) -> bool:
    is_class_layer = _layer(key) in network.class_layers
    return key.startswith("trunk.") and not is_class_layer and "num_batches_tracked" not in key


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _sides(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"
