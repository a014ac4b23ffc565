"""Networks without a data set: from checkpoints, and from weights with names."""

from pathlib import Path
from typing import Any

import pytest
import torch
from networks import network
from omegaconf import OmegaConf
from support import compose_config

import gapcam
from gapcam.arch.weights import imagenet_classes
from gapcam.errors import UserError
from gapcam.network_choice import require_one_network
from gapcam.network_source import network_of, read_class_names

SMALL = ("arch=small_gap", "arch.units=4", "arch.size=[32,32]")


def saved(path: Path, names: list[str], *words: str) -> Path:
    """A checkpoint of a network with random weights."""
    module = network(*(words or SMALL), classes=len(names))
    module.recipe["data"]["class_names"] = names
    torch.save({"gapcam": module.recipe, "state_dict": module.state_dict()}, path)
    return path


def config(*words: str, **settings: Any) -> dict[str, Any]:
    plain: Any = OmegaConf.to_container(compose_config(*words), resolve=True)
    return {**plain, "ckpt": None, "class_names": None, "cam": None, **settings}


def test_a_checkpoint_brings_network_and_names(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.ckpt", ["cat", "dog"])
    module, words = network_of(config(ckpt=str(path)))
    assert module.class_names == ["cat", "dog"]
    assert not module.training
    assert str(path) in words
    torch.testing.assert_close(module.state_dict(), torch.load(path)["state_dict"])


def test_names_of_a_file_take_the_place_of_a_checkpoint_s(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.ckpt", ["cat", "dog"])
    names = tmp_path / "names.txt"
    names.write_text("Katze\nHund\n", encoding="utf-8")
    module, _ = network_of(config(ckpt=str(path), class_names=str(names)))
    assert module.class_names == ["Katze", "Hund"]
    names.write_text("Katze\nHund\nMaus\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"names 3 classes, and .*a.ckpt tells 2 apart"):
        network_of(config(ckpt=str(path), class_names=str(names)))


def test_weights_of_a_checkpoint_know_their_classes(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.ckpt", ["cat", "dog", "eel"])
    module, words = network_of(config(*SMALL, f"arch.weights={path}"))
    assert module.class_names == ["cat", "dog", "eel"]
    assert words.startswith("weights a.ckpt: ")
    same = gapcam.pretrained("small_gap", weights=str(path), units=4, size=[32, 32])
    torch.testing.assert_close(same.state_dict(), module.state_dict())
    assert not same.training


def test_weights_of_other_classes_want_their_names(tmp_path: Path) -> None:
    tensors = network(*SMALL, classes=2).state_dict()
    torch.save(tensors, tmp_path / "two.pth")
    words = (*SMALL, f"arch.weights={tmp_path}/two.pth")
    with pytest.raises(UserError, match=r"2 classes there, 1000 here.*class_names=<a text file"):
        network_of(config(*words))
    (tmp_path / "names.txt").write_text("cat\ndog", encoding="utf-8")
    module, _ = network_of(config(*words, class_names=f"{tmp_path}/names.txt"))
    assert module.class_names == ["cat", "dog"]


def test_imagenet_s_classes_are_in_the_order_of_the_data_set(real_data: Path) -> None:
    mapping = (real_data / "imagenet" / "LOC_synset_mapping.txt").read_text(encoding="utf-8")
    official = [line.split(" ", 1)[1].split(", ") for line in sorted(mapping.splitlines())]
    ours = imagenet_classes()
    assert len(ours) == len(official) == 1000
    equal = sum(name in names for name, names in zip(ours, official, strict=True))
    assert equal > 950, "torchvision has edited a few: crane bird, maillot tank suit"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty"),
        ("cat\n\ndog\n", "line 2 is empty"),
        (None, "cannot be read"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_bad_names_are_explained(tmp_path: Path, text: str | bytes | None, message: str) -> None:
    path = tmp_path / "names.txt"
    if text is not None:
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(UserError, match=message):
        read_class_names(path)


@pytest.mark.parametrize(
    ("words", "typed", "message"),
    [
        ((), [], "Which network"),
        (("arch=torchvision_gap",), ["arch=torchvision_gap"], "Which network"),
        ((), ["arch=vgg_gap", "ckpt=a.ckpt"], "a.ckpt says what network it is; leave out arch"),
    ],
)
def test_one_network_is_asked_for(words: tuple[str, ...], typed: list[str], message: str) -> None:
    found = compose_config(*words)
    found.ckpt = "a.ckpt" if "ckpt=a.ckpt" in typed else None
    with pytest.raises(UserError, match=message):
        require_one_network(found, typed)


@pytest.mark.parametrize(
    ("arch", "settings", "message"),
    [
        ("", {}, "There is no arch ''. Known are alexnet, "),
        ("small", {}, "There is no arch 'small'"),
        ("small_gap", {}, "small_gap needs weights"),
        (
            "small_gap",
            {"weight": "a.pth"},
            "small_gap has no setting weight; it has _target_, size",
        ),
        ("small_gap", {"weights": "a.pth"}, "there is no file a.pth"),
        ("squeezenet_gap", {"weights": "imagenet"}, "Nobody hosts ImageNet weights"),
    ],
)
def test_pretrained_explains(arch: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        gapcam.pretrained(arch, **settings)
