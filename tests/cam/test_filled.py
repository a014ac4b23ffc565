import cv2
import numpy as np
import pytest
from scipy import ndimage
from trees import VALUES, components

from gapcam.cam.filled import count_half_windows, fill_holes


@pytest.mark.parametrize("name", VALUES)
def test_filling_a_map_fills_the_holes_of_every_mask(name: str) -> None:
    filled = VALUES[name].copy()
    fill_holes(filled, 0)
    for threshold in np.unique(VALUES[name]):
        expected = ndimage.binary_fill_holes(VALUES[name] > threshold)
        assert (filled > threshold).tolist() == expected.tolist()


def test_a_lake_within_an_island_within_a_lake() -> None:
    rings = np.zeros((11, 11), np.float32)
    for margin, height in ((1, 5), (2, 1), (3, 4), (4, 2), (5, 0)):
        rings[margin:-margin, margin:-margin] = height
    fill_holes(rings, 0)
    assert rings[5].tolist() == [0, 5, 5, 5, 5, 5, 5, 5, 5, 5, 0]


@pytest.mark.parametrize("name", VALUES)
def test_half_windows_are_twice_the_area_of_contours(name: str) -> None:
    values = VALUES[name].copy()
    fill_holes(values, 0)
    halves = np.empty(values.shape, np.uint8)
    count_half_windows(values, halves)
    for threshold in np.unique(values)[:-1]:
        mask = values > threshold
        contours = cv2.findContours(mask.astype(np.uint8), cv2.RETR_TREE, cv2.CHAIN_APPROX_NONE)[0]
        areas = sorted(2 * cv2.contourArea(contour) for contour in contours)
        found = components(mask, 1, np.where(mask, halves, 0).astype(np.uint8))
        assert sorted(area for *_, area, _ in found.elements()) == areas
