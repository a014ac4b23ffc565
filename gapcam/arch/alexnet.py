"""AlexNet as the paper uses it: Caffe's reference network ("CaffeNet").

It differs from Krizhevsky's in one order: pooling comes before normalisation.
"""

from typing import Any

from gapcam.arch.fully_connected import FullyConnected
from gapcam.arch.layers import Conv, LayerTable, MaxPool, Norm
from gapcam.arch.trunk import require_uncut
from gapcam.arch.weights import Source, caffe_zoo


def alexnet_layers(conv5: int) -> LayerTable:
    """The trunk with `conv5` units in its last convolution (256 in CaffeNet)."""
    return (
        Conv("conv1", 96, 11, stride=4),
        MaxPool("pool1"),
        Norm("norm1"),
        Conv("conv2", 256, 5, padding=2, groups=2),
        MaxPool("pool2"),
        Norm("norm2"),
        Conv("conv3", 384, 3, padding=1),
        Conv("conv4", 384, 3, padding=1, groups=2),
        Conv("conv5", conv5, 3, padding=1, groups=2),
        MaxPool("pool5"),
    )


LAYERS = alexnet_layers(256)


class AlexNet(FullyConnected):
    """CaffeNet: five convolutions, fc6, fc7, fc8. Made for images of 227x227.

    Args:
        trim: 0; the original is not cut.
        kwargs: see `Network`.
    """

    def __init__(self, *, trim: int = 0, **kwargs: Any) -> None:
        require_uncut(trim, "this is the original; the network to cut is arch=alexnet_gap")
        super().__init__(layers=LAYERS, **kwargs)

    def imagenet(self) -> Source:
        return caffe_zoo("bvlc_reference_caffenet")
