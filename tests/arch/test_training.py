"""Every network learns, is saved and loaded, and is the same network whatever speeds it up."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from networks import network
from support import FAST_RUN, compose_config
from torch import Tensor, nn

import gapcam
from gapcam.arch.network import Network
from gapcam.batch import Batch
from gapcam.cam.localization import ranked_classes
from gapcam.run import run

SMALL = {
    "small_gap": 32,
    "alexnet": 99,
    "vgg": 64,
    "googlenet": 96,
    "nin": 131,
    "squeezenet": 99,
    "squeezenet_gap": 99,
    "alexnet_gap": 99,
    "alexnet_star_gap": 99,
    "vgg_gap": 64,
    "googlenet_gap": 64,
    "googlenet_gmp": 64,
    "torchvision_gap arch.name=resnet18": 64,
    "timm_gap arch.name=convnext_atto": 64,
}
"""Every option of arch/, with images as small as it takes."""


QUICK = [pytest.param(a, marks=pytest.mark.slow) if a in ("vgg", "alexnet") else a for a in SMALL]
"""The same; the largest only where there is time."""


def small(arch: str, *overrides: str) -> Network:
    torch.manual_seed(0)
    size = SMALL[arch]
    return network(*f"arch={arch} arch.size=[{size},{size}]".split(), *overrides, classes=4)


def eight(module: Network) -> Batch:
    """Eight images of four large colour patches each, of four classes."""
    patches = torch.rand(8, 3, 2, 2, generator=torch.Generator().manual_seed(0)) * 255
    return Batch(
        images=F.interpolate(patches, size=module.size).to(torch.uint8),
        labels=torch.arange(8) % 4,
        boxes=torch.tensor([[[1.0, 1, 20, 20]]]).expand(8, 1, 4),
        counts=torch.ones(8, dtype=torch.int64),
        sizes=torch.tensor([module.size]).expand(8, 2),
        regions=torch.tensor([[0.0, 0, *module.size[::-1]]]).expand(8, 4),
        index=torch.arange(8),
    )


def test_every_option_is_here() -> None:
    from gapcam.config_dir import CONFIG_DIR

    assert {arch.split()[0] for arch in SMALL} == {
        p.stem for p in (CONFIG_DIR / "arch").glob("*.yaml")
    }


@pytest.mark.slow
@pytest.mark.parametrize("arch", SMALL)
def test_overfits_eight_images(arch: str) -> None:
    module = small(arch).train()
    module.configure_model()
    batch = eight(module)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-4 if "vgg" in arch else 3e-4)
    for _ in range(120):
        optimizer.zero_grad()
        module.loss(batch).backward()
        optimizer.step()
        with torch.no_grad():
            right = module.eval()(batch.images).logits.argmax(1) == batch.labels
        module.train()
        if right.all():
            break
    assert right.all()


@pytest.mark.slow
@pytest.mark.parametrize("arch", SMALL)
def test_trains_a_step_and_comes_back_from_its_checkpoint(arch: str, tmp_path: Path) -> None:
    """By the command, on digits; with the digits' own size for the networks that allow it."""
    size = SMALL[arch]
    overrides = [override for override in FAST_RUN if override != "arch.units=8"]
    overrides += ["trainer.max_epochs=1", "trainer.limit_train_batches=1", "data.batch_size=4"]
    overrides += [f"arch.size=[{size},{size}]", f"runs={tmp_path}", "name=test"]
    run(compose_config(*f"arch={arch}".split(), *overrides))
    (checkpoint,) = tmp_path.rglob("last.ckpt")
    module = gapcam.load(checkpoint)
    stored = torch.load(checkpoint, weights_only=True)["state_dict"]
    assert all(torch.equal(value, stored[key]) for key, value in module.state_dict().items())
    assert module(torch.zeros(1, 3, *module.size, dtype=torch.uint8)).logits.isfinite().all()


def evaluated(module: Network, batch: Batch) -> dict[str, Tensor]:
    module.configure_model()
    module.eval()
    with torch.inference_mode():
        output = module(batch.images)
        classes = ranked_classes(output.logits, batch.labels)
        return {"logits": output.logits, "maps": module.maps(batch.images, output, classes)}


@pytest.mark.slow
@pytest.mark.parametrize("arch", QUICK)
def test_memory_format_changes_rounding_only(arch: str) -> None:
    found = [
        evaluated(m := small(arch, f"arch.channels_last={choice}"), eight(m))
        for choice in ("true", "false")
    ]
    assert_close(*found, tolerance=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("arch", QUICK)
def test_bfloat16_changes_rounding_only(arch: str) -> None:
    module = small(arch)
    batch = eight(module)
    expected = evaluated(module, batch)
    with torch.autocast("cpu", torch.bfloat16):
        found = evaluated(module, batch)
        loss = module.train().loss(batch)
    loss.backward()
    assert found["maps"].dtype == torch.float32
    assert_close({"logits": found["logits"]}, {"logits": expected["logits"]}, tolerance=0.03)
    # Eight bits of mantissa, seen through gates and normalisations; saliency is kept out of it.
    limit = 1e-3 if module.cam.method == "saliency" else 0.2
    assert_close({"maps": found["maps"]}, {"maps": expected["maps"]}, limit)


# Generating code takes minutes for some networks and is PyTorch's affair; tracing them is ours.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("arch", "backend"), [("small_gap", "inductor"), *((arch, "aot_eager") for arch in SMALL)]
)
def test_compiling_changes_rounding_only(
    arch: str, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compile_module = nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda self: compile_module(self, backend=backend))
    module = small(arch)
    batch = eight(module)
    expected = evaluated(module, batch)
    names = list(module.state_dict())
    compiled = small(arch, "arch.compile=true")
    assert_close(evaluated(compiled, batch), expected, tolerance=1e-3)
    compiled.train().loss(batch).backward()
    assert list(compiled.state_dict()) == names
    torch.compiler.reset()


def assert_close(found: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float) -> None:
    for name, value in expected.items():
        limit = tolerance * float(value.abs().max())
        torch.testing.assert_close(found[name].float(), value.float(), rtol=0, atol=limit, msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("arch", ["alexnet", "vgg", "googlenet", "vgg_gap"])
def test_saliency_leaves_no_hook_and_no_gradient(arch: str) -> None:
    module = small(arch, "cam=saliency")
    batch = eight(module)
    maps = evaluated(module, batch)["maps"]
    assert maps.shape == (8, 5, *module.size)
    assert maps.min() >= 0
    assert maps.amax((-2, -1)).min() > 0
    hooks: list[Any] = [m._forward_hooks or m._backward_hooks for m in module.modules()]
    assert not any(hooks)
    assert all(parameter.grad is None for parameter in module.parameters())
