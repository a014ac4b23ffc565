"""Downloads: once, checked, and with a clear word where there is no connection."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from caffe_files import write_caffemodel
from networks import network
from torchvision.models import SqueezeNet1_1_Weights

from gapcam.arch import weights
from gapcam.arch.loading import load_weights
from gapcam.arch.pixels import CAFFE
from gapcam.arch.weights import caffe_zoo, torchvision_source
from gapcam.errors import UserError


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zoo in a folder, an empty cache, and the checksum of its one file."""
    (tmp_path / "zoo").mkdir()
    path = write_caffemodel(
        tmp_path / "zoo" / "bvlc_googlenet.caffemodel", {"a": [np.ones((1, 2, 1, 1), "f4")]}
    )
    monkeypatch.setattr(weights, "ZOO_URL", f"file://{tmp_path}/zoo/{{name}}.caffemodel")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.setitem(weights.ZOO, path.stem, hashlib.sha1(path.read_bytes()).hexdigest())
    return path


def test_zoo_files_are_fetched_once(zoo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = caffe_zoo("bvlc_googlenet")
    assert source.pixels == CAFFE
    assert source.name == "bvlc_googlenet.caffemodel"
    assert source.tensors["a.weight"].flatten().tolist() == [1.0, 1.0]
    assert "100%" in capfd.readouterr().err
    zoo.unlink()
    assert torch.equal(caffe_zoo("bvlc_googlenet").tensors["a.weight"], source.tensors["a.weight"])


def test_another_file_than_the_published_is_refused_and_not_kept(
    zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(weights.ZOO, "bvlc_googlenet", "0" * 40)
    with pytest.raises(UserError, match=r"SHA-1 should be 0000.* but is .*arch\.weights="):
        caffe_zoo("bvlc_googlenet")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_without_a_connection(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zoo.unlink()
    with pytest.raises(UserError, match=r"Cannot download file:.*fetch the file elsewhere"):
        caffe_zoo("bvlc_googlenet")

    def offline(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    with pytest.raises(UserError, match=r"Cannot download https://download.pytorch.org.*no route"):
        torchvision_source(SqueezeNet1_1_Weights.DEFAULT)


@pytest.mark.parametrize("arch", ["vgg", "vgg_gap", "torchvision_gap arch.name=squeezenet1_1"])
def test_torchvisions_checksum_is_compared(
    arch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def damaged(url: str, path: str, hash_prefix: str, **_: object) -> None:
        assert len(hash_prefix) >= 8
        raise RuntimeError('invalid hash value (expected "x", got "y")')

    monkeypatch.setattr("torch.hub.download_url_to_file", damaged)
    module = network(*f"arch={arch} arch.weights=imagenet".split(), classes=3)
    with pytest.raises(UserError, match="invalid hash value"):
        load_weights(module)


@pytest.mark.parametrize("arch", ["nin", "squeezenet", "small_gap"])
def test_what_nobody_hosts(arch: str) -> None:
    module = network(f"arch={arch}", "arch.weights=imagenet", classes=3)
    with pytest.raises(UserError, match="Nobody hosts ImageNet weights of"):
        load_weights(module)


def test_timm_without_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    module = network("arch=timm_gap", "arch.name=resnet18", "arch.weights=imagenet", classes=3)

    def offline(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("timm.create_model", offline)
    with pytest.raises(UserError, match=r"Cannot fetch timm's weights of resnet18: no route"):
        load_weights(module)


def test_timms_own_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """As timm would give them: a model of 1000 classes with its own statistics."""
    import timm

    create = timm.create_model
    asked = []

    def pretrained_model(name: str, pretrained: bool = False, **options: object) -> object:
        asked.append(pretrained)
        return create(name, pretrained=False, **options)

    monkeypatch.setattr("timm.create_model", pretrained_model)
    module = network("arch=timm_gap", "arch.name=resnet18", "arch.weights=imagenet", classes=3)
    report = load_weights(module)
    assert asked == [False, True]
    assert report.left == {"fc": "1000 classes there, 3 here"}
    assert report.fresh == ["classifier"]
    assert report.source.startswith("timm resnet18.")
