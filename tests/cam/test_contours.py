import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from cam import wsolevaluation
from masks import NASTY, generated_maps, random_masks
from torch import Tensor

from gapcam.cam.contours import contour_boxes, contour_iou, truncated_boxes

TRUTH = [[[0, 0, 0, 0]], [[20, 30, 150, 140], [100, 20, 220, 120]], [[3, 3, 40, 50]] * 3]
"""Of one to three boxes an image: those of image n are `TRUTH[n % 3]`."""


def even(count: int) -> Tensor:
    return torch.arange(count, dtype=torch.float64) / count


def padded(truth: list[list[list[int]]]) -> tuple[Tensor, Tensor]:
    boxes = torch.full((len(truth), max(map(len, truth), default=0), 4), 7)
    for row, some in zip(boxes, truth, strict=True):
        row[: len(some)] = torch.tensor(some).view(-1, 4)
    return boxes, torch.tensor([len(some) for some in truth], dtype=torch.int64)


def assert_equals_reference(maps: Tensor, size: tuple[int, int], thresholds: Tensor) -> None:
    truth = [TRUTH[number % 3] for number in range(len(maps))]
    found = contour_iou(maps, size, thresholds, *padded(truth))
    for number, map_hw in enumerate(maps.double().numpy()):
        for ious_NT, every in zip(found, (False, True), strict=True):
            expected = wsolevaluation.sweep(map_hw, size, thresholds.numpy(), truth[number], every)
            assert ious_NT[number].tolist() == expected.tolist()


HOPELESS = {
    "constant": torch.full((4, 4), 0.3),
    "zeros": torch.zeros(4, 4),
    "NaN": torch.eye(4) * torch.nan,
    "infinity": torch.eye(4).masked_fill(torch.eye(4) > 0, torch.inf),
    "minus infinity": torch.eye(4).masked_fill(torch.eye(4) > 0, -torch.inf),
    "one cell": torch.ones(1, 1),
}


@pytest.mark.parametrize("name", HOPELESS)
def test_without_a_contour_the_pixel_in_the_corner_is_scored(name: str) -> None:
    maps, thresholds = HOPELESS[name][None], torch.tensor([0.0, 0.5])
    truth, counts = torch.tensor([[[0, 0, 1, 0]]]), torch.tensor([1])
    for ious in contour_iou(maps, (8, 8), thresholds, truth, counts):
        assert ious.tolist() == [[0.5, 0.5]]
    assert not contour_boxes(maps, (8, 8), thresholds).any()
    assert_equals_reference(maps, (8, 8), thresholds)


@pytest.mark.parametrize("count", [1, 10, 100, 255, 1000, 1001])
def test_any_number_of_thresholds(count: int) -> None:
    assert_equals_reference(generated_maps(2, (14, 14), 0.1, seed=count), (224, 224), even(count))


@pytest.mark.parametrize("noise", [0, 0.05, 1])
@pytest.mark.parametrize("side", [2, 7, 14, 28])
def test_equals_the_published_procedure(side: int, noise: float) -> None:
    maps = generated_maps(4, (side, side), noise, seed=side)
    assert_equals_reference(maps - 2 * (side % 2), (224, 224), even(50))


@pytest.mark.parametrize(
    ("shape", "size"),
    [((1, 9), (1, 60)), ((9, 1), (60, 1)), ((3, 5), (40, 31)), ((20, 20), (20, 20))],
)
def test_any_shape(shape: tuple[int, int], size: tuple[int, int]) -> None:
    assert_equals_reference(generated_maps(3, shape, 0.3), size, even(30))


def test_full_resolution_noise() -> None:
    assert_equals_reference(generated_maps(3, (60, 60), 1), (60, 60), even(40))


def test_nested_rings() -> None:
    y, x = np.indices((20, 20)) - 9.5
    waves = torch.from_numpy(np.cos(np.hypot(y, x) * np.array([0.9, 1.3, 1.9])[:, None, None]))
    assert_equals_reference(torch.cat([waves, -waves]), (100, 100), even(100))


@pytest.mark.parametrize("name", NASTY)
def test_nasty_masks_and_ties(name: str) -> None:
    mask = torch.from_numpy(NASTY[name].copy()).double()
    terraces = mask + mask.flip(0) / 2 + mask.flip(1) / 4
    maps = torch.stack([mask, 1 - mask, terraces, terraces.max() - terraces])
    assert_equals_reference(maps, (mask.shape[0], mask.shape[1]), even(9))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_any_precision(dtype: torch.dtype) -> None:
    assert_equals_reference(generated_maps(2, (7, 7), 0.1).to(dtype), (64, 64), even(64))


def test_only_what_is_asked_for_and_no_image() -> None:
    maps, (truth, counts) = generated_maps(2, (5, 5), 0.1), padded(TRUTH[:2])
    both = contour_iou(maps, (30, 40), even(7), truth, counts)
    first = contour_iou(maps, (30, 40), even(7), truth, counts, every=False)
    second = contour_iou(maps, (30, 40), even(7), truth, counts, largest=False)
    assert torch.equal(first.largest_NT, both.largest_NT)
    assert torch.equal(second.any_NT, both.any_NT)
    assert first.any_NT.shape == second.largest_NT.shape == (2, 0)
    for ious in contour_iou(maps[:0], (30, 40), even(7), truth[:0], counts[:0]):
        assert ious.shape == (0, 7)
    assert contour_boxes(maps[:0], (30, 40), even(7)).shape == (0, 7, 4)


