"""Any network that ends in global average pooling, under the head that this project evaluates."""

import math
from collections.abc import Mapping
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.feature_extraction import create_feature_extractor

from gapcam.arch.foreign import Anatomy, Place, find_anatomy
from gapcam.arch.gap_module import GAPModule
from gapcam.arch.layers import Conv, build_layers
from gapcam.arch.network import CUT_AWAY, Output
from gapcam.arch.resolution import raise_resolution
from gapcam.arch.trunk import require_units
from gapcam.errors import UserError

_SMALLEST_PROBE = 128
_PROBE = (224, 224)

NEW_CLASSIFIER = (
    "To train a new classifier on the averages, add a convolution (arch.units=1024) or cut the "
    "network (arch.trim=1 or more)."
)


class ForeignGAP(GAPModule):
    """A network of torchvision or timm: its trunk, its pooling, its classifier.

    Uncut and with no convolution added it is the original, to the last digit that rounding leaves:
    checked at the start on a random batch. Cut, or with a convolution added, it is the paper's
    recipe applied to it: what follows is new and must be trained.

    Args:
        model: the original, with `num_classes` classes.
        title: its name, for people.
        tracer_options: see `gapcam.arch.foreign.find_anatomy`.
        trim: row of its cut table (0 whole; each further one the last place at the next larger
            mapping resolution), or a layer's name.
        units: of a 3x3 convolution added before the pooling; null for none.
        dropout: probability, before the classifier; null for the original's.
        stride_last: 1 to let the last stage of a ResNet keep its resolution; 2 as it is.
        dilate_last: whether the last stage's convolutions then reach as far as before.
        kwargs: `pool`, and see `Network`.

    Raises:
        UserError: if the network has no activation maps, saying what is in the way.
    """

    def __init__(
        self,
        *,
        model: nn.Module,
        title: str,
        tracer_options: Mapping[str, Any],
        trim: int | str = 0,
        units: int | None = None,
        dropout: float | None = None,
        stride_last: int = 2,
        dilate_last: bool = False,
        size: tuple[int, int],
        **kwargs: Any,
    ) -> None:
        raise_resolution(model, title, stride_last, dilate_last)
        probe = size if min(size) >= _SMALLEST_PROBE else _PROBE
        options = _tracer_options(model, tracer_options)
        anatomy = find_anatomy(model, title, probe, options)
        place = _choose(anatomy, trim, title)
        require_units(units)
        is_whole = place == anatomy.places[0] and not units
        if is_whole and anatomy.obstacles:
            raise UserError(
                f"{title} does more than one linear layer with its averages: between the pooling "
                f"and the logits lie {', '.join(anatomy.obstacles)}, so that no class score is a "
                f"weighted sum of maps. {NEW_CLASSIFIER}"
            )
        if units and anatomy.classifier is None and place == anatomy.places[0]:
            raise UserError(
                f"{title} ends in a convolution with one unit a class; arch.units would add one "
                "after it. Cut it as well: arch.trim=1, or the name of an earlier layer."
            )
        added, channels = build_layers(
            [Conv("added", units, padding=1)] if units else [], place.channels
        )
        linear = not is_whole or anatomy.classifier is not None
        if not linear and dropout is not None:
            raise UserError(
                f"{title} has its classifier, and its dropout, inside the trunk: leave "
                "arch.dropout=null, or put a classifier on averages (arch.units or arch.trim)"
            )
        super().__init__(
            trunk=create_feature_extractor(
                model,
                return_nodes={place.name: "features"},
                tracer_kwargs=options,
                suppress_diff_warning=True,  # auxiliary heads, in training only: not wanted here
            ),
            last_layer=place.name,
            added=added,
            channels=channels,
            dropout=anatomy.dropout if dropout is None else dropout,
            linear=linear,
            size=size,
            **kwargs,
        )
        self.units_last = place.units_last
        self.norm: nn.Module = nn.Identity()
        self.aliases = {}
        if is_whole and anatomy.norm:
            self.norm = model.get_submodule(anatomy.norm)
            self.aliases[anatomy.norm] = "norm"
        if is_whole and anatomy.classifier:
            self.classifier = _as_linear(model.get_submodule(anatomy.classifier))
            self.aliases[anatomy.classifier] = "classifier"
        if not linear:
            convolutions = [n for n, m in self.trunk.named_modules() if isinstance(m, nn.Conv2d)]
            self.class_layers = (f"trunk.{convolutions[-1]}",)
        is_cut = place != anatomy.places[0]
        reason = CUT_AWAY if is_cut else "replaced" if units else "an auxiliary head"
        self.left_out = dict.fromkeys(_unused(model, self), reason)
        if stride_last == 1 and not any("layer4" in name for name, _ in self.trunk.named_modules()):
            raise UserError("arch.stride_last=1 has no effect where arch.trim cuts layer4 away")
        if is_whole and self.pool == "avg":
            self._verify(model, title, probe)
        self.train()

    def classify(self, inputs: Tensor) -> Output:
        return self.after_trunk(self.trunk(inputs)["features"])

    def after_trunk(self, outputs: Tensor) -> Output:
        features = outputs
        if self.units_last:
            features = features.permute(0, 3, 1, 2)
        features = self.added(features)
        if isinstance(self.norm, nn.LayerNorm):
            features = normalize_as_pooled(features, self.norm)
        return Output(self.head(features), features)

    @torch.no_grad()
    def _verify(self, model: nn.Module, title: str, size: tuple[int, int]) -> None:
        generator = torch.Generator().manual_seed(0)
        inputs = torch.randn(2, 3, *size, generator=generator)
        start = getattr(self.classifier, "weight", torch.empty(0)).clone()
        if isinstance(self.classifier, nn.Linear):
            # Some start at zero, where every explanation would do.
            self.classifier.weight.normal_(generator=generator)
        expected = model.eval()(inputs)
        output = self.eval().classify(inputs)
        classes = torch.arange(self.num_classes).expand(len(inputs), -1)
        bias = getattr(self.classifier, "bias", None)
        explained = self.activation_maps(output, classes).mean((-2, -1))
        explained = explained if bias is None else explained + bias
        error = (explained - expected).abs().max() / expected.abs().max().clamp(min=1e-6)
        if isinstance(self.classifier, nn.Linear):
            self.classifier.weight.copy_(start)
        if not error < 1e-3:
            raise UserError(
                f"{title}: the averages of the class maps miss the logits by {error:.0%} of the "
                f"largest. Between {self.last_layer} and the logits lies more than an average and "
                f"a linear layer. {NEW_CLASSIFIER}"
            )


