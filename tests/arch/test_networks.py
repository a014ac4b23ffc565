from collections.abc import Callable
from typing import Any

import pytest
import torch
from torchvision.models import vgg16

from gapcam.arch.gap_module import GAPModule
from gapcam.arch.schedule import Constant, Cosine, Step
from gapcam.build import build_module
from gapcam.errors import UserError

FACTS = {"size": [224, 224], "mean": [0.5] * 3, "std": [0.5] * 3, "class_names": list("abcdefg")}


def network(configure: Callable[..., dict[str, Any]], *overrides: str) -> GAPModule:
    config = configure(*overrides)
    return build_module(config["arch"], config["protocol"], FACTS)


@pytest.mark.parametrize(
    ("arch", "trim", "last_layer", "resolution"),
    [
        ("small_gap", 0, "conv3_2", (56, 56)),
        ("small_gap", 2, "conv1_1", (224, 224)),
        ("vgg_gap", 0, "pool5", (7, 7)),
        ("vgg_gap", 1, "conv5_3", (14, 14)),
        ("vgg_gap", 2, "conv4_3", (28, 28)),
        ("vgg_gap", 3, "conv3_3", (56, 56)),
    ],
)
def test_cut_table(
    configure: Callable[..., dict[str, Any]],
    arch: str,
    trim: int,
    last_layer: str,
    resolution: tuple[int, int],
) -> None:
    module = network(configure, f"arch={arch}", f"arch.trim={trim}", "arch.units=8")
    assert module.last_layer == last_layer
    assert module.mapping_resolution() == resolution


@pytest.mark.parametrize("trim", [-1, 4])
def test_impossible_trim(configure: Callable[..., dict[str, Any]], trim: int) -> None:
    message = rf"arch.trim must be one of 0 \(pool5\), 1 \(conv5_3\).*got {trim}"
    with pytest.raises(UserError, match=message):
        network(configure, "arch=vgg_gap", f"arch.trim={trim}")


def test_vgg_gap_is_the_papers(configure: Callable[..., dict[str, Any]]) -> None:
    """VGG-16 up to conv5_3, then 1024 units of 3x3, then the classifier."""
    module = network(configure, "arch=vgg_gap")
    original = vgg16().features.state_dict()
    assert {k: v.shape for k, v in module.trunk.state_dict().items()} == {
        key: value.shape for key, value in original.items()
    }
    added = 512 * 1024 * 9 + 1024
    assert sum(p.numel() for p in module.added.parameters()) == added
    assert module.classifier.weight.shape == (7, 1024)


@pytest.mark.parametrize("arch", ["small_gap", "vgg_gap"])
def test_maps_explain_the_logits(configure: Callable[..., dict[str, Any]], arch: str) -> None:
    module = network(configure, f"arch={arch}", "arch.units=16").eval()
    with torch.no_grad():
        output = module(torch.randn(2, 3, 64, 96))
        maps = module.maps(output, torch.arange(7).expand(2, 7))
    explained = maps.mean((-2, -1)) + module.classifier.bias
    torch.testing.assert_close(explained, output.logits, rtol=1e-4, atol=1e-5)
    assert output.features.min() >= 0


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        (Constant(), {0.0: 1.0, 1.0: 1.0}),
        (Step(), {0.0: 1.0, 0.24: 1.0, 0.25: 0.1, 0.5: 0.01, 0.99: 0.001}),
        (Cosine(warmup=0.1), {0.1: 1.0, 0.55: 0.5, 1.0: 0.0, 1.5: 0.0}),
    ],
)
def test_schedules(schedule: Any, factors: dict[float, float]) -> None:
    for done, factor in factors.items():
        assert schedule(done) == pytest.approx(factor, abs=1e-9)


def test_warm_up_rises() -> None:
    schedule = Cosine(warmup=0.2)
    values = [schedule(done / 100) for done in range(21)]
    assert values == sorted(values)
    assert 0 < values[0] < 0.01
