"""Weights that fit by name and shape, and still do not belong; names that must be found."""

from pathlib import Path

import pytest
import torch
from networks import network
from torchvision.models import get_model

from gapcam.arch.loading import load_weights, put_weights
from gapcam.arch.pixels import CAFFE, IMAGENET
from gapcam.arch.weights import Source
from gapcam.errors import UserError


@pytest.mark.slow
def test_what_was_trained_on_other_features_is_left() -> None:
    """DenseNet's last layer is called `classifier`, as ours: it must not land on added units."""
    theirs = get_model("densenet121", weights=None).state_dict()
    module = network("arch=torchvision_gap", "arch.name=densenet121", "arch.units=1024")
    before = module.classifier.weight.clone()
    report = put_weights(module, Source(theirs, IMAGENET, "densenet121.pth"))
    assert report.left == {"classifier": "replaced"}
    assert report.fresh == ["added", "classifier"]
    assert torch.equal(module.classifier.weight, before)


def test_a_head_from_another_cut_is_left() -> None:
    source = network("arch=vgg_gap", "arch.units=8", classes=4)
    module = network("arch=vgg_gap", "arch.units=8", "arch.trim=2", classes=4)
    tensors = {k: v for k, v in source.state_dict().items() if not k.startswith("pixels.")}
    report = put_weights(module, Source(tensors, IMAGENET, "last.ckpt"))
    assert report.left["added.CAM_conv"] == report.left["classifier"] == "trained on other features"
    assert report.fresh == ["CAM_conv", "classifier"]
    assert torch.equal(module.trunk.conv4_3.weight, source.trunk.conv4_3.weight)


CHECKPOINTS = [
    # a run, another network that starts from it, and what the latter leaves
    ("vgg_gap arch.units=8", "vgg_gap arch.units=8", set()),
    ("vgg_gap arch.units=8 arch.trim=0", "vgg_gap arch.units=8", {"added.CAM_conv", "classifier"}),
    (
        "vgg_gap arch.units=8",
        "vgg_gap arch.units=8 arch.pool=max",
        {"added.CAM_conv", "classifier"},
    ),
    ("vgg_gap arch.units=8", "vgg_gap arch.units=4", {"added.CAM_conv", "classifier"}),
    ("googlenet arch.auxiliary=false", "googlenet_gap arch.trim=0", {"classifier"}),
    (
        "alexnet_gap arch.units=8",
        "alexnet_gap arch.units=8 arch.trim=3",
        {"added.CAM_conv", "classifier", *(f"trunk.conv{n}" for n in (2, 3, 4, 5))},
    ),
    (
        "torchvision_gap arch.name=resnet18",
        "torchvision_gap arch.name=resnet18 arch.units=512",
        {"classifier"},
    ),
    (
        "torchvision_gap arch.name=resnet18 arch.units=512",
        "torchvision_gap arch.name=resnet18",
        {"added.added", "classifier"},
    ),
    (
        "torchvision_gap arch.name=resnet18",
        "torchvision_gap arch.name=resnet18 arch.stride_last=1",
        set(),
    ),
]


@pytest.mark.parametrize(("run", "then", "left"), CHECKPOINTS)
def test_a_run_gives_its_trunk_and_the_rest_where_it_fits(
    run: str, then: str, left: set[str], tmp_path: Path
) -> None:
    source = network(*f"arch={run}".split(), classes=3)
    path = tmp_path / "last.ckpt"
    torch.save({"gapcam": source.recipe, "state_dict": source.state_dict()}, path)
    module = network(*f"arch={then} arch.weights={path}".split(), classes=3)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    report = load_weights(module)
    assert set(report.left) == left
    for name, value in module.state_dict().items():
        if not name.startswith("pixels"):
            is_left = any(name.startswith(f"{layer}.") for layer in left)
            expected = before[name] if is_left else source.state_dict().get(name, before[name])
            assert torch.equal(value, expected), name


@pytest.mark.parametrize("recipe", [[1], {"data": None}, {"data": {}, "arch": "x"}])
def test_strange_recipes_are_ignored(recipe: object, tmp_path: Path) -> None:
    source = network("arch=nin", classes=3)
    torch.save({"gapcam": recipe, "state_dict": source.state_dict()}, tmp_path / "a.ckpt")
    assert (
        load_weights(network("arch=nin", f"arch.weights={tmp_path / 'a.ckpt'}", classes=3)).left
        == {}
    )


