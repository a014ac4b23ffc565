import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from caffe_files import field, number, text, write_caffemodel

from gapcam.arch.caffemodel import read_caffemodel
from gapcam.errors import UserError

RANDOM = np.random.default_rng(0)


def values(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(np.float32)


LAYERS = {
    "data": [],
    "conv1/7x7_s2": [values(4, 3, 7, 7), values(4)],
    "grouped": [values(6, 2, 1, 1), values(6)],
    "no_bias": [values(2, 4, 3, 3)],
    "fc": [values(5, 24), values(5)],
    "relu": [],
}


@pytest.mark.parametrize("version", [1, 2])
def test_both_generations_of_files(tmp_path: Path, version: int) -> None:
    tensors = read_caffemodel(write_caffemodel(tmp_path / "a.caffemodel", LAYERS, version))
    expected = {
        f"{name}.{part}": blob
        for name, blobs in LAYERS.items()
        for part, blob in zip(("weight", "bias"), blobs, strict=False)
    }
    assert tensors.keys() == expected.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(tensor.numpy(), expected[name])
        assert tensor.dtype == torch.float32


def test_double_precision(tmp_path: Path) -> None:
    blob = RANDOM.standard_normal((2, 3))
    tensors = read_caffemodel(write_caffemodel(tmp_path / "a.caffemodel", {"fc": [blob]}))
    np.testing.assert_array_equal(tensors["fc.weight"].numpy(), blob.astype(np.float32))


def test_memory_is_a_few_times_the_file(tmp_path: Path) -> None:
    """138 million numbers (VGG-16) must not become Python objects."""
    path = write_caffemodel(tmp_path / "a.caffemodel", {"fc6": [values(1000, 2000)]})
    tracemalloc.start()
    read_caffemodel(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * path.stat().st_size


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no layers with weights"),
        (text(1, "a network"), "holds no layers with weights"),
        (b"<!DOCTYPE html>", "is truncated or no caffemodel"),
        (
            field(
                100, text(1, "conv") + field(7, field(7, field(1, b"\x02")) + field(5, bytes(4)))
            ),
            "is truncated or no caffemodel: a blob of 2 has 1 numbers",
        ),
        (
            field(2, text(4, "conv") + field(6, number(1, 1) + number(4, 3) + field(5, bytes(4)))),
            "a blob of 1x0x0x3 has 1 numbers",
        ),
        (
            field(
                100, text(1, "bn") + 3 * field(7, field(7, field(1, b"\x01")) + field(5, bytes(4)))
            ),
            "layer bn has 3 parameter blobs; only layers with a weight and a bias",
        ),
    ],
)
def test_what_is_no_caffemodel(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.caffemodel"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_caffemodel(path)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_truncated_files(tmp_path: Path, kept: float) -> None:
    path = write_caffemodel(tmp_path / "a.caffemodel", {"fc": [values(50, 40), values(50)]})
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(UserError, match=r"a\.caffemodel is truncated or no caffemodel: .*checksum"):
        read_caffemodel(path)
