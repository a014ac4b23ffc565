"""VGGnet-GAP: VGG-16 cut after conv5_3, 1024 units added, 14x14 maps (Zhou et al. 2016, 3.1)."""

from torchvision.models import VGG16_Weights

from gapcam.arch.fully_connected import REMOVED
from gapcam.arch.paper_gap import ADDED_IN_GROUPS, PaperGAP, Variant
from gapcam.arch.trunk import CutTable
from gapcam.arch.vgg import LAYERS, TORCHVISION
from gapcam.arch.weights import Source, torchvision_source

CUTS: CutTable = ("pool5", "conv5_3", "conv4_3", "conv3_3", "conv2_2")
"""At 224x224: 7x7, 14x14 (the paper's), 28x28, 56x56, 112x112."""


VARIANTS = {
    "paper": Variant(LAYERS, CUTS),
    "released": Variant(
        LAYERS,
        CUTS,
        ADDED_IN_GROUPS,
        bias=0.0,
        dropout=0.5,
        classifier="xavier",
    ),
}


class VGGGAP(PaperGAP):
    """The released network splits the added convolution into two groups and has dropout."""

    variants = VARIANTS
    removed = REMOVED
    aliases = TORCHVISION

    def imagenet(self) -> Source:
        return torchvision_source(VGG16_Weights.IMAGENET1K_V1)
