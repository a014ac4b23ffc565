"""The paper's networks against the facts of the paper, the released prototxt files and the zoo."""

import pytest
import torch
from networks import GAP, ORIGINALS, RELEASED, network
from torch import nn
from torchvision.models import vgg16

from gapcam.arch.gap_module import GAPModule
from gapcam.arch.profile import profile
from gapcam.errors import UserError

INCEPTION = {
    "inception_3a": (256, 28, 28),
    "inception_3b": (480, 28, 28),
    "pool3/3x3_s2": (480, 14, 14),
    "inception_4a": (512, 14, 14),
    "inception_4d": (528, 14, 14),
    "inception_4e": (832, 14, 14),
}
STEM = {
    "conv1/7x7_s2": (64, 112, 112),
    "pool1/3x3_s2": (64, 56, 56),
    "conv2/3x3": (192, 56, 56),
    "pool2/3x3_s2": (192, 28, 28),
}
CAFFENET = {
    "conv1": (96, 55, 55),
    "pool1": (96, 27, 27),
    "conv2": (256, 27, 27),
    "pool2": (256, 13, 13),
    "conv3": (384, 13, 13),
    "conv4": (384, 13, 13),
}
VGG = {
    "conv1_2": (64, 224, 224),
    "pool1": (64, 112, 112),
    "conv2_2": (128, 112, 112),
    "conv3_3": (256, 56, 56),
    "conv4_3": (512, 28, 28),
    "conv5_3": (512, 14, 14),
}
SIZES = [
    ("arch=alexnet", CAFFENET | {"conv5": (256, 13, 13), "pool5": (256, 6, 6)}),
    ("arch=alexnet_gap", CAFFENET | {"conv5": (256, 13, 13), "CAM_conv": (1024, 13, 13)}),
    ("arch=alexnet_star_gap", CAFFENET | {"conv6": (1024, 13, 13), "conv7": (1024, 13, 13)}),
    (
        "arch=alexnet_star_gap arch.variant=released",
        CAFFENET
        | {
            "conv5": (384, 13, 13),
            "pool5": (384, 11, 11),
            "conv6": (512, 11, 11),
            "conv7": (512, 11, 11),
        },
    ),
    ("arch=vgg", VGG | {"pool5": (512, 7, 7)}),
    ("arch=vgg_gap", VGG | {"CAM_conv": (1024, 14, 14)}),
    (
        "arch=googlenet",
        STEM | INCEPTION | {"pool4/3x3_s2": (832, 7, 7), "inception_5b": (1024, 7, 7)},
    ),
    ("arch=googlenet_gap", STEM | INCEPTION | {"CAM_conv": (1024, 14, 14)}),
    (
        "arch=nin",
        {
            "conv1": (96, 54, 54),
            "pool1": (96, 27, 27),
            "cccp4": (256, 27, 27),
            "pool2": (256, 13, 13),
            "cccp6": (384, 13, 13),
            "pool3": (384, 6, 6),
            "conv4-1024": (1024, 6, 6),
            "cccp8-1024": (1000, 6, 6),
        },
    ),
    (
        "arch=squeezenet",
        {
            "conv1": (96, 111, 111),
            "pool1": (96, 55, 55),
            "fire4": (256, 55, 55),
            "pool4": (256, 27, 27),
            "fire8": (512, 27, 27),
            "pool8": (512, 13, 13),
            "conv10": (1000, 15, 15),
        },
    ),
]


@pytest.mark.parametrize(("overrides", "expected"), SIZES, ids=[row[0] for row in SIZES])
def test_layers_have_the_sizes_of_the_prototxt(
    overrides: str, expected: dict[str, tuple[int, int, int]]
) -> None:
    module = network(*overrides.split())
    found: dict[str, tuple[int, ...]] = {}
    for name, layer in [*module.trunk.named_children(), *added(module).named_children()]:
        layer.register_forward_hook(
            lambda _, __, output, name=name: found.update({name: tuple(output.shape[1:])})
        )
    with torch.no_grad():
        module.eval().classify(torch.zeros(1, 3, *module.size))
    assert {name: found[name] for name in expected} == expected


