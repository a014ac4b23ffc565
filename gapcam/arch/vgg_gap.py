"""VGGnet-GAP: VGG-16 without its fully connected layers (Zhou et al. 2016, 3.1)."""

from typing import Any, cast

from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

from gapcam.arch.gap_module import GAPModule
from gapcam.arch.trunk import CutTable, cut

LAYERS = cfgs["D"]
"""torchvision's table of VGG-16: units of the 3x3 convolutions (with ReLU); M is max pooling."""

CUTS: CutTable = (("pool5", 18), ("conv5_3", 17), ("conv4_3", 13), ("conv3_3", 9))
"""Each step doubles the mapping resolution: 7x7, 14x14 (the paper's), 28x28, 56x56 at 224x224."""


class VGGGAP(GAPModule):
    """VGG-16 cut after conv5_3, a 3x3 convolution of 1024 units, pooling, classifier.

    Trunk keys equal torchvision's (`trunk.0.weight` is its `features.0.weight`). Without
    pre-trained weights the convolutions start as torchvision starts them.

    Args:
        trim: steps taken off the trunk's end, see `CUTS`; 1 is the paper's.
        units: units of the added convolution.
        dropout: probability, before the classifier; the released network has 0.5.
        kwargs: `num_classes`, `size`, `protocol`, `optimizer`, `schedule`; see `GAPModule`.
    """

    def __init__(self, *, trim: int = 1, units: int = 1024, dropout: float = 0.5, **kwargs: Any):
        last_layer, table = cut(LAYERS, CUTS, trim)
        trunk = make_layers(table)
        for layer in trunk:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(cast(Tensor, layer.bias))
        super().__init__(
            trunk=trunk,
            last_layer=last_layer,
            channels=int([units for units in table if units != "M"][-1]),
            units=units,
            batch_norm=False,
            dropout=dropout,
            **kwargs,
        )
