"""Network in Network (Lin et al. 2014), the Caffe zoo's for ImageNet."""

from gapcam.arch.class_maps import ClassMaps
from gapcam.arch.layers import Conv, Drop, LayerTable, MaxPool

LAYERS: LayerTable = (
    Conv("conv1", 96, 11, stride=4),
    Conv("cccp1", 96, 1),
    Conv("cccp2", 96, 1),
    MaxPool("pool1"),
    Conv("conv2", 256, 5, padding=2),
    Conv("cccp3", 256, 1),
    Conv("cccp4", 256, 1),
    MaxPool("pool2"),
    Conv("conv3", 384, 3, padding=1),
    Conv("cccp5", 384, 1),
    Conv("cccp6", 384, 1),
    MaxPool("pool3"),
    Drop("drop"),
    Conv("conv4-1024", 1024, 3, padding=1),
    Conv("cccp7-1024", 1024, 1),
    Conv("cccp8-1024", 1000, 1),
)


class NIN(ClassMaps):
    """Two 1x1 convolutions follow each. The zoo's weights cannot be downloaded: give a path."""

    layers = LAYERS
