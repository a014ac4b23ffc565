"""AlexNet*-GAP: two convolutions added instead of one (Zhou et al. 2016, 3.1)."""

from gapcam.arch.alexnet import LAYERS, alexnet_layers
from gapcam.arch.alexnet_gap import CUTS
from gapcam.arch.fully_connected import REMOVED
from gapcam.arch.layers import Conv, MaxPool
from gapcam.arch.paper_gap import PaperGAP, Variant
from gapcam.arch.weights import Source, caffe_zoo

CLASSIFIER = {"fc9": "classifier"}
"""The released file's name of it."""

VARIANTS = {
    "paper": Variant(
        LAYERS, CUTS, (Conv("conv6", 1024, 3, padding=1), Conv("conv7", 1024, 3, padding=1))
    ),
    "released": Variant(
        alexnet_layers(384),
        CUTS,
        (
            MaxPool("pool5", 3, stride=1),
            Conv("conv6", 512, 3, padding=1, groups=2),
            Conv("conv7", 512, 3, padding=1, groups=2),
        ),
        bias=1.0,
        dropout=0.5,
        classifier="gaussian",
    ),
}


class AlexNetStarGAP(PaperGAP):
    """The text says no more than "two convolutional layers"; `paper` makes both like the one.

    The released network ("AlexNet+") has 384 units in conv5, 512 in each added convolution, and a
    pooling of stride 1 between, which leaves 11x11 maps. That pooling counts as added here, so
    that both variants are cut at the same places.
    """

    variants = VARIANTS
    removed = REMOVED
    aliases = CLASSIFIER

    def imagenet(self) -> Source:
        return caffe_zoo("bvlc_reference_caffenet")