def normalize_as_pooled(features: Tensor, norm: nn.LayerNorm) -> Tensor:
    """Normalise maps `(B, K, h, w)` by the mean and deviation of their averages over places.

    Then the average of the normalised maps is the normalised average: a layer normalisation
    between pooling and classifier moves before the pooling, and activation maps stay exact.
    """
    pooled = features.mean((-2, -1))
    mean = pooled.mean(1)[:, None, None, None]
    deviation = (pooled.var(1, correction=0) + norm.eps).sqrt()[:, None, None, None]
    normal = (features - mean) / deviation
    if norm.weight is not None:
        normal = normal * norm.weight[:, None, None]
    return normal if norm.bias is None else normal + norm.bias[:, None, None]


def _tracer_options(model: nn.Module, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of `create_feature_extractor`, so that both tracings name the same nodes."""
    blocks = [v for v in vars(torchvision.ops).values() if isinstance(v, type)]
    # Subclasses of these are layers to us, not sums of steps.
    layers = {type(m) for m in model.modules() if isinstance(m, nn.LayerNorm | nn.Linear)}
    return {
        **given,
        "autowrap_modules": (math, torchvision.ops),
        "leaf_modules": [*given.get("leaf_modules", ()), *blocks, *layers],
    }


def _as_linear(classifier: nn.Module) -> nn.Module:
    """A 1x1 convolution of averages is a linear layer."""
    if not isinstance(classifier, nn.Conv2d):
        return classifier
    linear = nn.Linear(classifier.in_channels, classifier.out_channels, classifier.bias is not None)
    linear.weight.data = classifier.weight.data.flatten(1)
    if classifier.bias is not None:
        linear.bias.data = classifier.bias.data
    return linear


def _choose(anatomy: Anatomy, trim: int | str, title: str) -> Place:
    cuts = anatomy.cuts()
    if isinstance(trim, int) and not isinstance(trim, bool) and 0 <= trim < len(cuts):
        return cuts[trim]
    for place in anatomy.places:
        if f"{place.name}.".startswith(f"{trim}."):
            return place
    table = ", ".join(
        f"{row} ({place.name}, {place.resolution[0]}x{place.resolution[1]})"
        for row, place in enumerate(cuts)
    )
    raise UserError(
        f"arch.trim of {title} must be one of {table}, or the name of a layer that everything "
        f"passes through; got {trim!r}"
    )


def _unused(model: nn.Module, network: nn.Module) -> list[str]:
    """Layers of the original that the network does not have."""
    kept = {value.data_ptr() for value in network.state_dict().values()}
    return [
        key.rpartition(".")[0]
        for key, value in model.state_dict().items()
        if value.data_ptr() not in kept
    ]
