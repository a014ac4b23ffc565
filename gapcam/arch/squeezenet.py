"""SqueezeNet 1.0 (Iandola et al. 2016) as its Caffe files define it."""

from gapcam.arch.class_maps import ClassMaps
from gapcam.arch.layers import Conv, Drop, Fire, LayerTable, MaxPool

LAYERS: LayerTable = (
    Conv("conv1", 96, 7, stride=2),
    MaxPool("pool1"),
    Fire("fire2", 16, 64),
    Fire("fire3", 16, 64),
    Fire("fire4", 32, 128),
    MaxPool("pool4"),
    Fire("fire5", 32, 128),
    Fire("fire6", 48, 192),
    Fire("fire7", 48, 192),
    Fire("fire8", 64, 256),
    MaxPool("pool8"),
    Fire("fire9", 64, 256),
    Drop("drop9"),
    Conv("conv10", 1000, 1, padding=1),
)

COMPRESSED = {
    f"fire{number}/{theirs}": f"fire{number}/{ours}"
    for number in range(2, 10)
    for theirs, ours in (
        ("conv1x1_1", "squeeze1x1"),
        ("conv1x1_2", "expand1x1"),
        ("conv3x3_2", "expand3x3"),
    )
} | {"conv_final": "conv10"}
"""Names in the files of Han's dense-sparse-dense and compressed SqueezeNets."""


class SqueezeNet(ClassMaps):
    """The padding of 1 around the last 1x1 convolution is the files'; torchvision leaves it out."""

    layers = LAYERS
    aliases = COMPRESSED
