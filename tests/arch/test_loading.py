"""Trained weights into networks: what fits, what is left, what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from caffe_files import write_caffemodel
from networks import network
from support import compose_config
from torch import nn
from torchvision.models import get_model, vgg16

from gapcam.arch.loading import load_weights, put_weights
from gapcam.arch.network import Network
from gapcam.arch.pixels import CAFFE, IMAGENET
from gapcam.arch.weights import Source
from gapcam.errors import UserError
from gapcam.run import run


def as_caffe(module: Network, rename: dict[str, str] | None = None) -> dict[str, list[np.ndarray]]:
    """A network's weights as layers of a Caffe file."""
    layers: dict[str, list[np.ndarray]] = {}
    for key, value in module.state_dict().items():
        if not key.startswith("pixels"):
            layer = key.rpartition(".")[0].removeprefix("trunk.").removeprefix("added.")
            layer = (rename or {}).get(layer, layer.replace(".", "/"))
            layers.setdefault(layer, []).append(value.numpy())
    return layers


ZOO = [
    # original, its GAP network, layers that the file has and the GAP network lacks
    ("alexnet", "alexnet_gap", {}, {"fc6", "fc7", "fc8"}),
    pytest.param("vgg", "vgg_gap", {}, {"fc6", "fc7", "fc8"}, marks=pytest.mark.slow),
    (
        "googlenet",
        "googlenet_gap",
        {"classifier": "loss3/classifier"},
        {
            *(f"loss{n}/{part}" for n in (1, 2) for part in ("conv", "fc", "classifier")),
            "loss3/classifier",
            *(
                f"inception_5{block}/{part}"
                for block in "ab"
                for part in ("1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool_proj")
            ),
        },
    ),
]


@pytest.mark.parametrize(
    ("original", "gap", "rename", "left"), ZOO, ids=["alexnet", "vgg", "googlenet"]
)
def test_zoo_files_fit_the_original_and_its_gap_network(
    tmp_path: Path, original: str, gap: str, rename: dict[str, str], left: set[str]
) -> None:
    source = network(f"arch={original}", classes=10)
    path = write_caffemodel(tmp_path / "zoo.caffemodel", as_caffe(source, rename), version=1)
    again = network(f"arch={original}", f"arch.weights={path}", classes=10)
    report = load_weights(again)
    assert (report.left, report.fresh) == ({}, [])
    assert again.pixels.format() == CAFFE
    for name, value in source.state_dict().items():
        if not name.startswith("pixels"):
            assert torch.equal(again.state_dict()[name], value), name

    cut = network(f"arch={gap}", f"arch.weights={path}", "arch.units=8", classes=3)
    report = load_weights(cut)
    assert set(report.left) == left
    assert report.fresh == ["CAM_conv", "classifier"]
    described = report.describe()
    assert "weights zoo.caffemodel: " in described
    assert "random CAM_conv, classifier; pixels BGR - (104, 117, 123)" in described
    assert "removed by the paper)" in described


@pytest.mark.parametrize(
    ("arch", "rename"),
    [
        ("googlenet_gap", {"classifier": "CAM_fc"}),
        ("vgg_gap", {"classifier": "CAM_fc"}),
        ("alexnet_star_gap", {"classifier": "fc9"}),
    ],
)
def test_released_cam_files(tmp_path: Path, arch: str, rename: dict[str, str]) -> None:
    """By the layer names of the authors' prototxt files."""
    source = network(f"arch={arch}", "arch.variant=released", classes=12)
    layers = as_caffe(source, rename)
    assert {
        *rename.values(),
        *{"alexnet_star_gap": ("conv6", "conv7")}.get(arch, ("CAM_conv",)),
    } <= {*layers}
    path = write_caffemodel(tmp_path / "released.caffemodel", layers)
    loaded = network(f"arch={arch}", "arch.variant=released", f"arch.weights={path}", classes=12)
    report = load_weights(loaded)
    assert (report.left, report.fresh) == ({}, [])
    images = torch.randint(256, (1, 3, *loaded.size), dtype=torch.uint8)
    source.pixels.set_format(CAFFE)
    with torch.no_grad():
        assert torch.equal(loaded.eval()(images).logits, source.eval()(images).logits)


@pytest.mark.parametrize("version", [1, 2])
def test_nin_and_squeezenet(tmp_path: Path, version: int) -> None:
    for arch in ("nin", "squeezenet"):
        source = network(f"arch={arch}", classes=12)
        path = write_caffemodel(tmp_path / f"{arch}.caffemodel", as_caffe(source), version)
        loaded = network(f"arch={arch}", f"arch.weights={path}", classes=12)
        assert load_weights(loaded).fresh == []
        other = network(f"arch={arch}", f"arch.weights={path}", classes=5)
        report = load_weights(other)
        assert list(report.left.values()) == ["12 classes there, 5 here"]
        assert len(report.fresh) == 1


