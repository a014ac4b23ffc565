"""A trained network with another linear classifier: its activation maps are those of new classes.

To draw the maps of an SVM its weights take the place of the softmax's (Section 4 of the paper).
"""

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gapcam.arch.evaluation import Evaluation
from gapcam.arch.gap_module import GAPModule
from gapcam.arch.network import Network
from gapcam.study.layer import require_pooled_classifier


def with_classifier(
    network: Network,
    weight: NDArray[np.floating],
    bias: NDArray[np.floating],
    class_names: Sequence[str],
) -> GAPModule:
    """A copy of a network, on the CPU, whose classifier has these weights.

    It localizes, is tested and drawn as any network. Its scores are the softmax of the decision
    values: their order means something, their size does not.

    Args:
        network: ends in average pooling and a linear classifier.
        weight: `(C, K)`.
        bias: `(C,)`.
        class_names: of the C classes.

    Raises:
        UserError: if the network has no linear classifier on pooled features.
    """
    gap = require_pooled_classifier(network, "Another classifier")
    kept, gap._trainer = gap._trainer, None  # a copy of the trainer would copy the data, too
    try:
        other = copy.deepcopy(gap)
    finally:
        gap._trainer = kept
    classes, units = weight.shape
    classifier = nn.Linear(units, classes)
    with torch.no_grad():
        classifier.weight.copy_(torch.from_numpy(weight))
        classifier.bias.copy_(torch.from_numpy(bias))
    other.cpu()
    other.classifier = classifier
    other.num_classes = classes
    other.recipe = {
        **gap.recipe,
        "data": {**gap.recipe["data"], "class_names": list(class_names)},
    }
    protocols = gap.test_evaluation.protocols
    other.val_evaluation = Evaluation(protocols, other.size, other.views[0], classes)
    other.test_evaluation = Evaluation(protocols, other.size, other.views[0], classes)
    return other.eval()