def test_images_without_a_true_box_score_nothing() -> None:
    maps, truth = generated_maps(2, (5, 5), 0.1), torch.zeros(2, 0, 4, dtype=torch.int64)
    for ious in contour_iou(maps, (30, 40), even(7), truth, torch.zeros(2, dtype=torch.int64)):
        assert ious.tolist() == [[0.0] * 7] * 2


def test_boxes_are_tight_around_the_largest_contour() -> None:
    maps, thresholds = generated_maps(6, (9, 9), 0.3), even(30)
    boxes = contour_boxes(maps, (50, 70), thresholds)
    assert boxes.dtype == torch.float32
    for number, map_hw in enumerate(maps.numpy()):
        grey = wsolevaluation.grey_image(map_hw, (50, 70))
        for box, threshold in zip(boxes[number].tolist(), thresholds.tolist(), strict=True):
            assert [box] == wsolevaluation.contour_boxes(grey, threshold, every=False)


def test_true_boxes_are_cut_off_to_whole_numbers() -> None:
    corners = torch.tensor([[[0, 0, 499, 374], [1, 2, 3, 4]], [[111, 108, 441, 193], [0, 0, 0, 0]]])
    found = truncated_boxes(corners.float(), torch.tensor([[375, 500], [375, 500]]), (224, 224))
    assert found.dtype == torch.int64
    assert found[0].tolist() == [[0, 0, int(499 * 224 / 500), int(374 * 224 / 375)], [0, 1, 1, 2]]
    assert found[1].tolist() == [[49, 64, 197, 115], [0, 0, 0, 0]]
    assert truncated_boxes(corners[:0], torch.zeros(0, 2), (224, 224)).shape == (0, 2, 4)


@pytest.mark.slow
def test_tens_of_thousands_of_masks() -> None:
    for seed in range(300):
        shape = tuple(np.random.default_rng(seed).integers(2, 40, 2))
        masks = torch.from_numpy(random_masks(24, shape, seed)).double()
        maps = torch.cumsum(masks.view(6, 4, *shape), 1).flatten(0, 1) + masks / 8
        assert_equals_reference(maps, shape, even(10))


def real_truth(folder: Path) -> tuple[Tensor, Tensor, Tensor]:
    """True boxes as in the file, how many, and sizes, of all 50,000 validation images."""
    lines = {
        name: [
            line.split(",")
            for line in gzip.decompress((folder / f"{name}.txt.gz").read_bytes()).decode().split()
        ]
        for name in ("image_sizes", "localization")
    }
    rows = {line[0]: row for row, line in enumerate(lines["image_sizes"])}
    sizes = torch.tensor([[int(line[2]), int(line[1])] for line in lines["image_sizes"]])
    truth: list[list[list[int]]] = [[] for _ in rows]
    for name, *corners in lines["localization"]:
        truth[rows[name]].append([int(corner) for corner in corners])
    return *padded(truth), sizes


def maps_inside(corners_NG4: Tensor, sizes_N2: Tensor) -> Tensor:
    """Maps like those of a trained network: a hill within the first true box, and noise."""
    x0, y0, x1, y1 = (corners_NG4[:, 0].float() / sizes_N2.flip(1).repeat(1, 2) * 14).unbind(1)
    place = torch.arange(14) + 0.5
    across = ((place - ((x0 + x1) / 2)[:, None]) / (x1 - x0 + 1)[:, None]) ** 2
    down = ((place - ((y0 + y1) / 2)[:, None]) / (y1 - y0 + 1)[:, None]) ** 2
    hills = torch.exp(-6 * (across[:, None] + down[:, :, None]))
    return hills + 0.15 * torch.randn(hills.shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.slow
def test_accuracies_on_real_true_boxes_equal_the_published_procedures(real_data: Path) -> None:
    corners, counts, sizes = real_truth(real_data / "ilsvrc_gt")
    assert len(corners) == 50_000
    assert int(counts.sum()) == 80_477
    truth, thresholds, checked = truncated_boxes(corners, sizes, (224, 224)), even(1000), 200
    maps = maps_inside(corners, sizes)
    hits = torch.zeros(2, 1000)
    for rows in torch.arange(50_000).split(500):
        found = contour_iou(maps[rows], (224, 224), thresholds, truth[rows], counts[rows])
        hits += torch.stack([(ious >= 0.5).sum(0) for ious in found])
        if rows[0] >= checked:
            continue
        for number, row in enumerate(rows.tolist()):
            boxes = truth[row, : counts[row]].tolist()
            for ious, every in zip(found, (False, True), strict=True):
                expected = wsolevaluation.sweep(
                    maps[row].numpy(), (224, 224), thresholds.numpy(), boxes, every
                )
                assert ious[number].tolist() == expected.tolist()
    best = hits.amax(1) / 50_000
    assert 0.5 < best[0] <= best[1] < 1