def test_as_many_other_classes_are_other_classes(tmp_path: Path) -> None:
    source = network("arch=nin", classes=3)
    path = tmp_path / "last.ckpt"
    for names, left in (
        (["cat", "dog", "owl"], {"trunk.cccp8-1024": "trained on other classes"}),
        (["0", "1", "2"], {}),
    ):
        recipe = {"data": {"class_names": names}}
        torch.save({"gapcam": recipe, "state_dict": source.state_dict()}, path)
        assert load_weights(network("arch=nin", f"arch.weights={path}", classes=3)).left == left


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_saved_state_keeps_its_pixels(tmp_path: Path, wrapped: bool) -> None:
    source = network("arch=nin", classes=3)
    source.pixels.set_format(CAFFE)
    path = tmp_path / "own.pth"
    torch.save({"model": source.state_dict()} if wrapped else source.state_dict(), path)
    module = network("arch=nin", f"arch.weights={path}", classes=3)
    assert load_weights(module).fresh == []
    assert module.pixels.format() == CAFFE
    module = network("arch=nin", f"arch.weights={path}", "arch.pixels=imagenet", classes=3)
    load_weights(module)
    assert module.pixels.format().channels == "rgb"


def test_parameters_of_the_network_itself() -> None:
    """Not of a layer in it, such as position embeddings."""
    import timm

    theirs = timm.create_model("visformer_tiny", num_classes=3).state_dict()
    assert "pos_embed1" in theirs
    module = network("arch=timm_gap", "arch.name=visformer_tiny", classes=3)
    assert put_weights(module, Source(theirs, IMAGENET, "visformer_tiny")).fresh == []
    assert torch.equal(module.trunk.pos_embed1, theirs["pos_embed1"])


PUBLISHED = {
    "alexnet": {
        "conv1": (96, 3, 11, 11),
        "conv2": (256, 48, 5, 5),
        "conv3": (384, 256, 3, 3),
        "conv4": (384, 192, 3, 3),
        "conv5": (256, 192, 3, 3),
        "fc6": (4096, 9216),
        "fc7": (4096, 4096),
        "fc8": (1000, 4096),
    },
    "vgg": {
        "conv1_1": (64, 3, 3, 3),
        "conv2_2": (128, 128, 3, 3),
        "conv3_3": (256, 256, 3, 3),
        "conv4_1": (512, 256, 3, 3),
        "conv5_3": (512, 512, 3, 3),
        "fc6": (4096, 25088),
        "fc8": (1000, 4096),
    },
    "googlenet": {
        "conv1/7x7_s2": (64, 3, 7, 7),
        "conv2/3x3_reduce": (64, 64, 1, 1),
        "conv2/3x3": (192, 64, 3, 3),
        "inception_3a/1x1": (64, 192, 1, 1),
        "inception_3a/5x5": (32, 16, 5, 5),
        "inception_4b/5x5_reduce": (24, 512, 1, 1),
        "inception_4e/3x3": (320, 160, 3, 3),
        "inception_5b/pool_proj": (128, 832, 1, 1),
        "loss1/conv": (128, 512, 1, 1),
        "loss1/fc": (1024, 2048),
        "loss2/classifier": (1000, 1024),
        "loss3/classifier": (1000, 1024),
    },
    "nin": {
        "conv1": (96, 3, 11, 11),
        "cccp1": (96, 96, 1, 1),
        "conv2": (256, 96, 5, 5),
        "cccp6": (384, 384, 1, 1),
        "conv4-1024": (1024, 384, 3, 3),
        "cccp7-1024": (1024, 1024, 1, 1),
        "cccp8-1024": (1000, 1024, 1, 1),
    },
    "vgg_gap arch.variant=released": {"CAM_conv": (1024, 256, 3, 3), "CAM_fc": (1000, 1024)},
    "googlenet_gap arch.variant=released": {
        "inception_4e/1x1": (256, 528, 1, 1),
        "CAM_conv": (1024, 416, 3, 3),
        "CAM_fc": (1000, 1024),
    },
    "alexnet_star_gap arch.variant=released": {
        "conv5": (384, 192, 3, 3),
        "conv6": (512, 192, 3, 3),
        "conv7": (512, 256, 3, 3),
        "fc9": (1000, 512),
    },
}
"""Layers of the published files, written down from their prototxt files."""


@pytest.mark.parametrize("arch", PUBLISHED)
def test_layers_of_the_published_files_have_a_place(arch: str) -> None:
    """A file of these layers alone lacks others, but none of it is unknown or of another shape."""
    module = network(*f"arch={arch}".split())
    tensors = {f"{layer}.weight": torch.zeros(shape) for layer, shape in PUBLISHED[arch].items()}
    with pytest.raises(UserError, match="one cut elsewhere: missing are trunk"):
        put_weights(module, Source(tensors, IMAGENET, "published"))
