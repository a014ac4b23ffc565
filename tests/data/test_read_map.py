from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from gapcam.data.read_map import read_map
from gapcam.errors import UserError

GREY = np.array([[0, 1, 2], [200, 254, 255]], np.uint8)


@pytest.mark.parametrize(
    "values",
    [
        GREY,
        GREY[None],
        GREY > 1,
        GREY.astype(np.uint16) * 257,
        GREY.astype(np.int64) - 100,
        GREY.astype(np.float16) / 7,
        GREY / 7,
        (GREY / 7).astype(">f4"),
        np.asfortranarray(GREY / 7),
        np.array([[np.nan, -np.inf, 1]]),
        np.array([[1e300]]),  # infinite in single precision
    ],
)
def test_arrays(tmp_path: Path, values: NDArray[Any]) -> None:
    np.save(tmp_path / "map.npy", values)
    found = read_map(tmp_path / "map.npy")
    assert found.dtype == torch.float32
    with np.errstate(over="ignore"):
        expected = values.reshape(values.shape[-2:]).astype(np.float32)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "values", [GREY, GREY.astype(np.uint16) * 257, (GREY > 1)], ids=["8", "16", "1"]
)
def test_grey_pictures(tmp_path: Path, values: NDArray[Any]) -> None:
    Image.fromarray(values).save(tmp_path / "map.png")
    assert read_map(tmp_path / "map.png").tolist() == values.astype(float).tolist()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64, torch.uint8])
def test_tensors(tmp_path: Path, dtype: torch.dtype) -> None:
    values = torch.from_numpy(GREY).to(dtype)
    for saved in (values, values[None], torch.nn.Parameter(values, dtype.is_floating_point)):
        torch.save(saved, tmp_path / "map.pt")
        found = read_map(tmp_path / "map.pt")
        assert found.dtype == torch.float32
        assert not found.requires_grad
        assert torch.equal(found, values.float())


class Foreign:
    """What pickle would have to import."""


def as_array(values: Any) -> Callable[[Path], object]:
    return lambda path: np.save(path, values)


def as_tensor(content: Any) -> Callable[[Path], object]:
    return lambda path: torch.save(content, path)


def as_bytes(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def as_picture(mode: str) -> Callable[[Path], object]:
    return lambda path: Image.new(mode, (2, 2)).save(path)


@pytest.mark.parametrize(
    ("file", "write", "message"),
    [
        ("a.npy", as_bytes(b""), r"a\.npy: no array that NumPy reads without pickle \(EOF"),
        ("a.npy", as_array([Foreign()]), r"without pickle \(Object arrays cannot"),
        ("a.npy", as_bytes(b"PK\x03\x04" * 40), r"without pickle \(the magic"),
        ("a.npy", as_array(GREY.astype("<U3")), r"expected an array of numbers; got one of <U3"),
        ("a.npy", as_array(GREY * 1j), r"expected an array of numbers; got one of complex128"),
        ("a.npy", as_array(np.zeros(4)), r"shape \(h, w\) or \(1, h, w\); got \(4,\)"),
        ("a.npy", as_array(np.zeros((3, 4, 4))), r"or \(1, h, w\); got \(3, 4, 4\)"),
        ("a.npy", as_array(np.zeros((0, 4))), r"or \(1, h, w\); got \(0, 4\)"),
        ("a.png", as_bytes(b"x"), r"a\.png: no picture that Pillow knows"),
        ("a.png", as_picture("RGB"), r"of 8 or 16 bits; got one of mode RGB\. Values cannot"),
        ("a.png", as_picture("P"), r"got one of mode P\."),
        ("a.png", as_picture("LA"), r"got one of mode LA\."),
        ("a.pt", as_bytes(b"x"), r"a\.pt: damaged, or holds more than tensors"),
        ("a.pt", as_tensor(Foreign()), r"pickled code is never run \(Weights only load failed"),
        ("a.pt", as_tensor({"map": torch.zeros(2, 2)}), r"expected a tensor; got a dict"),
        ("a.pt", as_tensor(torch.zeros(2, 2, 2)), r"or \(1, h, w\); got \(2, 2, 2\)"),
        ("a.pt", as_tensor(torch.zeros(2, 2) * 1j), r"a dense tensor of numbers.*complex64"),
        ("a.pt", as_tensor(torch.eye(2).to_sparse()), r"dense tensor.*float32, torch\.sparse_coo"),
    ],
)
@pytest.mark.filterwarnings("ignore:Validating sparse tensor")
def test_anything_else_is_refused(
    tmp_path: Path, file: str, write: Callable[[Path], object], message: str
) -> None:
    write(tmp_path / file)
    with pytest.raises(UserError, match=message):
        read_map(tmp_path / file)


def test_a_picture_that_is_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(256, size=(64, 64), dtype=np.uint8)).save(
        path
    )
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(UserError, match=r"a\.png: cannot be decoded \("):
        read_map(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for suffix in (".npy", ".png", ".pt"):
        with pytest.raises(UserError, match="gone"):
            read_map(tmp_path / f"gone{suffix}")
