"""A small network for the embedded digits: it trains on a CPU in about a minute."""

from typing import Any

from torchvision.models.vgg import make_layers

from gapcam.arch.gap_module import GAPModule
from gapcam.arch.trunk import CutTable, cut

LAYERS: list[str | int] = [16, "M", 32, 32, "M", 64, 64]
"""Units of the 3x3 convolutions (each with batch norm and ReLU); M is 2x2 max pooling."""

CUTS: CutTable = (("conv3_2", 7), ("conv2_2", 4), ("conv1_1", 1))


class SmallGAP(GAPModule):
    """Five 3x3 convolutions, one more before the pooling: 16x16 maps of a 64x64 image.

    Args:
        trim: steps taken off the trunk's end: 0 whole (conv3_2), 1 to conv2_2, 2 to conv1_1.
        units: units of the added convolution.
        dropout: probability, before the classifier.
        kwargs: `num_classes`, `size`, `protocol`, `optimizer`, `schedule`; see `GAPModule`.
    """

    def __init__(self, *, trim: int = 0, units: int = 64, dropout: float = 0.0, **kwargs: Any):
        last_layer, table = cut(LAYERS, CUTS, trim)
        super().__init__(
            trunk=make_layers(table, batch_norm=True),
            last_layer=last_layer,
            channels=int(table[-1]),
            units=units,
            batch_norm=True,
            dropout=dropout,
            **kwargs,
        )
