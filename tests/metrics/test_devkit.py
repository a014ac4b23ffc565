"""The ILSVRC devkit's rule on the official boxes of all 50,000 validation pictures."""

import gzip
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from gapcam.metrics import LocalizationError
from gapcam.protocol import Protocol

TRUTH = Path(__file__).resolve().parents[3] / "shared" / "data" / "ilsvrc_gt"
CLASSES = 1000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not TRUTH.is_dir(), reason=f"no official boxes in {TRUTH}"),
]


def lines(name: str) -> list[list[str]]:
    with gzip.open(TRUTH / name, "rt") as file:
        return [line.strip().split(",") for line in file]


@pytest.fixture(scope="module")
def truth() -> dict[str, list]:
    """Labels, sizes (height, width) and inclusive boxes, in the order of the pictures."""
    boxes = defaultdict(list)
    for name, *corners in lines("localization.txt.gz"):
        boxes[name].append([int(corner) for corner in corners])
    sizes = {name: (int(h), int(w)) for name, w, h in lines("image_sizes.txt.gz")}
    labels = {name: int(label) for name, label in lines("class_labels.txt.gz")}
    names = sorted(labels)
    return {
        "labels": [labels[name] for name in names],
        "sizes": [sizes[name] for name in names],
        "boxes": [boxes[name] for name in names],
    }


@pytest.fixture(scope="module")
def guesses(truth: dict[str, list]) -> tuple[list, list]:
    """Five classes and whole-pixel boxes for each picture, near a true box more often than not."""
    random = np.random.default_rng(0)
    classes, boxes = [], []
    for label, (height, width), true in zip(*truth.values(), strict=True):
        named = random.permutation(CLASSES)[:5]
        if random.random() < 0.8:
            named[min(random.geometric(0.5) - 1, 4)] = label
        classes.append(named.tolist())
        base = np.array(true)[random.integers(len(true), size=5)]
        spread = np.array([width, height] * 2) * 0.12
        moved = np.rint(base + random.normal(size=(5, 4)) * spread).astype(int)
        moved = np.clip(moved, 0, [width - 1, height - 1] * 2)
        low, high = np.minimum(moved[:, :2], moved[:, 2:]), np.maximum(moved[:, :2], moved[:, 2:])
        boxes.append(np.concatenate([low, high], axis=1).tolist())
    return classes, boxes


def devkit_error(truth: dict[str, list], classes: list, boxes: list) -> list[float]:
    """Top-1 to top-5 error as eval_clsloc computes it: minimum over guesses, mean over pictures."""
    totals = [0] * 5
    for label, true, named, found in zip(
        truth["labels"], truth["boxes"], classes, boxes, strict=True
    ):
        best = 1
        for guess in range(5):
            best = min(best, _guess_error(label, true, named[guess], found[guess]))
            totals[guess] += best
    return [total / len(classes) for total in totals]


def _guess_error(label: int, true: list, named: int, box: list[int]) -> int:
    overlap = 0.0
    for other in true:
        width = min(box[2], other[2]) - max(box[0], other[0]) + 1
        height = min(box[3], other[3]) - max(box[1], other[1]) + 1
        if width > 0 and height > 0:
            areas = (box[2] - box[0] + 1) * (box[3] - box[1] + 1) + (other[2] - other[0] + 1) * (
                other[3] - other[1] + 1
            )
            overlap = max(overlap, width * height / (areas - width * height))
    return int(named != label or overlap < 0.5)


@dataclass(frozen=True, kw_only=True)
class GivenBoxes(Protocol):
    """A rule whose maps, of one row and four columns, are the boxes themselves."""

    def boxes(self, maps: Tensor, *_: Tensor) -> Tensor:  # type: ignore[override]
        return maps


@pytest.fixture(scope="module")
def metric(truth: dict[str, list], guesses: tuple[list, list]) -> LocalizationError:
    """Has seen all pictures, in batches of 64."""
    classes, boxes = guesses
    half_open = torch.tensor([0.0, 0, 1, 1])
    labels = torch.tensor(truth["labels"])
    found = torch.tensor(boxes) + half_open
    true = [torch.tensor(some) + half_open for some in truth["boxes"]]
    ranked = torch.cat([torch.tensor(classes), labels[:, None]], dim=1)
    maps = torch.cat([found, found[:, :1]], dim=1)[:, :, None]  # any box for the true class
    metric = LocalizationError(GivenBoxes(name="given"), size=(224, 224), num_classes=CLASSES)
    for rows in torch.arange(len(labels)).split(64):
        metric.update(
            maps=maps[rows],
            classes=ranked[rows],
            labels=labels[rows],
            boxes=[true[row] for row in rows],
            sizes=torch.tensor(truth["sizes"])[rows],
            index=rows,
        )
    return metric


def test_top1_to_top5_equal_the_devkits_to_the_last_digit(
    metric: LocalizationError, truth: dict[str, list], guesses: tuple[list, list]
) -> None:
    expected = devkit_error(truth, *guesses)
    assert metric.errors_by_guesses().tolist() == torch.tensor(expected).tolist()
    assert 0.3 < expected[4] < expected[3] < expected[2] < expected[1] < expected[0] < 0.9
    numbers = metric.compute()
    assert numbers["loc_top1"] == torch.tensor(expected[0])
    assert numbers["loc_top5"] == torch.tensor(expected[4])


def test_floors_are_those_of_the_official_boxes(
    metric: LocalizationError, truth: dict[str, list]
) -> None:
    wrong = sum(
        not any(2 * (x1 - x0 + 1) * (y1 - y0 + 1) >= height * width for x0, y0, x1, y1 in boxes)
        for (height, width), boxes in zip(truth["sizes"], truth["boxes"], strict=True)
    )
    numbers = metric.compute()
    assert numbers["floor_whole_image"] == torch.tensor(wrong / len(truth["sizes"]))
    assert wrong == 29649
    assert float(numbers["floor_best_centred"]) == pytest.approx(0.465, abs=5e-4)


def test_slices_have_all_pictures_and_classes(metric: LocalizationError) -> None:
    slices = metric.slices()
    assert slices["boxes"].images.tolist()[:3] == [0, 38285, 6128]
    assert slices["class"].images.tolist() == [50] * CLASSES
    assert metric.classes_without_boxes() == []
    assert float(sum(metric.taxonomy().values())) == pytest.approx(1)


def test_fifty_thousand_rows_are_fast(metric: LocalizationError) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # waiting threads use time, too
    metric._computed = None
    start = time.thread_time()
    metric.compute()
    middle = time.thread_time()
    metric.confidence()
    assert middle - start < 1
    assert time.thread_time() - middle < 5
    torch.set_num_threads(threads)
