"""One definition of enlarging against three others: torch's, OpenCV's and MATLAB's."""

import math

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gapcam.cam.enlarge import INTERPOLATIONS, enlarge, taps, taps_for

pytestmark = pytest.mark.usefixtures("one_thread")

SIZES = [(1, 1), (7, 7), (14, 14), (224, 224), (33, 50), (256, 9), (5, 3)]
CELLS = [(1, 1), (1, 6), (7, 7), (14, 9), (28, 28)]


def noise(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cells", CELLS)
def test_bilinear_is_torchs(cells: tuple[int, int], size: tuple[int, int]) -> None:
    maps = noise(2, 3, *cells, dtype=torch.float32)
    exact = F.interpolate(maps.double(), size=size, mode="bilinear", align_corners=False)
    units = torch.finfo(torch.float32).eps * maps.abs().amax((-2, -1), keepdim=True)
    # The place of a pixel is rounded, too: the more cells there are, the more its weights.
    assert ((enlarge(maps, size) - exact).abs() <= max(2, *cells) * units).all()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cells", CELLS)
def test_cubic_is_opencvs_to_the_last_bit(cells: tuple[int, int], size: tuple[int, int]) -> None:
    maps = noise(3, *cells)
    found = enlarge(maps, size, "cubic").numpy()
    for grid, large in zip(maps.numpy(), found, strict=True):
        expected = cv2.resize(grid, size[::-1], interpolation=cv2.INTER_CUBIC)
        assert (large == expected.reshape(size)).all()


def imresize(grid: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """MATLAB's `imresize(grid, size)` as its help and its source's comments describe it."""

    def keys(x: float) -> float:
        x = abs(x)
        if x <= 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0

    def column(values: np.ndarray, length: int) -> list[float]:
        scale = length / len(values)
        shrink = min(scale, 1.0)
        result = []
        for number in range(1, length + 1):
            place = number / scale + 0.5 * (1 - 1 / scale)
            total = weights = 0.0
            for cell in range(math.floor(place - 2 / shrink), math.ceil(place + 2 / shrink) + 1):
                weight = shrink * keys(shrink * (place - cell))
                mirrored = np.concatenate([values, values[::-1]])[(cell - 1) % (2 * len(values))]
                total, weights = total + weight * mirrored, weights + weight
            result.append(total / weights)
        return result

    tall = np.stack([column(values, size[0]) for values in grid.T], axis=1)
    return np.stack([column(values, size[1]) for values in tall])


@pytest.mark.parametrize("size", [(1, 1), (7, 7), (19, 28), (3, 5), (4, 15)])
@pytest.mark.parametrize("cells", CELLS)
def test_matlab_is_its_definition(cells: tuple[int, int], size: tuple[int, int]) -> None:
    maps = noise(*cells)
    expected = torch.from_numpy(imresize(maps.numpy(), size))
    torch.testing.assert_close(enlarge(maps, size, "matlab"), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("cells", CELLS)
def test_equal_size_changes_nothing(
    cells: tuple[int, int], interpolation: str, dtype: torch.dtype
) -> None:
    maps = noise(2, *cells, dtype=dtype)
    assert torch.equal(enlarge(maps, cells, interpolation), maps)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize(("cells", "pixels"), [(1, 9), (7, 224), (14, 14), (50, 13), (64, 8)])
def test_weights_sum_to_one(cells: int, pixels: int, interpolation: str) -> None:
    found = taps(cells, pixels, interpolation)
    assert found.cells.shape == found.weights.shape
    assert found.cells.shape[1] == pixels
    assert found.cells.min() >= 0
    assert found.cells.max() < cells
    torch.testing.assert_close(found.weights.sum(0), torch.ones_like(found.weights[0]))


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_sums_are_made_in_the_maps_precision(interpolation: str) -> None:
    maps = noise(7, 7)
    assert enlarge(maps, (30, 30), interpolation).dtype == torch.float64
    single = enlarge(maps.float(), (30, 30), interpolation)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single, enlarge(maps, (30, 30), interpolation).float())


def test_first_use_in_inference_mode_does_not_spoil_training() -> None:
    taps.cache_clear()
    taps_for.cache_clear()
    maps = noise(3, 3)
    with torch.inference_mode():
        enlarge(maps, (9, 9))
    enlarge(maps.requires_grad_(), (9, 9)).sum().backward()
    torch.testing.assert_close(maps.grad, torch.full((3, 3), 9.0, dtype=torch.float64))


def test_taps_are_on_the_cpu_whatever_the_default_device() -> None:
    taps.cache_clear()
    with torch.device("meta"):
        found = taps(7, 21, "matlab")
    assert found.cells.device.type == found.weights.device.type == "cpu"
    on_meta = taps_for(7, 21, "matlab", torch.float32, torch.device("meta"))
    assert on_meta.weights.device.type == "meta"
    assert on_meta.weights.dtype == torch.float32


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 5), "must have 1 cell or more; got 0 cells to 5 pixels"),
        ((5, 0), "got 5 cells to 0 pixels"),
        ((5, 9, "nearest"), "one of bilinear, cubic, matlab; got 'nearest'"),
    ],
)
def test_wrong_input_is_named(arguments: tuple[int | str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        taps(*arguments)
