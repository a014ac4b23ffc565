"""VGG-16 (Simonyan and Zisserman 2015, configuration D), the paper's "VGGnet"."""

from collections.abc import Iterator
from typing import Any

from torchvision.models import VGG16_Weights

from gapcam.arch.fully_connected import FullyConnected
from gapcam.arch.layers import Conv, LayerTable, MaxPool, Row
from gapcam.arch.trunk import require_uncut
from gapcam.arch.weights import Source, torchvision_source

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Units and number of the 3x3 convolutions before each pooling."""


def _stage(stage: int, units: int, count: int) -> Iterator[Row]:
    for number in range(1, count + 1):
        yield Conv(f"conv{stage}_{number}", units, padding=1)
    yield MaxPool(f"pool{stage}", 2, 2)


LAYERS: LayerTable = tuple(
    row for number, (units, count) in enumerate(STAGES, 1) for row in _stage(number, units, count)
)

TORCHVISION = {
    f"features.{position}": row.name
    for position, row in zip(
        # There, a convolution and its ReLU are two entries, a pooling is one.
        (2 * n - sum(isinstance(row, MaxPool) for row in LAYERS[:n]) for n in range(len(LAYERS))),
        LAYERS,
        strict=True,
    )
    if isinstance(row, Conv)
} | {"classifier.0": "fc6", "classifier.3": "fc7", "classifier.6": "fc8"}
"""torchvision's names of the layers."""


class VGG(FullyConnected):
    """VGG-16: thirteen convolutions, fc6, fc7, fc8.

    Args:
        trim: 0; the original is not cut.
        kwargs: see `Network`.
    """

    aliases = TORCHVISION

    def __init__(self, *, trim: int = 0, **kwargs: Any) -> None:
        require_uncut(trim, "this is the original; the network to cut is arch=vgg_gap")
        super().__init__(layers=LAYERS, **kwargs)

    def imagenet(self) -> Source:
        return torchvision_source(VGG16_Weights.IMAGENET1K_V1)
