"""AlexNet-GAP: CaffeNet cut after conv5, 1024 units added, 13x13 maps (Zhou et al. 2016, 3.1)."""

from gapcam.arch.alexnet import LAYERS
from gapcam.arch.fully_connected import REMOVED
from gapcam.arch.paper_gap import PaperGAP, Variant
from gapcam.arch.trunk import CutTable
from gapcam.arch.weights import Source, caffe_zoo

CUTS: CutTable = ("pool5", "conv5", "conv2", "conv1")
"""At 227x227: 6x6, 13x13 (the paper's), 27x27, 55x55."""


VARIANTS = {"paper": Variant(LAYERS, CUTS)}


class AlexNetGAP(PaperGAP):
    """AlexNet-GAP; its prototxt was never released."""

    variants = VARIANTS
    removed = REMOVED

    def imagenet(self) -> Source:
        return caffe_zoo("bvlc_reference_caffenet")
