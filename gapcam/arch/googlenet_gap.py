"""GoogLeNet-GAP: cut after inception_4e, 1024 units added, 14x14 maps (Zhou et al. 2016, 3.1)."""

from gapcam.arch.googlenet import AUXILIARY_LAYERS, LAYERS
from gapcam.arch.paper_gap import ADDED_IN_GROUPS, PaperGAP, Variant
from gapcam.arch.trunk import CutTable
from gapcam.arch.weights import Source, caffe_zoo

CUTS: CutTable = ("inception_5b", "inception_4e", "inception_3b", "conv2/3x3", "conv1/7x7_s2")
"""At 224x224: 7x7, 14x14 (the paper's), 28x28, 56x56, 112x112."""

HEADS = dict.fromkeys(AUXILIARY_LAYERS, "an auxiliary head") | {
    "loss3/classifier": "the original classifier, removed by the paper"
}

VARIANTS = {
    "paper": Variant(LAYERS, CUTS),
    "released": Variant(
        LAYERS,
        CUTS,
        ADDED_IN_GROUPS,
        bias=1.0,
        classifier="xavier",
    ),
}


class GoogLeNetGAP(PaperGAP):
    """The released network splits the added convolution into two groups; it has no dropout."""

    variants = VARIANTS
    removed = HEADS

    def imagenet(self) -> Source:
        return caffe_zoo("bvlc_googlenet")