def added(module: nn.Module) -> nn.Module:
    return getattr(module, "added", nn.Identity())


@pytest.mark.parametrize(
    ("overrides", "parameters"),
    [
        # Published totals of the zoo's files.
        ("arch=alexnet", 60_965_224),
        ("arch=vgg", 138_357_544),
        ("arch=googlenet arch.auxiliary=false", 6_998_552),
        ("arch=googlenet", 13_378_280),
        ("arch=nin", 7_595_176),
        ("arch=squeezenet", 1_248_424),
        # Without its 1x1 convolution of 1000 units, and with a classifier of as many weights.
        ("arch=squeezenet_gap", 1_248_424),
        # The trunk's convolutions, and the head as the paper's text or its prototxt has it.
        ("arch=alexnet_gap", 2_334_080 + 256 * 1024 * 9 + 1024 + 1_025_000),
        (
            "arch=alexnet_star_gap",
            2_334_080 + 256 * 1024 * 9 + 1024 + 1024 * 1024 * 9 + 1024 + 1_025_000,
        ),
        (
            "arch=alexnet_star_gap arch.variant=released",
            2_334_080 + 128 * 192 * 9 + 128 + 192 * 512 * 9 + 512 + 256 * 512 * 9 + 512 + 513_000,
        ),
        ("arch=vgg_gap", 14_714_688 + 512 * 1024 * 9 + 1024 + 1_025_000),
        ("arch=vgg_gap arch.variant=released", 14_714_688 + 2_360_320 + 1_025_000),
        (
            "arch=googlenet_gap",
            6_998_552 - 1_025_000 - 2_487_536 + 832 * 1024 * 9 + 1024 + 1_025_000,
        ),
        (
            "arch=googlenet_gap arch.variant=released",
            6_998_552 - 1_025_000 - 2_487_536 + 3_834_880 + 1_025_000,
        ),
    ],
)
def test_parameters(overrides: str, parameters: int) -> None:
    module = network(*overrides.split())
    assert profile(module, module.size, module.last_layer).parameters == parameters


@pytest.mark.parametrize(
    ("overrides", "groups", "bias", "dropout", "deviation"),
    [
        ("arch=vgg_gap", 1, 0.0, 0.0, None),
        ("arch=vgg_gap arch.variant=released", 2, 0.0, 0.5, 0.01),
        ("arch=googlenet_gap", 1, 0.0, 0.0, None),
        ("arch=googlenet_gap arch.variant=released", 2, 1.0, 0.0, 0.01),
        ("arch=googlenet_gmp arch.variant=released", 2, 1.0, 0.0, 0.01),
        ("arch=alexnet_star_gap arch.variant=released", 2, 1.0, 0.5, 0.01),
        ("arch=vgg_gap arch.units=64 arch.dropout=0.3", 1, 0.0, 0.3, None),
    ],
)
def test_variants_differ_as_published(
    overrides: str, groups: int, bias: float, dropout: float, deviation: float | None
) -> None:
    module = network(*overrides.split())
    for layer in module.added:
        if isinstance(layer, nn.Conv2d):
            assert layer.groups == groups
            assert layer.bias.unique().tolist() == [bias]
            assert layer.kernel_size == (3, 3)
            if deviation:
                assert layer.weight.std().item() == pytest.approx(deviation, rel=0.02)
    assert module.dropout.p == dropout


@pytest.mark.parametrize(
    ("arch", "deviation", "largest"),
    [
        # Caffe's xavier: uniform within the root of 3 / inputs.
        ("googlenet_gap", (1 / 1024) ** 0.5, (3 / 1024) ** 0.5),
        ("vgg_gap", (1 / 1024) ** 0.5, (3 / 1024) ** 0.5),
        ("alexnet_star_gap", 0.01, 0.06),
    ],
)
def test_released_classifiers_start_as_published(
    arch: str, deviation: float, largest: float
) -> None:
    classifier = network(f"arch={arch}", "arch.variant=released").classifier
    assert classifier.bias.unique().tolist() == [0.0]
    assert classifier.weight.std().item() == pytest.approx(deviation, rel=0.02)
    assert classifier.weight.abs().max().item() <= largest


