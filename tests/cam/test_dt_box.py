from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from gapcam.cam.dt_box import LEVELS, dt_boxes, loose_and_tight

Grey = NDArray[np.uint8]


def slow_boxes(grey: Grey) -> list[list[int]]:
    """dt_box.cpp statement by statement, with today's OpenCV."""
    height, width = grey.shape
    boxes = []
    for level in LEVELS:
        mask = (grey > level).astype(np.uint8)
        if mask.any() and not mask.all():
            depth = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE).astype(float)
            mask = (np.floor(depth * (255 / depth.max()) + 0.5) > 10).astype(np.uint8)
        mask[[0, -1]] = mask[:, [0, -1]] = 0
        for contour in cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)[0]:
            x, y, across, down = cv2.boundingRect(contour)
            boxes.append(
                [
                    min(x, width - 5),
                    min(y, height - 5),
                    min(across, width - x - 5),
                    min(down, height - y - 5),
                ]
            )
    boxes.sort(key=lambda box: -box[2] * box[3])
    first = 0
    while first < len(boxes):
        other = first + 1
        while other < len(boxes):
            if shared(boxes[first], boxes[other]) > int(
                0.5 * max(box[2] * box[3] for box in (boxes[first], boxes[other]))
            ):
                del boxes[other]
            other += 1
        first += 1
    return boxes


def shared(a: list[int], b: list[int]) -> int:
    across = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    down = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(across, 0) * max(down, 0)


def as_grey(values: NDArray[np.floating]) -> Grey:
    values = values.clip(0)
    return np.floor(values * (255 / max(values.max(), 1e-9)) + 0.5).astype(np.uint8)


def random_maps(random: np.random.Generator, count: int) -> Iterator[Grey]:
    """Smooth maps with and without zero crossings, rings in rings, sparse and dense noise."""
    for number in range(count):
        height, width = random.integers(1, 60, 2)
        cells = int(random.integers(2, 12))
        smooth = cv2.resize(
            random.normal(size=(cells, cells)), (int(width), int(height)), interpolation=2
        )
        rows, columns = np.mgrid[:height, :width]
        waves = np.cos(np.hypot(rows - height / 2, columns - width / 2) / random.uniform(0.5, 9))
        noise = random.integers(0, 256, (height, width))
        sparse = (random.random((height, width)) < random.random()) * random.integers(256)
        yield [as_grey(smooth), as_grey(abs(smooth)), as_grey(waves + 1)][number % 3]
        if not number % 8:
            yield noise.astype(np.uint8)
            yield sparse.astype(np.uint8)


def test_authors_heat_map_gives_the_authors_boxes(real_data: Path) -> None:
    folder = real_data / "cam_reference" / "bboxgenerator"
    with Image.open(folder / "heatmap_6.jpg") as picture:
        grey = np.array(picture.convert("L"))
    theirs = [int(word) for word in (folder / "heatmap_6.txt").read_text().split()]
    found = dt_boxes(torch.from_numpy(grey))
    assert found.flatten().tolist() == theirs
    assert loose_and_tight(found).tolist() == [[41, 145, 404, 348], [102, 188, 345, 315]]


def check(seed: int, count: int) -> None:
    for grey in random_maps(np.random.default_rng(seed), count):
        assert dt_boxes(torch.from_numpy(grey)).tolist() == slow_boxes(grey)


def test_equals_the_program_step_by_step() -> None:
    check(0, 200)


@pytest.mark.slow
def test_equals_the_program_on_thousands_of_maps() -> None:
    check(1, 3_000)


@pytest.mark.slow
def test_equals_the_program_on_maps_of_full_size() -> None:
    random = np.random.default_rng(2)
    for _ in range(200):
        grey = as_grey(abs(cv2.resize(random.normal(size=(14, 14)), (500, 375), interpolation=2)))
        assert dt_boxes(torch.from_numpy(grey)).tolist() == slow_boxes(grey)


def painted(height: int, width: int, *places: tuple[int, int, int, int, int]) -> Grey:
    grey = np.zeros((height, width), np.uint8)
    for x0, y0, x1, y1, level in places:
        grey[y0:y1, x0:x1] = level
    return grey


