"""Settings that no network can have."""

import pytest
from networks import network

from gapcam.errors import UserError


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ("arch=vgg_gap arch.trim=-1", r"must be one of 0 \(pool5\), 1 \(conv5_3\).*got -1"),
        ("arch=vgg_gap arch.trim=5", r"4 \(conv2_2\), or a layer's name \(conv1_1, .*got 5"),
        ("arch=vgg_gap arch.trim=1.5", r"or a layer's name .*got 1.5"),
        ("arch=vgg_gap arch.trim=conv9", r"or a layer's name .*got 'conv9'"),
        ("arch=vgg_gap arch.trim=true", r"or a layer's name .*got True"),
        (
            "arch=vgg arch.trim=1",
            "arch.trim must be 0: this is the original; .*arch=vgg_gap; got 1",
        ),
        ("arch=alexnet arch.trim=1", "the network to cut is arch=alexnet_gap"),
        ("arch=googlenet arch.trim=1", "the network to cut is arch=googlenet_gap"),
        ("arch=nin arch.trim=1", "arch.trim must be 0: its last layer is its classifier"),
        ("arch=torchvision_gap arch.trim=9", r"0 \(layer4.2.relu_2, 7x7\), 1 .*14x14.*got 9"),
        ("arch=vgg_gap arch.pool=min", "arch.pool must be avg or max; got 'min'"),
        (
            "arch=vgg_gap arch.pixels=hsv",
            "arch.pixels must be null, data, caffe, imagenet; got 'hsv'",
        ),
        (
            "arch=vgg cam=cam",
            "cam of VGG must be one of auto, saliency, gradcam, .*, ablationcam; got 'cam'",
        ),
        ("arch=vgg cam=''", "cam must be auto or one of cam, saliency, gradcam, .*; got ''"),
        ("arch=vgg cam=[gradcam]", r"cam must be auto or one of .*; got \['gradcam'\]"),
        ("arch=vgg cam=grad-cam", r"got 'grad-cam'\. Did you mean gradcam\?"),
        ("arch=vgg cam=gradcam@", r"cam=gradcam@: a layer can be named after gradcam, .*conv5_3"),
        ("arch=vgg cam=saliency@conv5_3", "cam=saliency@conv5_3: a layer can be named after"),
        ("arch=vgg cam=gradcam@conv9", "There is no layer conv9; give one of conv1_1, .*, pool5"),
        (
            "arch=torchvision_gap arch.name=resnet18 cam=gradcam@layer3",
            "A layer .layer3. can be named in networks whose layers follow each other",
        ),
        ("arch=vgg_gap arch.units=0", "arch.units must be null or a whole number from 1 on; got 0"),
        ("arch=small_gap arch.units=1.5", r"arch.units must be .* got 1.5"),
        ("arch=torchvision_gap arch.units=-5", r"arch.units must be .* got -5"),
        ("arch=nin arch.weights=5", r"arch.weights must be null, imagenet or the path .*; got 5"),
        ("arch=vgg_gap arch.dropout=2", "dropout probability"),
        ("arch=nin cam=heat", "cam must be auto or one of cam, saliency, .*; got 'heat'"),
        ("arch=alexnet arch.size=[32,32]", "Images of 32x32 are too small for a trunk up to pool5"),
        ("arch=googlenet arch.size=[64,64]", "auxiliary heads pool 5x5, but their maps are 4x4"),
    ],
)
def test_impossible_settings(overrides: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        network(*overrides.split(), classes=7)
