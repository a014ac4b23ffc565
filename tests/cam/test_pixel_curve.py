import cv2
import numpy as np
import pytest
import torch

from gapcam.cam.pixel_curve import bin_edges, pixel_curve, pixel_histograms, pixels_of_grid

STEPS = 50
THRESHOLDS = torch.arange(STEPS, dtype=torch.float64) / STEPS
EDGES = bin_edges(THRESHOLDS)


def published(heat: np.ndarray, masks: np.ndarray) -> float:
    """PxAP as published: 0 false, 1 true, 255 ignored; histograms by NumPy, image by image."""
    edges = np.append([step / STEPS for step in range(STEPS)], [1.0, 2.0, 3.0])
    true, false = np.zeros(STEPS + 2), np.zeros(STEPS + 2)
    for scores, mask in zip(heat, masks, strict=True):
        true += np.histogram(scores[mask == 1], bins=edges)[0]
        false += np.histogram(scores[mask == 0], bins=edges)[0]
    tp, fp = true[::-1].cumsum(), false[::-1].cumsum()
    area = 0.0
    for i in range(1, STEPS + 2):
        if tp[i] + fp[i] > 0:
            area += tp[i] / (tp[i] + fp[i]) * (tp[i] / tp[-1] - tp[i - 1] / tp[-1])
    return area


def generated(images: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Maps of double precision with a minimum of 0 and a maximum of 1, and kinds of pixels."""
    generator = torch.Generator().manual_seed(images)
    heat = torch.rand(images, 30, 40, dtype=torch.float64, generator=generator)
    heat[:, 3] = torch.arange(40) / 50  # on the edges of bins
    heat[:, 0, 0], heat[:, 0, 1] = 0, 1
    return heat, torch.randint(3, heat.shape, generator=generator)


def test_equals_the_published_loop() -> None:
    heat, kinds = generated(4)
    counts = pixel_histograms(heat, kinds, EDGES).sum(0)
    masks = kinds.numpy().copy()
    masks[masks == 2] = 255
    assert float(pixel_curve(counts, EDGES).average_precision) == published(heat.numpy(), masks)


def test_histograms_are_numpys() -> None:
    heat, kinds = generated(3)
    counts = pixel_histograms(heat, kinds, EDGES)
    for image in range(3):
        for kind in (0, 1):
            values = heat[image][kinds[image] == kind].numpy()
            assert counts[image, kind].tolist() == np.histogram(values, EDGES.numpy())[0].tolist()


@pytest.mark.parametrize(
    ("true", "false", "expected"),
    [
        ([], [], None),
        ([], [0.5], None),
        ([0.5], [], 1.0),
        ([0.9, 0.8], [0.1, 0.0], 1.0),
        ([0.1], [0.9], 0.5),
        ([0.5, 0.5], [0.5, 0.5], 0.5),  # a constant map: the share of true pixels
        ([1.0, 0.0], [0.0], 0.5 * 1 + 0.5 * 2 / 3),
    ],
)
def test_areas(true: list[float], false: list[float], expected: float | None) -> None:
    heat = torch.tensor([[true + false]], dtype=torch.float64)
    kinds = torch.tensor([[[1] * len(true) + [0] * len(false)]], dtype=torch.int64)
    curve = pixel_curve(pixel_histograms(heat, kinds, EDGES).sum(0), EDGES)
    area = float(curve.average_precision)
    assert np.isnan(area) if expected is None else area == pytest.approx(expected)
    assert len(curve.thresholds) == len(curve.precision) == len(curve.recall) == STEPS + 1
    assert curve.thresholds[0] == 1
    assert curve.thresholds[-1] == 0


@pytest.mark.parametrize("size", [(1, 1), (7, 224), (30, 40), (333, 500), (375, 500), (1000, 31)])
@pytest.mark.parametrize("grid", [(1, 1), (5, 3), (224, 224), (112, 300)])
def test_masks_are_resized_as_by_opencv(size: tuple[int, int], grid: tuple[int, int]) -> None:
    height, width = size
    places = np.stack(np.indices(size), axis=-1).astype(np.float32)  # each pixel says where it is
    expected = cv2.resize(places, grid[::-1], interpolation=cv2.INTER_NEAREST)
    whole = torch.tensor([[0, 0, width, height]])
    for axis in (0, 1):
        masks = torch.from_numpy(places[None, ..., axis])
        found = pixels_of_grid(masks, torch.tensor([size]), whole, grid)
        assert np.array_equal(found[0].numpy(), expected[..., axis])


def test_parts_of_masks_of_another_size() -> None:
    masks = torch.arange(6).expand(2, 4, 6)  # of images four times as large
    regions = torch.tensor([[0.0, 0.0, 24.0, 16.0], [8.0, 0.0, 16.0, 16.0]])
    found = pixels_of_grid(masks, torch.tensor([[16, 24]] * 2), regions, (2, 4))
    assert found[0].tolist() == [[0, 1, 3, 4]] * 2
    assert found[1].tolist() == [[2, 2, 3, 3]] * 2