@pytest.mark.parametrize("arch", [a for a in GAP if a not in RELEASED])
def test_unreleased_variant_is_refused(arch: str) -> None:
    with pytest.raises(UserError, match=r"must be paper .* got 'released'"):
        network(f"arch={arch}", "arch.variant=released")


@pytest.mark.parametrize(
    "overrides",
    [
        "arch=small_gap",
        "arch=nin",
        "arch=squeezenet",
        "arch=squeezenet_gap",
        "arch=googlenet",
        *(f"arch={arch}" for arch in GAP if arch != "googlenet_gmp"),
        *(f"arch={arch} arch.variant=released" for arch in RELEASED if arch != "googlenet_gmp"),
    ],
)
def test_maps_explain_the_logits(overrides: str) -> None:
    """The average of a class's map, and the bias, is its logit."""
    module = network(*overrides.split(), "arch.channels_last=false", classes=7).eval()
    images = torch.randint(256, (2, 3, 160, 224), dtype=torch.uint8)
    with torch.no_grad():
        output = module(images)
        maps = module.maps(images, output, torch.arange(7).expand(2, 7))
    bias = getattr(module.classifier, "bias", 0)
    torch.testing.assert_close(maps.mean((-2, -1)) + bias, output.logits, rtol=1e-3, atol=1e-4)


def test_max_pooling_takes_the_same_weighted_sum_and_the_largest_activation() -> None:
    gmp = network("arch=googlenet_gmp", "arch.units=16", classes=7).eval()
    assert isinstance(gmp, GAPModule)
    gap = network("arch=googlenet_gap", "arch.units=16", classes=7).eval()
    gap.load_state_dict(gmp.state_dict())
    images = torch.randint(256, (2, 3, 224, 224), dtype=torch.uint8)
    classes = torch.arange(7).expand(2, 7)
    with torch.no_grad():
        by_max, by_mean = gmp(images), gap(images)
        torch.testing.assert_close(
            gmp.maps(images, by_max, classes), gap.maps(images, by_mean, classes)
        )
        largest = by_max.features.flatten(2).max(2).values
    torch.testing.assert_close(
        largest @ gmp.classifier.weight.T + gmp.classifier.bias, by_max.logits
    )
    assert not torch.allclose(by_max.logits, by_mean.logits)


def test_vgg_is_torchvisions() -> None:
    """Same layers in the same order: with the same weights, the same logits."""
    theirs = vgg16(num_classes=7).eval()
    ours = network("arch=vgg", classes=7).eval()
    ours.load_state_dict(
        dict(
            zip(
                ours.state_dict(),
                [*pixel_buffers(ours), *theirs.state_dict().values()],
                strict=True,
            )
        )
    )
    inputs = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(ours.classify(inputs).logits, theirs(inputs))


def pixel_buffers(module: nn.Module) -> list[torch.Tensor]:
    return list(module.pixels.state_dict().values())


def test_auxiliary_heads_weigh_three_tenths() -> None:
    module = network("arch=googlenet", classes=7).eval()  # without dropout
    images = torch.randint(256, (2, 3, 224, 224), dtype=torch.uint8)
    labels = torch.tensor([1, 2])

    def cross_entropy(logits: torch.Tensor) -> torch.Tensor:
        return -logits.log_softmax(1)[[0, 1], labels].mean()

    with torch.no_grad():
        inputs = module.pixels(images)
        after = {}
        values = inputs
        for name, layer in module.trunk.named_children():
            values = after[name] = layer(values)
        expected = cross_entropy(module(images).logits)
        expected = expected + 0.3 * cross_entropy(module.loss1(after["inception_4a"]))
        expected = expected + 0.3 * cross_entropy(module.loss2(after["inception_4d"]))
        batch = type("Batch", (), {"images": images, "labels": labels})()
        torch.testing.assert_close(module.loss(batch), expected)


@pytest.mark.parametrize("arch", [*ORIGINALS, *GAP, "small_gap"])
def test_originals_and_gap_networks_say_where_they_look(arch: str) -> None:
    module = network(f"arch={arch}", classes=7)
    assert module.cam.method == ("saliency" if arch in ("alexnet", "vgg") else "cam")
