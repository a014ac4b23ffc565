"""Files that hold no weights: one message each, and nothing in them is executed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from networks import network

from gapcam.arch.loading import load_weights
from gapcam.errors import UserError


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (None, r"there is no file .*weights\.pth. Give null, imagenet, or the path"),
        (b"", "is damaged, or holds more than tensors"),
        (b"no weights at all", "is damaged, or holds more than tensors"),
        ({}, "holds no state_dict: expected tensors by name"),
        ({"conv1_1.weight": np.dtype("f4")}, "pickled code is never loaded"),
    ],
)
def test_files_that_are_no_weights(tmp_path: Path, file: Any, message: str) -> None:
    path = tmp_path / "weights.pth"
    if isinstance(file, bytes):
        path.write_bytes(file)
    elif file is not None:
        torch.save(file, path)
    with pytest.raises(UserError, match=message):
        load_weights(network("arch=nin", f"arch.weights={path}", classes=3))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.npz", "is damaged or no .npz of plain arrays"),
        ("a.safetensors", "is damaged or no .safetensors"),
        ("a.caffemodel", "holds no layers with weights"),
        ("a.h5", "expected one of .caffemodel and .npz"),
        ("a", "got no end"),
    ],
)
def test_kinds_of_files(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(UserError, match=message):
        load_weights(network("arch=nin", f"arch.weights={tmp_path / name}", classes=3))


def test_objects_in_an_npz_are_not_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", weight=np.array([{"a": 1}], dtype=object))
    with pytest.raises(UserError, match=r"is damaged or no \.npz of plain arrays"):
        load_weights(network("arch=nin", f"arch.weights={tmp_path / 'a.npz'}", classes=3))
