"""A small network for the embedded digits: it trains on a CPU in about a minute."""

from typing import Any

from gapcam.arch.gap_module import GAPModule
from gapcam.arch.layers import Conv, LayerTable, MaxPool, build_layers
from gapcam.arch.trunk import CutTable, cut, require_units

LAYERS: LayerTable = (
    Conv("conv1_1", 16, padding=1, batch_norm=True),
    MaxPool("pool1", 2),
    Conv("conv2_1", 32, padding=1, batch_norm=True),
    Conv("conv2_2", 32, padding=1, batch_norm=True),
    MaxPool("pool2", 2),
    Conv("conv3_1", 64, padding=1, batch_norm=True),
    Conv("conv3_2", 64, padding=1, batch_norm=True),
)

CUTS: CutTable = ("conv3_2", "conv2_2", "conv1_1")
"""At 64x64: 16x16, 32x32, 64x64."""


class SmallGAP(GAPModule):
    """Five 3x3 convolutions, one more before the pooling: 16x16 maps of a 64x64 image.

    Args:
        trim: row of the cut table, or name of the last layer kept.
        units: of the added convolution.
        dropout: probability, before the classifier.
        kwargs: `pool`, and see `Network`.
    """

    def __init__(
        self, *, trim: int | str = 0, units: int = 64, dropout: float = 0.0, **kwargs: Any
    ) -> None:
        require_units(units)
        layers = cut(LAYERS, CUTS, trim)
        trunk, channels = build_layers(layers)
        added, channels = build_layers([Conv("added", units, padding=1, batch_norm=True)], channels)
        super().__init__(
            trunk=trunk,
            last_layer=layers[-1].name,
            added=added,
            channels=channels,
            dropout=dropout,
            **kwargs,
        )
