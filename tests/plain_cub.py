"""Table 4's three settings once more, in a plain script: Pillow, NumPy, SciPy and scikit-learn."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from sklearn.svm import LinearSVC
from torch import nn
from torch.nn import functional as F

Units = Callable[[Image.Image], NDArray[np.float32]]
"""Last units `(K, h, w)` that a network has for a picture."""
Pictures = Mapping[str, Image.Image]
Box = tuple[float, ...]


class Plain(NamedTuple):
    """What came out, by name: `boxes` of the SVM of full pictures; `right` test pictures."""

    boxes: dict[str, Box]
    right: dict[str, list[str]]


class Lists(NamedTuple):
    """The data set's text files, by picture."""

    labels: dict[str, int]
    trains: dict[str, bool]
    boxes: dict[str, Box]


def units_of(network: nn.Module, size: tuple[int, int]) -> Units:
    """Ask a network that returns logits and last units, in whole pictures squashed to its size."""

    def units(picture: Image.Image) -> NDArray[np.float32]:
        seen = picture.resize((size[1], size[0]), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(seen)).permute(2, 0, 1)[None]
        with torch.no_grad():
            return network(pixels)[1][0].numpy()

    return units


def plain_cub(root: Path, units: Units, size: tuple[int, int]) -> Plain:
    """Train and test on full pictures, on crops to the boxes found there, on true boxes."""
    lists = _read(root)
    full = {name: Image.open(root / "images" / name).convert("RGB") for name in lists.labels}
    svm, right = _learn(full, lists, units)
    boxes = {name: _box(svm, units(one), one.size, size) for name, one in full.items()}
    cut = {
        "crop": {name: _cut(one, boxes[name]) for name, one in full.items()},
        "bbox": {name: _cut(one, lists.boxes[name]) for name, one in full.items()},
    }
    others = {setting: _learn(pictures, lists, units)[1] for setting, pictures in cut.items()}
    return Plain(boxes, {"full": right, **others})


def _read(root: Path) -> Lists:
    def column(file: str) -> list[str]:
        lines = (root / f"{file}.txt").read_text(encoding="utf-8").splitlines()
        return [line.partition(" ")[2] for line in lines]

    names = column("images")
    corners = [[float(word) for word in line.split()] for line in column("bounding_boxes")]
    return Lists(
        dict(zip(names, map(int, column("image_class_labels")), strict=True)),
        {name: word == "1" for name, word in zip(names, column("train_test_split"), strict=True)},
        {name: (x, y, x + w, y + h) for name, (x, y, w, h) in zip(names, corners, strict=True)},
    )


def _learn(pictures: Pictures, lists: Lists, units: Units) -> tuple[LinearSVC, list[str]]:
    """An SVM on average-pooled units, and which test pictures it gets right."""
    features = {name: units(one).mean((1, 2)) for name, one in pictures.items()}
    train = [name for name, trains in lists.trains.items() if trains]
    test = [name for name, trains in lists.trains.items() if not trains]
    svm = LinearSVC(random_state=0, max_iter=10_000, dual="auto")
    svm.fit(np.stack([features[name] for name in train]), [lists.labels[name] for name in train])
    guesses = svm.predict(np.stack([features[name] for name in test])).tolist()
    return svm, [n for n, guess in zip(test, guesses, strict=True) if guess == lists.labels[n]]


def _box(
    svm: LinearSVC, units: NDArray[np.float32], of: tuple[int, int], size: tuple[int, int]
) -> Box:
    """Section 3.2: more than a fifth of the maximum, the largest region, in the original's pixels.

    Args:
        svm: draws the map of its best guess.
        units: of the picture.
        of: width and height of the picture.
        size: height and width that the network sees.
    """
    guess = svm.decision_function(units.mean((1, 2))[None])[0].argmax()
    heat = torch.from_numpy(np.tensordot(svm.coef_[guess], units, 1))[None, None]
    heat = F.interpolate(heat, size=size, mode="bilinear", align_corners=False)[0, 0].numpy()
    regions, count = ndimage.label(heat > 0.2 * max(heat.max(), 0), np.ones((3, 3)))
    if heat.max() <= 0:
        return (0.0, 0.0, 0.0, 0.0)
    largest = 1 + np.bincount(regions.ravel(), minlength=count + 1)[1:].argmax()
    rows, columns = ndimage.find_objects(regions)[largest - 1]
    across, down = of[0] / size[1], of[1] / size[0]
    return columns.start * across, rows.start * down, columns.stop * across, rows.stop * down


def _cut(picture: Image.Image, box: Box) -> Image.Image:
    """All pixels that a box touches; the whole picture if there is no box."""
    if not any(box):
        return picture
    left, top = (max(0, math.floor(corner)) for corner in box[:2])
    right, bottom = (min(n, math.ceil(v)) for v, n in zip(box[2:], picture.size, strict=True))
    return picture.crop((left, top, right, bottom))
