"""SqueezeNet-GAP: SqueezeNet cut before its classifier, pooling, a linear classifier.

Not in the paper. Nothing is added after the cut, so the pooled features are the trained ones: with
`optim=linear` a classifier is learnt on them while they stay as they are.
"""

from gapcam.arch.layers import LayerTable
from gapcam.arch.network import CUT_AWAY
from gapcam.arch.paper_gap import PaperGAP, Variant
from gapcam.arch.squeezenet import COMPRESSED, LAYERS
from gapcam.arch.trunk import CutTable

TRUNK: LayerTable = LAYERS[:-2]  # without dropout and the convolution of one unit a class
CUTS: CutTable = ("fire9", "fire8", "fire4")
"""At 227x227: 13x13, 27x27, 55x55."""

NOTHING: LayerTable = ()

VARIANTS = {"paper": Variant(TRUNK, CUTS, NOTHING)}


class SqueezeNetGAP(PaperGAP):
    """The published classifier, a convolution of 1000 units, is left out of weight files."""

    variants = VARIANTS
    removed = {"conv10": CUT_AWAY}
    aliases = COMPRESSED
