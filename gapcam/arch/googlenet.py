"""BVLC GoogLeNet: local response normalisation, true 5x5 branches, two auxiliary heads."""

from collections import OrderedDict
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from gapcam.arch.gap_module import GAPModule
from gapcam.arch.layers import (
    Branches,
    Conv,
    Inception,
    LayerTable,
    MaxPool,
    Norm,
    build_layers,
)
from gapcam.arch.network import Output
from gapcam.arch.profile import feature_shape
from gapcam.arch.trunk import cut, require_uncut
from gapcam.arch.weights import Source, caffe_zoo
from gapcam.batch import Batch
from gapcam.errors import UserError

LAYERS: LayerTable = (
    Conv("conv1/7x7_s2", 64, 7, stride=2, padding=3),
    MaxPool("pool1/3x3_s2"),
    Norm("pool1/norm1"),
    Conv("conv2/3x3_reduce", 64, 1),
    Conv("conv2/3x3", 192, 3, padding=1),
    Norm("conv2/norm2"),
    MaxPool("pool2/3x3_s2"),
    Inception("inception_3a", 64, 96, 128, 16, 32, 32),
    Inception("inception_3b", 128, 128, 192, 32, 96, 64),
    MaxPool("pool3/3x3_s2"),
    Inception("inception_4a", 192, 96, 208, 16, 48, 64),
    Inception("inception_4b", 160, 112, 224, 24, 64, 64),
    Inception("inception_4c", 128, 128, 256, 24, 64, 64),
    Inception("inception_4d", 112, 144, 288, 32, 64, 64),
    Inception("inception_4e", 256, 160, 320, 32, 128, 128),
    MaxPool("pool4/3x3_s2"),
    Inception("inception_5a", 256, 160, 320, 32, 128, 128),
    Inception("inception_5b", 384, 192, 384, 48, 128, 128),
)

AUXILIARY = {"inception_4a": "loss1", "inception_4d": "loss2"}
"""After these layers a head of its own judges the features, in training."""

AUXILIARY_LAYERS = tuple(
    f"{head}/{part}" for head in AUXILIARY.values() for part in ("conv", "fc", "classifier")
)
AUXILIARY_WEIGHT = 0.3

CLASSIFIER = {"loss3/classifier": "classifier"}
"""The file's name of it."""


class GoogLeNet(GAPModule):
    """GoogLeNet whole. It ends in average pooling, so it has activation maps: 7x7 at 224x224.

    Args:
        trim: 0; the original is not cut, see `googlenet_gap`.
        dropout: probability, before the classifier.
        auxiliary: train with the two auxiliary heads, each with 0.3 of the loss's weight.
        kwargs: `pool`, and see `Network`.
    """

    class_layers = ("classifier", "loss1.classifier", "loss2.classifier")
    aliases = CLASSIFIER

    def __init__(
        self, *, trim: int = 0, dropout: float = 0.4, auxiliary: bool = True, **kwargs: Any
    ) -> None:
        require_uncut(trim, "this is the original; the network to cut is arch=googlenet_gap")
        modules, channels = build_layers(LAYERS)
        super().__init__(
            trunk=TappedTrunk(OrderedDict(modules.named_children())),
            last_layer=LAYERS[-1].name,
            added=nn.Identity(),
            channels=channels,
            dropout=dropout,
            **kwargs,
        )
        self.auxiliary = tuple(AUXILIARY.values()) if auxiliary else ()
        for tap, name in AUXILIARY.items():
            if name in self.auxiliary:
                before, channels = build_layers(cut(LAYERS, (), tap))
                shape = feature_shape(before, self.size, tap)
                self.add_module(name, AuxiliaryHead(shape, self.num_classes))
        if not auxiliary:
            self.left_out = dict.fromkeys(
                (name.replace("/", ".") for name in AUXILIARY_LAYERS), "an auxiliary head"
            )

    def classify(self, inputs: Tensor) -> Output:
        features, _ = self.trunk(inputs)
        return self.after_trunk(features)

    def loss(self, batch: Batch) -> Tensor:
        features, taps = self.trunk(self.inputs(batch.images))
        loss = F.cross_entropy(self.head(features), batch.labels)
        for name, tapped in zip(self.auxiliary, taps, strict=False):
            logits = getattr(self, name)(tapped)
            loss = loss + AUXILIARY_WEIGHT * F.cross_entropy(logits, batch.labels)
        return loss

    def imagenet(self) -> Source:
        return caffe_zoo("bvlc_googlenet")


class TappedTrunk(nn.Sequential):
    """Returns the features at its end, and those that the auxiliary heads judge."""

    def forward(self, inputs: Tensor) -> tuple[Tensor, list[Tensor]]:
        taps = []
        for name, layer in self.named_children():
            inputs = layer(inputs)
            if name in AUXILIARY:
                taps.append(inputs)
        return inputs, taps


class AuxiliaryHead(Branches):
    """Average pooling, a 1x1 convolution, two fully connected layers.

    Args:
        shape: channels, height and width of what it judges.
        num_classes: C.

    Raises:
        UserError: if the features are smaller than the pooling.
    """

    def __init__(self, shape: tuple[int, int, int], num_classes: int) -> None:
        channels, height, width = shape
        if min(height, width) < 5:
            raise UserError(
                f"GoogLeNet's auxiliary heads pool 5x5, but their maps are {height}x{width}. Ask "
                "for larger images (arch.size=[224,224]), or leave them out: arch.auxiliary=false"
            )
        row = Conv("conv", 128, 1)
        super().__init__([(row, channels)])
        self.pool = nn.AvgPool2d(5, 3, ceil_mode=True)
        rows, columns = (-(-(side - 5) // 3) + 1 for side in (height, width))
        self.fc = nn.Linear(row.units * rows * columns, 1024)
        self.dropout = nn.Dropout(0.7)
        self.classifier = nn.Linear(1024, num_classes)

    def forward(self, features: Tensor) -> Tensor:
        hidden = self.convolve("conv", self.pool(features)).flatten(1)
        logits: Tensor = self.classifier(self.dropout(F.relu(self.fc(hidden))))
        return logits
