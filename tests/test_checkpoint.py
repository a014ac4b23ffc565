from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import gapcam
from gapcam.arch.network import Network
from gapcam.build import build_module
from gapcam.errors import UserError
from gapcam.protocol import Protocol
from gapcam.trust import require_trusted

FACTS = {
    "views": ["whole"],
    "size": [32, 32],
    "mean": [0.5] * 3,
    "std": [0.5] * 3,
    "class_names": ["a", "b"],
}


@pytest.fixture
def checkpoint(configure: Callable[..., dict[str, Any]], tmp_path: Path) -> Path:
    config = configure("arch.units=4")
    module = build_module(config["arch"], config["protocol"], FACTS)
    path = tmp_path / "small.ckpt"
    torch.save({"gapcam": module.recipe, "state_dict": module.state_dict()}, path)
    return path


def test_gives_the_network_back(checkpoint: Path) -> None:
    module = gapcam.load(checkpoint)
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    assert all(torch.equal(value, state[key]) for key, value in module.state_dict().items())
    assert module.recipe["data"] == FACTS


def _missing(path: Path) -> None:
    path.unlink()


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2000])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _foreign(path: Path) -> None:
    torch.save({"state_dict": {}}, path)


def _with_code(path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), path)


def _with_target(path: Path) -> None:
    stored = torch.load(path, weights_only=True)
    stored["gapcam"]["arch"] = {"_target_": "os.system", "command": "true"}
    torch.save(stored, path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_missing, "There is no checkpoint"),
        (_cut_off, "is damaged or no checkpoint"),
        (_empty, "is damaged or no checkpoint"),
        (_foreign, "was not written by gapcam"),
        (_with_code, "is damaged or no checkpoint"),
        (_with_target, "The checkpoint wants to call 'os.system'"),
    ],
)
def test_bad_files_are_explained(
    checkpoint: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(checkpoint)
    with pytest.raises(UserError, match=message):
        gapcam.load(checkpoint)


@pytest.mark.parametrize(
    "target",
    [
        "None",
        "os.system",
        "gapcam.run_directory.os.system",
        "gapcam.arch.weights.torch.load",
        "gapcam.arch.weights.Path",
        "gapcam.protocol.protocol.asdict",
        "torch.optim.SGD",
        "builtins.eval",
        "gapcam.",
        "gapcam.arch.",
        "gapcam.arch.nosuch.X",
        "gapcam.arch.small_gap.Nope",
        "gapcam.arch.weights.Source",
        "gapcam.build.build",
    ],
)
@pytest.mark.parametrize("base", [Network, Protocol])
def test_foreign_targets_are_refused(target: str, base: type) -> None:
    with pytest.raises(UserError, match=f"wants to call '{target}'"):
        require_trusted({"_target_": target}, base)


@pytest.mark.parametrize("node", [None, [1], "abc", {5: 3}])
def test_what_is_no_configuration_is_refused(node: Any) -> None:
    with pytest.raises(UserError, match=r"recipe holds .* for a configuration"):
        require_trusted(node, Network)


@pytest.mark.parametrize(
    "setting",
    [
        {"x": {"_target_": "numpy.savetxt"}},
        {"x": [{"_target_": "numpy.savetxt"}]},
        {"x": ({"_target_": "torch.hub.load"},)},
        {"x": "${oc.create:'{_target_: numpy.savetxt}'}"},
        {"x": ["${oc.env:HOME}"]},
        {"x": type("Text", (str,), {})("a")},
        {"_args_": []},
        {"_recursive_": True},
    ],
    ids=str,
)
def test_only_plain_settings_are_trusted(setting: dict[str, Any]) -> None:
    """Hydra would call targets at any depth, also in tuples and interpolations."""
    with pytest.raises(UserError, match="which is no plain value"):
        require_trusted({"_target_": "gapcam.arch.nin.NIN", **setting}, Network)


@pytest.mark.parametrize("arch", ["small_gap", "vgg_gap", "torchvision_gap", "timm_gap", "alexnet"])
def test_own_configurations_are_trusted(
    configure: Callable[..., dict[str, Any]], arch: str
) -> None:
    config = configure(f"arch={arch}")
    require_trusted(config["arch"], Network)
    require_trusted(config["protocol"]["paper"], Protocol)


@pytest.mark.parametrize(
    "change",
    [{"data": {"class_names": 5}}, {"data": None}, {"cam": 3}, {"protocol": None}],
    ids=str,
)
def test_facts_that_do_not_fit_are_explained(
    checkpoint: Path, change: dict[str, Any], tmp_path: Path
) -> None:
    stored = torch.load(checkpoint, weights_only=True)
    stored["gapcam"] |= change
    torch.save(stored, tmp_path / "changed.ckpt")
    with pytest.raises(UserError):
        gapcam.load(tmp_path / "changed.ckpt")


def test_weights_that_do_not_fit_are_explained(checkpoint: Path, tmp_path: Path) -> None:
    stored = torch.load(checkpoint, weights_only=True)
    stored["state_dict"].popitem()
    torch.save(stored, tmp_path / "changed.ckpt")
    with pytest.raises(UserError, match=r"(?s)does not hold together: .*Missing key"):
        gapcam.load(tmp_path / "changed.ckpt")


def test_another_versions_checkpoint_is_explained(tmp_path: Path) -> None:
    torch.save({"gapcam": {}, "state_dict": {}}, tmp_path / "old.ckpt")
    with pytest.raises(
        UserError, match=r"by another version of gapcam: expected .*arch, cam, data"
    ):
        gapcam.load(tmp_path / "old.ckpt")


def test_unknown_attributes_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="module 'gapcam' has no attribute 'nothing'"):
        gapcam.nothing  # noqa: B018
    assert gapcam.__version__
