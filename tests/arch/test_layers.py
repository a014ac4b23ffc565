import pytest
import torch
from torch import nn

from gapcam.arch.layers import AcrossUnitsNorm, Conv, Inception, MaxPool, build_layers, layer_names


def test_no_rows_are_no_layers() -> None:
    trunk, channels = build_layers([], channels=7)
    assert (len(trunk), channels, layer_names([])) == (0, 7, [])


@pytest.mark.parametrize(
    ("kernel", "stride", "side", "expected"),
    [(3, 2, 112, 56), (3, 2, 55, 27), (3, 2, 54, 27), (3, 2, 6, 3), (2, 2, 7, 4), (3, 1, 13, 11)],
)
def test_pooling_rounds_up(kernel: int, stride: int, side: int, expected: int) -> None:
    trunk, _ = build_layers([MaxPool("pool", kernel, stride)])
    assert trunk(torch.zeros(1, 3, side, side)).shape[-1] == expected


def test_normalisation_against_a_slow_loop() -> None:
    """Caffe: divide by (1 + alpha / 5 * sum of the squares of five neighbours) ^ beta."""
    inputs = torch.randn(1, 9, 2, 2) * 100
    found = AcrossUnitsNorm(5, alpha=1e-4, beta=0.75)(inputs)
    for unit in range(9):
        squares = sum(inputs[:, u] ** 2 for u in range(max(0, unit - 2), min(9, unit + 3)))
        expected = inputs[:, unit] / (1 + 1e-4 / 5 * squares) ** 0.75
        torch.testing.assert_close(found[:, unit], expected)


def test_normalisation_in_double_precision_stays_double() -> None:
    inputs = torch.randn(1, 8, 2, 2, dtype=torch.float64)
    assert AcrossUnitsNorm(5, alpha=1e-4, beta=0.75)(inputs).dtype == torch.float64


def test_normalisation_in_half_precision_does_not_overflow() -> None:
    """257 squared is infinite in half precision, and would come out as 0."""
    inputs = torch.full((1, 8, 2, 2), 1000.0)
    norm = AcrossUnitsNorm(5, alpha=1e-4, beta=0.75)
    with torch.autocast("cpu", torch.float16):
        found = norm(inputs.half())
    torch.testing.assert_close(found, norm(inputs), rtol=1e-3, atol=0)
    assert found.min() > 0


def test_names_are_those_of_the_files() -> None:
    rows = [Conv("conv1/7x7_s2", 4, 7), Inception("inception_3a", 1, 2, 3, 4, 5, 6)]
    branches = ("1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool_proj")
    assert layer_names(rows) == ["conv1.7x7_s2", *(f"inception_3a.{b}" for b in branches)]
    trunk, channels = build_layers(rows)
    assert channels == 1 + 3 + 5 + 6
    assert isinstance(trunk.inception_3a.get_submodule("5x5"), nn.Conv2d)
    assert trunk.inception_3a.get_submodule("5x5").kernel_size == (5, 5)
