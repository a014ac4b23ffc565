"""Networks that others wrote: found out, wrapped, checked, cut, or refused with the reason."""

from typing import Any

import pytest
import torch
from networks import network
from torch import nn
from torchvision.models import get_model

from gapcam.arch.foreign_gap import ForeignGAP, normalize_as_pooled
from gapcam.arch.profile import profile
from gapcam.errors import UserError


def slow(*row: Any) -> Any:
    return pytest.param(*row, marks=pytest.mark.slow)


KNOWN = [
    # library, name, last layer, mapping resolution at 224x224
    ("torchvision", "resnet18", "layer4.1.relu_1", 7),
    slow("torchvision", "densenet121", "relu", 7),
    ("torchvision", "squeezenet1_1", "classifier.2", 13),
    ("torchvision", "convnext_tiny", "features.7.2.add", 7),
    slow("torchvision", "mobilenet_v2", "features.18", 7),
    slow("torchvision", "efficientnet_b0", "features.8", 7),
    ("torchvision", "shufflenet_v2_x0_5", "conv5.2", 7),
    slow("torchvision", "regnet_y_400mf", "trunk_output.block4.block4-5.activation", 7),
    ("torchvision", "swin_t", "permute", 7),
    slow("torchvision", "inception_v3", "Mixed_7c.cat_2", 5),
    slow("torchvision", "googlenet", "inception5b.cat", 7),
    ("timm", "resnet18", "layer4.1.act2", 7),
    ("timm", "convnext_atto", "norm_pre", 7),
    slow("timm", "densenet121", "features.norm5", 7),
    slow("timm", "swin_tiny_patch4_window7_224", "norm", 7),
    ("timm", "resnetv2_50", "norm", 7),
    slow("timm", "efficientnet_b0", "bn2", 7),
]


@pytest.mark.parametrize(("library", "name", "last_layer", "side"), KNOWN)
def test_known_networks(library: str, name: str, last_layer: str, side: int) -> None:
    """The identity `mean(map) + bias == logit`, and the original's logits, hold."""
    module = network(f"arch={library}_gap", f"arch.name={name}", classes=6).eval()
    assert isinstance(module, ForeignGAP)
    assert module.last_layer == last_layer
    images = torch.randint(256, (2, 3, 224, 224), dtype=torch.uint8)
    with torch.no_grad():
        output = module(images)
        maps = module.maps(images, output, torch.arange(6).expand(2, 6))
    assert maps.shape == (2, 6, side, side)
    bias = getattr(module.classifier, "bias", 0)
    torch.testing.assert_close(maps.mean((-2, -1)) + bias, output.logits, rtol=1e-3, atol=1e-4)
    assert profile(module, module.size, last_layer).mapping_resolution == (side, side)


@pytest.mark.parametrize(
    "name", ["resnet18", "squeezenet1_0", slow("convnext_tiny"), slow("swin_t")]
)
def test_same_weights_same_logits(name: str) -> None:
    theirs = get_model(name, weights=None, num_classes=6).eval()
    ours = network("arch=torchvision_gap", f"arch.name={name}", classes=6).eval()
    from gapcam.arch.loading import put_weights
    from gapcam.arch.pixels import IMAGENET
    from gapcam.arch.weights import Source

    report = put_weights(ours, Source(theirs.state_dict(), IMAGENET, "theirs"))
    assert (report.left, report.fresh) == ({}, [])
    inputs = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(
            ours.classify(inputs).logits, theirs(inputs), rtol=1e-4, atol=1e-5
        )


REFUSED = [
    (
        "torchvision",
        "vgg11",
        r"no global average pooling: avgpool makes of 512 maps of 7x7",
    ),
    ("torchvision", "alexnet", r"no global average pooling.*arch=vgg_gap"),
    ("torchvision", "vit_b_16", r"no global average pooling of maps .*encoder_layer_11"),
    (
        "torchvision",
        "mobilenet_v3_small",
        r"more than one linear layer .*lie classifier.0 \(Linear\), classifier.1 \(Hardswish\)",
    ),
    slow("torchvision", "maxvit_t", r"classifier.4 \(Tanh\)"),
    ("timm", "mobilenetv3_small_100", r"lie conv_head \(Conv2d\), act2 \(Hardswish\)"),
    ("timm", "vit_tiny_patch16_224", r"no global average pooling of maps"),
    ("torchvision", "resnet5", r"torchvision has no network 'resnet5'. Nearest: .*resnet50"),
    ("torchvision", "fcn_resnet50", r"torchvision has no network 'fcn_resnet50'"),
    ("timm", "convnext_tinny", r"timm has no network 'convnext_tinny'. Nearest: .*convnext_tiny"),
    ("timm", "resnet50.no_such_tag", r"arch.name: .*no_such_tag"),
]


