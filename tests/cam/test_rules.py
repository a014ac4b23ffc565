import numpy as np
import pytest
import torch
from scipy import ndimage

from gapcam.cam.activation import upsample
from gapcam.cam.rules import largest_component_boxes


def slow_box(grid: np.ndarray, threshold: float) -> list[int]:
    """The paper's sentence, pixel by pixel, on the enlarged map."""
    peak = grid.max()
    if not peak > 0:
        return [0, 0, 0, 0]
    labels, _ = ndimage.label(np.maximum(grid, 0) / peak > threshold, np.ones((3, 3)))
    areas = np.bincount(labels.ravel())[1:]
    rows, columns = np.nonzero(labels == areas.argmax() + 1)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.7])
@pytest.mark.parametrize("size", [(14, 14), (56, 40)])
def test_equals_the_slow_rule(size: tuple[int, int], threshold: float) -> None:
    maps = torch.randn(6, 3, 7, 5, generator=torch.Generator().manual_seed(0))
    boxes = largest_component_boxes(maps, size, threshold)
    large = upsample(maps, size).numpy()
    expected = [[slow_box(grid, threshold) for grid in image] for image in large]
    assert boxes.tolist() == expected


@pytest.mark.parametrize(
    ("values", "box"),
    [
        ([[0.0, 0.0], [0.0, 0.0]], [0, 0, 0, 0]),  # nothing
        ([[-1.0, -2.0], [-3.0, -4.0]], [0, 0, 0, 0]),  # nothing positive
        ([[float("nan"), 1.0], [1.0, 1.0]], [0, 0, 0, 0]),
        ([[5.0, 5.0], [5.0, 5.0]], [0, 0, 2, 2]),  # constant
        ([[10.0, 2.0], [0.0, 0.0]], [0, 0, 1, 1]),  # exactly 20 % is not above 20 %
        ([[10.0, 2.1], [0.0, 0.0]], [0, 0, 2, 1]),
    ],
)
def test_small_maps(values: list[list[float]], box: list[int]) -> None:
    maps = torch.tensor(values)[None, None]
    assert largest_component_boxes(maps, (2, 2)).tolist() == [[box]]
