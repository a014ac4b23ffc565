"""Networks that end in three fully connected layers, as AlexNet and VGG do."""

from typing import Any

from torch import Tensor, nn

from gapcam.arch.layers import LayerTable, build_layers
from gapcam.arch.network import Network, Output
from gapcam.arch.profile import feature_shape

UNITS = 4096

REMOVED = dict.fromkeys(("fc6", "fc7", "fc8"), "fully connected, removed by the paper")
"""What the GAP networks made of these lack."""


class FullyConnected(Network):
    """Trunk, fc6, fc7, fc8. The class scores are no sums over places: it has no `cam`.

    Args:
        layers: the trunk's table.
        kwargs: see `Network`.
    """

    class_layers = ("fc8",)

    def __init__(self, *, layers: LayerTable, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.last_layer = layers[-1].name
        self.trunk, _ = build_layers(layers)
        channels, height, width = feature_shape(self.trunk, self.size, self.last_layer)
        self.fc6 = nn.Linear(channels * height * width, UNITS)
        self.fc7 = nn.Linear(UNITS, UNITS)
        self.fc8 = nn.Linear(UNITS, self.num_classes)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(0.5)
        for layer in (self.fc6, self.fc7):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        nn.init.normal_(self.fc8.weight, std=0.01)
        nn.init.zeros_(self.fc8.bias)

    def classify(self, inputs: Tensor) -> Output:
        return self.after_trunk(self.trunk(inputs))

    def after_trunk(self, outputs: Tensor) -> Output:
        return Output(self.head(outputs), outputs)

    def head(self, features: Tensor) -> Tensor:
        hidden = self.dropout(self.relu(self.fc6(features.flatten(1))))
        hidden = self.dropout(self.relu(self.fc7(hidden)))
        logits: Tensor = self.fc8(hidden)
        return logits