@pytest.mark.parametrize(("library", "name", "message"), REFUSED)
def test_refused_with_the_reason(library: str, name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        network(f"arch={library}_gap", f"arch.name={name}", classes=6)


@pytest.mark.parametrize(
    "overrides",
    [
        "arch.name=mobilenet_v3_small arch.units=32",
        "arch.name=mobilenet_v3_small arch.trim=1",
        "arch.name=resnet18 arch.trim=1 arch.units=32",
        "arch.name=squeezenet1_1 arch.trim=1",
        "arch.name=resnet18 arch.trim=layer3",
    ],
)
def test_the_papers_recipe_on_any_trunk(overrides: str) -> None:
    """Cut, or with a convolution added, a network gets a new classifier on averages."""
    module = network("arch=torchvision_gap", *overrides.split(), classes=6).eval()
    images = torch.randint(256, (2, 3, 224, 224), dtype=torch.uint8)
    with torch.no_grad():
        output = module(images)
        maps = module.maps(images, output, torch.arange(6).expand(2, 6))
    torch.testing.assert_close(
        maps.mean((-2, -1)) + module.classifier.bias, output.logits, rtol=1e-3, atol=1e-4
    )
    if "trim" in overrides:
        assert output.features.shape[-1] > 7


class Sneaky(nn.Module):
    """Takes the largest value where its layers could be read as an average."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2d(3, 8, 3, stride=8)
        self.pool = nn.AdaptiveMaxPool2d(1)
        self.fc = nn.Linear(8, 6)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.fc(self.pool(self.features(inputs)).flatten(1))


@pytest.mark.parametrize("factor", [1, 0])
def test_a_foreign_network_that_does_not_average_is_caught(
    factor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its classifier starts at zero, as some do."""
    sneaky = Sneaky()
    sneaky.fc.weight.data *= factor
    sneaky.fc.bias.data *= factor
    monkeypatch.setattr("gapcam.arch.torchvision_gap.get_model", lambda *_, **__: sneaky)
    with pytest.raises(UserError, match=r"miss the logits by .*Between features and the logits"):
        network("arch=torchvision_gap", "arch.name=resnet18", classes=6)


@pytest.mark.parametrize(
    ("overrides", "channels", "resolution"),
    [
        ("arch.name=resnet18 arch.size=[256,512] arch.trim=3", 64, (64, 128)),
        ("arch.name=resnet18 arch.size=[256,512] arch.trim=2", 128, (32, 64)),
        ("arch.name=resnet18 arch.size=[256,320] arch.trim=layer1", 64, (64, 80)),
        ("arch.name=swin_t arch.size=[384,384] arch.trim=3", 96, (96, 96)),
        ("arch.name=swin_t arch.trim=1", 384, (14, 14)),
    ],
)
def test_units_are_told_from_places(
    overrides: str, channels: int, resolution: tuple[int, int]
) -> None:
    """Also where an image's side makes them as many."""
    module = network("arch=torchvision_gap", *overrides.split(), classes=6)
    assert module.classifier.in_features == channels
    assert profile(module, module.size, "").mapping_resolution == resolution


@pytest.mark.parametrize("overrides", ["arch.trim=0", "arch.trim=1", "arch.units=8"])
def test_every_part_is_left_in_training_mode(overrides: str) -> None:
    module = network("arch=torchvision_gap", "arch.name=resnet18", overrides, classes=6)
    assert all(part.training for part in module.modules())


def test_the_image_itself_is_no_cut() -> None:
    with pytest.raises(UserError, match=r"must be one of .*4 \(relu, 112x112\), or"):
        network("arch=torchvision_gap", "arch.name=resnet18", "arch.trim=5", classes=6)


def test_what_cannot_be_traced_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Branching(nn.Linear):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return inputs if inputs.sum() > 0 else -inputs

    monkeypatch.setattr(
        "gapcam.arch.torchvision_gap.get_model", lambda *_, **__: nn.ModuleList([Branching(1, 1)])
    )
    with pytest.raises(UserError, match="torchvision's resnet18 cannot be traced"):
        network("arch=torchvision_gap", "arch.name=resnet18", classes=6)


@pytest.mark.parametrize("affine", [False, True])
def test_normalising_as_pooled_is_normalising_the_pooled(affine: bool) -> None:
    norm = nn.LayerNorm(5, elementwise_affine=affine, eps=1e-3).double()
    if affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    features = torch.randn(3, 5, 4, 6, dtype=torch.float64)
    torch.testing.assert_close(
        normalize_as_pooled(features, norm).mean((-2, -1)), norm(features.mean((-2, -1)))
    )


def test_timm_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UserError, match=r"arch=timm_gap needs timm: pip install 'gapcam\[timm\]'"):
        network("arch=timm_gap", classes=6)


def test_timm_weights_keep_their_pixels(tmp_path: Any) -> None:
    import timm
    from safetensors.torch import save_file

    from gapcam.arch.loading import load_weights

    name = "tf_efficientnet_b0.in1k"
    theirs = timm.create_model(name, num_classes=6).eval()
    save_file(theirs.state_dict(), tmp_path / "model.safetensors")
    ours = network(
        "arch=timm_gap",
        f"arch.name={name}",
        f"arch.weights={tmp_path / 'model.safetensors'}",
        classes=6,
    )
    load_weights(ours)
    mean = [255 * value for value in theirs.pretrained_cfg["mean"]]
    assert list(ours.pixels.format().mean) == pytest.approx(mean)