@pytest.mark.parametrize(
    ("grey", "expected"),
    [
        (painted(20, 30), []),
        (painted(20, 30, (0, 0, 30, 20, 20)), []),  # not above the lowest level
        # Without a background nothing is shallow: the whole image but its outermost pixels, once
        # more for the twin that is not compared.
        (painted(20, 30, (0, 0, 30, 20, 255)), [[1, 1, 24, 14]] * 2),
        (painted(20, 30, (0, 0, 30, 20, 60)), [[1, 1, 24, 14]]),
        (painted(1, 1, (0, 0, 1, 1, 255)), []),
        (painted(2, 30, (0, 0, 30, 2, 255)), []),
        # Three equal boxes: the second goes, the third is not compared with the first.
        (painted(40, 40, (10, 8, 20, 22, 255)), [[10, 8, 10, 14]] * 2),
        # A hole has a box, too, a pixel larger on each side.
        (
            painted(40, 40, (5, 5, 30, 25, 60), (15, 12, 20, 16, 0)),
            [[5, 5, 25, 20], [14, 11, 7, 6]],
        ),
        # Boxes stop short of the right and the bottom border; within it they turn round.
        (painted(40, 40, (10, 10, 39, 39, 60)), [[10, 10, 25, 25]]),
        (painted(40, 40, (37, 10, 39, 20, 60)), [[35, 10, -2, 10]]),
    ],
)
def test_small_maps(grey: Grey, expected: list[list[int]]) -> None:
    assert dt_boxes(torch.from_numpy(grey)).tolist() == expected
    assert slow_boxes(grey) == expected


def test_shallow_pixels_are_dropped() -> None:
    """A square of 60 and a whisker of one pixel: depth 1 of 30 is 8.5 of 255.

    Where the whisker begins, the next background is diagonal, and 1.4 of 30 is 12 of 255.
    """
    grey = painted(80, 100, (10, 10, 70, 70, 60), (70, 30, 90, 31, 60))
    assert dt_boxes(torch.from_numpy(grey)).tolist() == [[11, 11, 59, 58]]


def test_levels_are_grey_levels_of_ones_own() -> None:
    grey = painted(40, 40, (5, 5, 30, 30, 60), (10, 10, 20, 20, 200))
    assert dt_boxes(torch.from_numpy(grey), levels=(100,)).tolist() == [[10, 10, 10, 10]]
    assert dt_boxes(torch.from_numpy(grey), levels=(30, 150)).tolist() == [
        [5, 5, 25, 25],
        [10, 10, 10, 10],
    ]


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([], [[0, 0, 0, 0], [0, 0, 0, 0]]),
        ([[3, 4, 10, 20]], [[3, 4, 14, 25]] * 2),
        ([[3, 4, 10, 20], [5, 6, 0, 1], [7, 7, 1, 1]], [[3, 4, 14, 25], [5, 6, 6, 8]]),
        ([[35, 10, -2, 10]], [[33, 10, 36, 21]] * 2),  # corners in the wrong order
    ],
)
def test_loose_and_tight(boxes: list[list[int]], expected: list[list[int]]) -> None:
    found = loose_and_tight(torch.tensor(boxes, dtype=torch.int64).view(-1, 4))
    assert found.dtype == torch.float32
    assert found.tolist() == expected


@pytest.mark.parametrize(
    ("grey", "message"),
    [
        (torch.zeros(0, 4, dtype=torch.uint8), r"of a pixel or more.*got \(0, 4\)"),
        (torch.zeros(1, 4, 4, dtype=torch.uint8), r"needs a grey map \(H, W\).*got \(1, 4, 4\)"),
        (torch.zeros(4, 4), r"of dtype uint8; got \(4, 4\) of dtype torch.float32"),
    ],
)
def test_other_maps_are_refused(grey: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dt_boxes(grey)


@pytest.mark.parametrize("levels", [(), (0, 100), (20, 20, 110), (110, 100, 20), (20, 255)])
def test_levels_are_checked(levels: tuple[int, ...]) -> None:
    with pytest.raises(
        ValueError, match=r"levels must be ascending whole numbers in 1\.\.254; got"
    ):
        dt_boxes(torch.zeros(4, 4, dtype=torch.uint8), levels)
