"""Cutting: every row of every cut table, and any layer by name."""

import pytest
import torch
from networks import network

from gapcam.arch.profile import profile
from gapcam.errors import UserError

CUTS = {
    "small_gap": [("conv3_2", 16), ("conv2_2", 32), ("conv1_1", 64)],
    "alexnet_gap": [("pool5", 6), ("conv5", 13), ("conv2", 27), ("conv1", 55)],
    "alexnet_star_gap": [("pool5", 6), ("conv5", 13), ("conv2", 27), ("conv1", 55)],
    "vgg_gap": [
        ("pool5", 7),
        ("conv5_3", 14),
        ("conv4_3", 28),
        ("conv3_3", 56),
        ("conv2_2", 112),
    ],
    "googlenet_gap": [
        ("inception_5b", 7),
        ("inception_4e", 14),
        ("inception_3b", 28),
        ("conv2/3x3", 56),
        ("conv1/7x7_s2", 112),
    ],
    "torchvision_gap": [
        ("layer4.2.relu_2", 7),
        ("layer3.5.relu_2", 14),
        ("layer2.3.relu_2", 28),
        ("layer1.2.relu_2", 56),
        ("relu", 112),
    ],
}


@pytest.mark.parametrize(
    ("arch", "trim", "last_layer", "side"),
    [(arch, trim, *row) for arch, rows in CUTS.items() for trim, row in enumerate(rows)],
)
def test_cut_table(arch: str, trim: int, last_layer: str, side: int) -> None:
    """What is printed is what a forward pass gives."""
    units = [] if arch == "torchvision_gap" else ["arch.units=8"]
    module = network(f"arch={arch}", f"arch.trim={trim}", *units, classes=7)
    printed = profile(module, module.size, module.last_layer)
    with torch.no_grad():
        features = module.eval()(torch.zeros(1, 3, *module.size, dtype=torch.uint8)).features
    assert module.last_layer == last_layer
    assert printed.mapping_resolution == tuple(features.shape[2:]) == (side, side)


@pytest.mark.parametrize(
    ("arch", "last_layer", "side"),
    [
        ("vgg_gap", "conv5_1", 14),
        ("googlenet_gap", "inception_4a", 14),
        ("alexnet_gap", "pool1", 27),
    ],
)
def test_any_layer_can_be_the_last(arch: str, last_layer: str, side: int) -> None:
    module = network(f"arch={arch}", f"arch.trim={last_layer}", "arch.units=8", classes=7)
    assert module.last_layer == last_layer
    assert profile(module, module.size, last_layer).mapping_resolution == (side, side)


def test_too_small_images_are_refused_where_the_network_is_measured() -> None:
    module = network("arch=alexnet_gap", "arch.size=[8,8]", classes=7)
    with pytest.raises(UserError, match=r"8x8 are too small for a trunk up to conv5, .*cut"):
        profile(module, module.size, module.last_layer)