@pytest.mark.slow
def test_torchvision_file_fits_vgg_and_vgg_gap(tmp_path: Path) -> None:
    theirs = vgg16(num_classes=10).eval()
    path = tmp_path / "vgg16.pth"
    torch.save({f"module.{key}": value for key, value in theirs.state_dict().items()}, path)
    whole = network("arch=vgg", f"arch.weights={path}", classes=10).eval()
    assert load_weights(whole).fresh == []
    images = torch.randint(256, (1, 3, 224, 224), dtype=torch.uint8)
    mean, std = (
        torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    with torch.no_grad():
        expected = theirs((images / 255 - mean) / std)
        torch.testing.assert_close(whole(images).logits, expected, rtol=1e-4, atol=1e-5)
    cut = network("arch=vgg_gap", "arch.trim=2", "arch.units=8", f"arch.weights={path}", classes=10)
    report = load_weights(cut)
    assert len(report.taken) == 10
    assert report.left["features.24"] == "cut away by arch.trim"
    assert report.left["classifier.0"] == "fully connected, removed by the paper"
    assert torch.equal(cut.trunk.conv4_3.weight, theirs.state_dict()["features.21.weight"])


@pytest.mark.parametrize(
    "name",
    [
        "resnet18",
        "googlenet",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("inception_v3", "convnext_tiny")),
    ],
)
def test_torchvision_networks_with_torchvision_weights(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pixels are the ones that torchvision's own transform makes for these weights."""
    given = {"init_weights": True, "transform_input": True}
    options = given if name in ("googlenet", "inception_v3") else {}
    theirs = get_model(name, weights=None, num_classes=11, **options).eval()
    enum = type(network("arch=torchvision_gap", f"arch.name={name}", classes=2))
    monkeypatch.setattr(
        "torchvision.models.WeightsEnum.get_state_dict", lambda *_, **__: theirs.state_dict()
    )
    module = network(
        "arch=torchvision_gap", f"arch.name={name}", "arch.weights=imagenet", classes=11
    ).eval()
    assert isinstance(module, enum)
    assert load_weights(module).fresh == []
    images = torch.randint(256, (2, 3, 224, 224), dtype=torch.uint8)
    from torchvision.models import get_model_weights

    preset = get_model_weights(name).DEFAULT.transforms(crop_size=224, resize_size=224)
    with torch.no_grad():
        torch.testing.assert_close(
            module(images).logits, theirs(preset(images)), rtol=1e-3, atol=1e-4
        )


def test_own_checkpoint_brings_its_pixels_and_its_trunk(tmp_path: Path) -> None:
    source = network("arch=vgg_gap", "arch.units=8", classes=4)
    source.pixels.set_format(CAFFE)
    path = tmp_path / "last.ckpt"
    torch.save({"gapcam": {}, "state_dict": source.state_dict()}, path)
    module = network("arch=vgg_gap", "arch.units=8", f"arch.weights={path}", classes=6)
    report = load_weights(module)
    assert module.pixels.format() == CAFFE
    assert report.left == {"classifier": "4 classes there, 6 here"}
    assert torch.equal(module.added.CAM_conv.weight, source.added.CAM_conv.weight)


def test_npz_with_dots(tmp_path: Path) -> None:
    source = network("arch=squeezenet", classes=5)
    path = tmp_path / "a.npz"
    np.savez(
        path,
        **{
            f"{k}.{p}": v
            for k, b in as_caffe(source).items()
            for p, v in zip(("weight", "bias"), b, strict=True)
        },
    )
    module = network("arch=squeezenet", f"arch.weights={path}", classes=5)
    assert load_weights(module).fresh == []
    assert module.pixels.format() == CAFFE


def test_pixels_can_be_overruled(tmp_path: Path) -> None:
    path = write_caffemodel(tmp_path / "a.caffemodel", as_caffe(network("arch=nin", classes=5)))
    module = network("arch=nin", f"arch.weights={path}", "arch.pixels=imagenet", classes=5)
    assert "pixels RGB - (123.7" in load_weights(module).describe()
    assert module.pixels.format().channels == "rgb"


def test_no_weights_are_no_weights() -> None:
    module = network("arch=nin", classes=5)
    assert load_weights(module) is None
    assert module.pixels.format().mean == pytest.approx([0.4 * 255, 0.5 * 255, 0.6 * 255])


def source_of(module: nn.Module, **changes: Any) -> Source:
    tensors = {k: v for k, v in module.state_dict().items() if not k.startswith("pixels")}
    return Source({**tensors, **changes}, IMAGENET, "some.pth")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"trunk.conv1_1.weight": torch.zeros(64, 3, 5, 5)},
            r"does not fit VGGGAP: trunk.conv1_1.weight is 64x3x5x5, expected 64x3x3x3",
        ),
        (
            {"conv6.weight": torch.zeros(1)},
            r"another network than VGGGAP.*unknown are conv6.weight$",
        ),
        (
            {"added.CAM_conv.weight": torch.zeros(8, 256, 3, 3)},
            r"CAM_conv.weight is 8x256x3x3, expected 8x512x3x3.*arch.variant",
        ),
    ],
)
def test_weights_of_another_network(changes: dict[str, Any], message: str) -> None:
    module = network("arch=vgg_gap", "arch.units=8", classes=4)
    with pytest.raises(UserError, match=message):
        put_weights(module, source_of(module, **changes))


def test_missing_layers_are_named() -> None:
    module = network("arch=vgg_gap", "arch.units=8", classes=4)
    source = source_of(module)
    del source.tensors["trunk.conv5_3.weight"]
    with pytest.raises(UserError, match=r"of one cut elsewhere: missing are trunk.conv5_3.weight$"):
        put_weights(module, source)


def test_safetensors(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    source = network("arch=nin", classes=3)
    path = tmp_path / "a.safetensors"
    save_file({k: v.contiguous() for k, v in source_of(source).tensors.items()}, path)
    assert load_weights(network("arch=nin", f"arch.weights={path}", classes=3)).fresh == []


def test_a_mistaken_file_is_named_before_training(tmp_path: Path) -> None:
    path = write_caffemodel(tmp_path / "a.caffemodel", {"conv": [np.zeros((1, 1, 1, 1), "f4")]})
    overrides = ["arch=nin", f"arch.weights={path}", "trainer=debug", f"runs={tmp_path / 'runs'}"]
    with pytest.raises(UserError, match=r"a\.caffemodel holds the weights of another network"):
        run(compose_config(*overrides, "data.counts=[8,8,8]"))
    assert not list(tmp_path.rglob("config.yaml"))
