import pytest
import torch

from gapcam.cam.reference_maps import SIGMA, centre_gaussian, true_mask_maps

UP = 24
"""Pixels a cell in the slow reference."""


def counted(
    boxes: list[list[float]], region: list[float], resolution: tuple[int, int]
) -> torch.Tensor:
    """Cells on a fine raster, pixel by pixel."""
    fine = torch.zeros(resolution[0] * UP, resolution[1] * UP)
    for y in range(fine.shape[0]):
        for x in range(fine.shape[1]):
            px = region[0] + (x + 0.5) / fine.shape[1] * (region[2] - region[0])
            py = region[1] + (y + 0.5) / fine.shape[0] * (region[3] - region[1])
            fine[y, x] = any(x0 <= px < x1 and y0 <= py < y1 for x0, y0, x1, y1 in boxes)
    return torch.nn.functional.avg_pool2d(fine[None], UP)[0]


@pytest.mark.parametrize("resolution", [(1, 1), (4, 4), (3, 5)])
@pytest.mark.parametrize(
    ("boxes", "region"),
    [
        ([], [0, 0, 60, 36]),
        ([[0, 0, 60, 36]], [0, 0, 60, 36]),
        ([[10, 6, 31, 20], [20, 10, 50, 30]], [0, 0, 60, 36]),
        ([[5, 5, 6, 6], [5, 5, 30, 6], [-9, -9, 4, 90]], [0, 0, 60, 36]),
        ([[10, 6, 31, 20], [20, 10, 50, 30]], [15, 3, 45, 27]),
        ([[0, 0, 10, 10]], [15, 3, 45, 27]),
        ([[7, 7, 7, 20]], [0, 0, 60, 36]),
    ],
)
def test_cells_are_as_full_as_the_boxes_cover_them(
    boxes: list[list[float]], region: list[float], resolution: tuple[int, int]
) -> None:
    padded = torch.tensor([[*boxes, [0.0, 0, 60, 36]]])
    found = true_mask_maps(
        padded,
        torch.tensor([len(boxes)]),
        torch.tensor([[36, 60]]),
        torch.tensor([region], dtype=torch.float32),
        resolution,
    )
    assert found.shape == (1, *resolution)
    assert torch.allclose(found[0], counted(boxes, region, resolution), atol=2 / UP)


def test_known_cells() -> None:
    truth = torch.tensor([[[2.0, 0, 8, 4], [6, 0, 10, 2]]])  # they overlap by 4 pixels
    found = true_mask_maps(
        truth, torch.tensor([2]), torch.tensor([[4, 12]]), torch.tensor([[0.0, 0, 12, 4]]), (1, 3)
    )
    assert found[0].tolist() == [pytest.approx([0.5, 1.0, 0.25])]


def test_batches() -> None:
    none = true_mask_maps(
        torch.zeros(0, 2, 4), torch.zeros(0), torch.zeros(0, 2), torch.zeros(0, 4), (3, 4)
    )
    assert none.shape == (0, 3, 4)
    without = true_mask_maps(
        torch.zeros(2, 0, 4),
        torch.zeros(2),
        torch.ones(2, 2),
        torch.tensor([[0.0, 0, 1, 1]] * 2),
        (3, 4),
    )
    assert without.tolist() == torch.zeros(2, 3, 4).tolist()


@pytest.mark.parametrize("resolution", [(1, 1), (14, 14), (6, 9)])
def test_the_gaussian_is_in_the_centre(resolution: tuple[int, int]) -> None:
    found = centre_gaussian(resolution)
    assert found.shape == resolution
    assert torch.equal(found, found.flip(0))
    assert torch.equal(found, found.flip(1))
    assert 0.9 < found.max() <= 1
    height, width = resolution
    across, down = (0.5 / width - 0.5) / SIGMA, (0.5 / height - 0.5) / SIGMA
    corner = torch.tensor(-0.5 * (across**2 + down**2)).exp()
    assert float(found[0, 0]) == pytest.approx(float(corner))
