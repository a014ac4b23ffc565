"""The paper's recipe: a known network cut somewhere, convolutions added, pooling, classifier."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import nn

from gapcam.arch.gap_module import GAPModule
from gapcam.arch.layers import Conv, LayerTable, build_layers, layer_names
from gapcam.arch.network import CUT_AWAY
from gapcam.arch.trunk import CutTable, cut, require_units
from gapcam.errors import UserError

ADDED: LayerTable = (Conv("CAM_conv", 1024, 3, padding=1),)
"""What the paper's text adds to each network: 1024 units of 3x3, stride 1, padding 1."""

ADDED_IN_GROUPS: LayerTable = (Conv("CAM_conv", 1024, 3, padding=1, groups=2),)
"""What the released VGGnet-GAP and GoogLeNet-GAP have instead."""


class Variant(NamedTuple):
    """One published form of a network.

    `layers` and `cuts` describe the trunk, `added` what follows the cut. `bias` is where the
    biases of the added convolutions start, with Gaussian weights of deviation 0.01; null for He's
    weights and zero biases, which the text leaves open. `classifier` says how the classifier
    starts, with zero biases: `xavier` as Caffe has it, uniform within the root of 3/K, `gaussian`
    with deviation 0.01, null for PyTorch's way.
    """

    layers: LayerTable
    cuts: CutTable
    added: LayerTable = ADDED
    bias: float | None = None
    dropout: float = 0.0
    classifier: str | None = None


class PaperGAP(GAPModule):
    """A GAP network of the paper.

    Args:
        trim: row of the cut table, or name of the last layer kept.
        variant: `paper` (the text) or `released` (the authors' prototxt files).
        units: of the added convolutions; null for the variant's.
        dropout: probability, before the classifier; null for the variant's.
        kwargs: `pool`, and see `Network`.

    Raises:
        UserError: if there is no such variant or cut.
    """

    variants: Mapping[str, Variant]
    """By name; set by the subclass."""

    removed: Mapping[str, str] = {}
    """Layers of the original network that the paper removes, and why; set by the subclass."""

    def __init__(
        self,
        *,
        trim: int | str = 1,
        variant: str = "paper",
        units: int | None = None,
        dropout: float | None = None,
        **kwargs: Any,
    ) -> None:
        if variant not in self.variants:
            raise UserError(
                f"arch.variant of {type(self).__name__} must be {' or '.join(self.variants)} (no "
                f"other was published); got {variant!r}"
            )
        form = self.variants[variant]
        layers = cut(form.layers, form.cuts, trim)
        trunk, channels = build_layers(layers)
        require_units(units)
        if units is not None and not form.added:
            raise UserError(f"{type(self).__name__} adds no convolution: leave out arch.units")
        rows = [
            row._replace(units=units) if units and isinstance(row, Conv) else row
            for row in form.added
        ]
        added, channels = build_layers(rows, channels)
        super().__init__(
            trunk=trunk,
            last_layer=layers[-1].name,
            added=added,
            channels=channels,
            dropout=form.dropout if dropout is None else dropout,
            **kwargs,
        )
        if form.bias is not None:
            _start_convolutions(added, form.bias)
        if form.classifier is not None:
            assert isinstance(self.classifier, nn.Linear)
            _start_classifier(self.classifier, form.classifier)
        cut_away = set(layer_names(form.layers)) - set(layer_names(layers))
        self.aliases = {"CAM_fc": "classifier", **self.aliases}
        self.left_out = {
            **dict.fromkeys(cut_away, CUT_AWAY),
            **{name.replace("/", "."): reason for name, reason in self.removed.items()},
        }


def _start_classifier(classifier: nn.Linear, how: str) -> None:
    if how == "xavier":
        bound = math.sqrt(3 / classifier.in_features)
        nn.init.uniform_(classifier.weight, -bound, bound)
    else:
        nn.init.normal_(classifier.weight, std=0.01)
    nn.init.zeros_(classifier.bias)


def _start_convolutions(added: nn.Sequential, bias: float) -> None:
    for module in added:
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=0.01)
            if module.bias is not None:
                nn.init.constant_(module.bias, bias)
