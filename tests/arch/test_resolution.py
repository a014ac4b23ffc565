"""The last stage of a ResNet without its stride."""

import pytest
import torch
from networks import network
from torchvision.models import resnet50

from gapcam.arch.profile import profile
from gapcam.errors import UserError


@pytest.mark.slow
@pytest.mark.parametrize(
    ("library", "name"),
    [("torchvision", "resnet18"), ("torchvision", "resnet50"), ("timm", "resnet50")],
)
def test_stride_of_the_last_stage_can_be_taken_off(library: str, name: str) -> None:
    settings = [f"arch={library}_gap", f"arch.name={name}"]
    module = network(*settings, "arch.stride_last=1", classes=6)
    assert profile(module, module.size, "").mapping_resolution == (14, 14)
    kept = network(*settings, classes=6)
    assert {k: v.shape for k, v in module.state_dict().items()} == {
        k: v.shape for k, v in kept.state_dict().items()
    }


@pytest.mark.slow
def test_dilation_is_torchvisions() -> None:
    theirs = resnet50(num_classes=6, replace_stride_with_dilation=[False, False, True]).eval()
    settings = ["arch.name=resnet50", "arch.stride_last=1", "arch.dilate_last=true"]
    ours = network("arch=torchvision_gap", *settings, classes=6).eval()
    state = {f"trunk.{key}": value for key, value in theirs.state_dict().items()}
    state |= {f"classifier.{part}": state.pop(f"trunk.fc.{part}") for part in ("weight", "bias")}
    ours.load_state_dict(state | {k: v for k, v in ours.state_dict().items() if "pixels" in k})
    inputs = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(
            ours.classify(inputs).logits, theirs(inputs), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ("arch.stride_last=3", "arch.stride_last must be 1 or 2; got 3"),
        ("arch.stride_last=1 arch.trim=layer3", "no effect where arch.trim cuts layer4 away"),
        ("arch.name=squeezenet1_1 arch.units=8", "ends in a convolution with one unit a class"),
        ("arch.name=squeezenet1_1 arch.dropout=0.5", "has its classifier, and its dropout, inside"),
        ("arch.dilate_last=true", "arch.dilate_last works with arch.stride_last=1 only"),
        (
            "arch.stride_last=1 arch.name=densenet121",
            "is for ResNets, .*densenet121 has no such stage",
        ),
    ],
)
def test_resolution_that_cannot_be_raised(overrides: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        network("arch=torchvision_gap", *overrides.split(), classes=6)
