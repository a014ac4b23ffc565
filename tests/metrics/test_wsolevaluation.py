"""MaxBoxAcc against wsolevaluation's rules, written here with OpenCV: equal, not nearly so."""

import gzip
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from gapcam.metrics import MaxBoxAcc

TRUTH = Path(__file__).resolve().parents[3] / "shared" / "data" / "ilsvrc_gt"
SIDE = 224
STEPS = 1000
Boxes = NDArray[np.int64]


def pieces(cam: NDArray[np.float64]) -> Iterator[tuple[Boxes, Boxes]]:
    """The largest contour's box and the boxes of all, for each threshold in turn."""
    heat = cv2.resize(cam, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    heat = heat - heat.min()
    heat = heat / heat.max() if heat.max() > 0 and np.isfinite(heat).all() else np.zeros_like(heat)
    image = (heat * 255).astype(np.uint8)
    for step in range(STEPS):
        level = int(step / STEPS * image.max())
        _, mask = cv2.threshold(image, level, 255, cv2.THRESH_BINARY)
        contours, _ = cv2.findContours(mask, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
        if not contours:
            nothing = np.zeros((1, 4), int)
            yield nothing, nothing
            continue
        largest = max(contours, key=cv2.contourArea)
        yield _boxes([largest]), _boxes(contours)


def _boxes(contours: list) -> Boxes:
    found = np.array([cv2.boundingRect(contour) for contour in contours])
    found[:, 2:] = np.minimum(found[:, :2] + found[:, 2:], SIDE - 1)
    return found


def best_iou(found: Boxes, true: Boxes) -> float:
    """The best of all pairs, of inclusive corners."""
    low = np.maximum(found[:, None, :2], true[None, :, :2])
    high = np.minimum(found[:, None, 2:], true[None, :, 2:])
    overlap = (high - low + 1).clip(0).prod(-1)
    area, true_area = ((boxes[:, 2:] - boxes[:, :2] + 1).prod(-1) for boxes in (found, true))
    return float((overlap / (area[:, None] + true_area - overlap)).max())


def published(maps: NDArray, boxes: list[list[list[int]]], sizes: list[tuple]) -> dict[str, float]:
    """V1 and V2 and their thresholds, of inclusive boxes in files and sizes `(height, width)`."""
    found = np.zeros((2, 3, STEPS), int)
    levels = (0.3, 0.5, 0.7)
    for cam, true, (height, width) in zip(maps, boxes, sizes, strict=True):
        scale = np.array([SIDE / width, SIDE / height] * 2)
        truncated = np.array([[int(c) for c in np.array(one) * scale] for one in true])
        for step, both in enumerate(pieces(cam)):
            for version, some in enumerate(both):
                iou = best_iou(some, truncated)
                found[version, :, step] += [iou >= level for level in levels]
    numbers = {}
    for version, kind in enumerate(("", "_v2")):
        for row, ending in enumerate(("30", "50", "70")):
            counts = found[version, row]
            numbers[f"max_box_acc{kind}_{ending}"] = counts.max() / len(maps)
            numbers[f"threshold{kind}_{ending}"] = int(np.argmax(counts)) / STEPS
    best = found[1].max(1)
    return {**numbers, "max_box_acc_v2": best.sum() / 3 / len(maps)}


def smooth_maps(images: int, cells: int, noise: float, seed: int) -> NDArray[np.float64]:
    """A few blobs and some noise."""
    random = np.random.default_rng(seed)
    place = (np.arange(cells) + 0.5) / cells
    maps = noise * random.normal(size=(images, cells, cells))
    for one in maps:
        for _ in range(random.integers(1, 4)):
            centre, spread = random.uniform(0.1, 0.9, 2), random.uniform(0.08, 0.3, 2)
            down, across = (
                np.exp(-0.5 * ((place - c) / s) ** 2) for c, s in zip(centre, spread, strict=True)
            )
            one[:] += random.uniform(0.4, 1) * down[:, None] * across
    return maps


def check(maps: NDArray, boxes: list[list[list[int]]], sizes: list[tuple]) -> None:
    metric = MaxBoxAcc()
    half_open = [torch.tensor(some) + torch.tensor([0.0, 0, 1, 1]) for some in boxes]
    for start in range(0, len(maps), 64):
        rows = slice(start, start + 64)
        metric.update(
            maps=torch.from_numpy(maps[rows]),
            boxes=half_open[rows],
            sizes=torch.tensor(sizes[rows]),
        )
    numbers = metric.compute()
    for name, value in published(maps, boxes, sizes).items():
        assert numbers[name] == torch.tensor(value).float(), name


def test_generated_boxes() -> None:
    random = np.random.default_rng(0)
    maps, boxes, sizes = smooth_maps(8, 14, 0.05, seed=1), [], []
    for _ in range(len(maps)):
        height, width = (int(side) for side in random.integers(60, 500, 2))
        corners = np.sort(random.random((random.integers(1, 4), 2, 2)), axis=1)
        boxes.append((corners * [width - 1, height - 1]).astype(int).reshape(-1, 4).tolist())
        sizes.append((height, width))
    maps[0] = 0  # no contour, yet scored as a box of one pixel
    check(maps, boxes, sizes)


@pytest.mark.slow
@pytest.mark.skipif(not TRUTH.is_dir(), reason=f"no official boxes in {TRUTH}")
@pytest.mark.parametrize("cells", [7, 14, 28])
def test_official_boxes(cells: int) -> None:
    boxes: dict[str, list] = defaultdict(list)
    with gzip.open(TRUTH / "localization.txt.gz", "rt") as lines:
        for name, *corners in (line.strip().split(",") for line in lines):
            boxes[name].append([int(corner) for corner in corners])
    with gzip.open(TRUTH / "image_sizes.txt.gz", "rt") as lines:
        sizes = {n: (int(h), int(w)) for n, w, h in (line.strip().split(",") for line in lines)}
    names = sorted(boxes)[:: 50_000 // 30]
    maps = smooth_maps(len(names), cells, 0.05, seed=cells)
    check(maps, [boxes[name] for name in names], [sizes[name] for name in names])
