import numpy as np
import pytest
import torch
from masks import by_scipy, generated_maps

from gapcam.cam.enlarge import enlarge
from gapcam.cam.rules import largest_component_boxes

pytestmark = pytest.mark.usefixtures("one_thread")


def slow_box(
    grid: np.ndarray, threshold: float, connectivity: int = 8, percentile: float = 100
) -> list[int]:
    """The paper's sentence, pixel by pixel, on the enlarged map."""
    peak = np.percentile(grid, percentile)
    if not peak > 0:
        return [0, 0, 0, 0]
    return by_scipy(np.maximum(grid, 0) / peak > threshold, connectivity)[0]


@pytest.mark.parametrize("engine", ["torch", "numba"])
@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.7])
@pytest.mark.parametrize("size", [(14, 14), (56, 40)])
def test_equals_the_slow_rule(size: tuple[int, int], threshold: float, engine: str) -> None:
    maps = torch.randn(6, 3, 7, 5, generator=torch.Generator().manual_seed(0)).double()
    boxes = largest_component_boxes(maps, size, threshold, engine=engine)
    large = enlarge(maps, size).numpy()
    assert boxes.tolist() == [[slow_box(grid, threshold) for grid in image] for image in large]


@pytest.mark.parametrize("engine", ["torch", "numba"])
@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("percentile", [20.0, 90.0, 99.5])
def test_percentile_equals_the_slow_rule(percentile: float, connectivity: int, engine: str) -> None:
    maps = generated_maps(12, (7, 5), 0.3).double().view(4, 3, 7, 5)
    boxes = largest_component_boxes(
        maps, (30, 40), 0.4, connectivity=connectivity, percentile=percentile, engine=engine
    )
    large = enlarge(maps, (30, 40)).numpy()
    expected = [
        [slow_box(grid, 0.4, connectivity, percentile) for grid in image] for image in large
    ]
    assert boxes.tolist() == expected


def test_percentile_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    maps = generated_maps(12, (7, 5), 0.3).view(4, 3, 7, 5)
    whole = largest_component_boxes(maps, (30, 40), percentile=90)
    monkeypatch.setattr("gapcam.cam.rules._PIXELS_AT_ONCE", 5 * 30 * 40)
    assert torch.equal(largest_component_boxes(maps, (30, 40), percentile=90), whole)


@pytest.mark.parametrize("percentile", [90.0, 100.0])
@pytest.mark.parametrize(
    ("values", "box"),
    [
        ([[0.0, 0.0], [0.0, 0.0]], [0, 0, 0, 0]),  # nothing
        ([[-1.0, -2.0], [-3.0, -4.0]], [0, 0, 0, 0]),  # nothing positive
        ([[float("nan"), 1.0], [1.0, 1.0]], [0, 0, 0, 0]),
        ([[float("inf"), 1.0], [1.0, 1.0]], [0, 0, 0, 0]),
        ([[5.0, 5.0], [5.0, 5.0]], [0, 0, 0, 0]),  # constant
        ([[5.0]], [0, 0, 0, 0]),  # a single cell is constant
        ([[10.0, 0.5], [0.0, 0.0]], [0, 0, 1, 1]),
        ([[10.0, 2.1], [0.0, 0.0]], [0, 0, 2, 1]),
    ],
)
def test_small_maps(values: list[list[float]], box: list[int], percentile: float) -> None:
    maps = torch.tensor(values)[None, None]
    assert largest_component_boxes(maps, (2, 2), percentile=percentile).tolist() == [[box]]


@pytest.mark.parametrize("percentile", [90.0, 100.0])
@pytest.mark.parametrize("shape", [(0, 6), (3, 0)])
def test_no_maps(shape: tuple[int, int], percentile: float) -> None:
    boxes = largest_component_boxes(torch.zeros(*shape, 7, 7), (28, 28), percentile=percentile)
    assert boxes.shape == (*shape, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"maps_BMhw": torch.zeros(2, 7, 7)}, r"needs maps \(B, M, h, w\); got \(2, 7, 7\)"),
        ({"maps_BMhw": torch.zeros(2, 1, 7, 7).int()}, r"maps must be floats .*torch.int32"),
        ({"percentile": 0}, r"percentile must lie in \(0, 100\]; got 0"),
        ({"percentile": 101}, r"percentile must lie in \(0, 100\]; got 101"),
        ({"percentile": 90, "threshold": 1.5}, r"threshold must lie in \[0, 1\); got 1.5"),
        ({"percentile": 90, "normalise": "sum"}, "one of max, minmax; got 'sum'"),
        ({"percentile": 90, "interpolation": "area"}, "got 'area'"),
        ({"percentile": 90, "connectivity": 7}, "connectivity must be 4 or 8; got 7"),
        ({"percentile": 90, "engine": "triton"}, "works on cuda tensors"),
        ({"engine": "opencv"}, "one of torch, numba, triton; got 'opencv'"),
    ],
)
def test_wrong_input_is_named(changes: dict[str, object], message: str) -> None:
    arguments = {"maps_BMhw": torch.rand(2, 1, 7, 7), "size": (14, 14)}
    with pytest.raises(ValueError, match=message):
        largest_component_boxes(**(arguments | changes))
