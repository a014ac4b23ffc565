"""Birds that differ in a spot, before clutter of the spots' colours: in CUB's layout.

    python tests/planted_cub.py /tmp/cub
    python -m gapcam.study study=cub data=cub200 data.root=/tmp/cub \
        arch=small_gap arch.units=8 arch.weights=/tmp/cub/colours.ckpt

Unit k of the network sees colour k. A bird is a red or green body with a yellow or cyan spot in it:
four kinds. Around it lie more pieces of yellow and cyan than the spot has, so that full pictures
mislead about the spot, not about the body. The body speaks for two kinds, so the map of either lies
on it, and the crop shows the spot without the clutter. One test picture of each kind is grey:
nothing can be found there.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from benches import bench, colour_network, save_network
from numpy.typing import NDArray
from PIL import Image

from gapcam.study.bench import Bench
from gapcam.study.cub.study import Cub

NETWORK = ("study=cub", "arch=small_gap", "arch.units=8")
SIDE = 128
CELL = 8
"""Pixels a cell: the network makes 16x16 maps of 64x64 pixels, and pictures are twice that."""
COLOURS = {"Red": (255, 0, 0), "Green": (0, 255, 0), "Yellow": (255, 255, 0), "Cyan": (0, 255, 255)}
KINDS = [(body, spot) for body in ("Red", "Green") for spot in ("Yellow", "Cyan")]
_GREY = (90, 90, 90)
_PIECES = 20
"""Of each spot's colour at most, each of one cell; a spot has four."""

Box = tuple[int, ...]


def make_planted_cub(root: Path, each: int = 8, seed: int = 0) -> Path:
    """Write so many training and as many test pictures of each kind; returns the folder."""
    random = np.random.default_rng(seed)
    lines: dict[str, list[str]] = {"images": [], "image_class_labels": []}
    lines |= {"train_test_split": [], "bounding_boxes": [], "classes": []}
    for label, (body, spot) in enumerate(KINDS, start=1):
        kind = f"{body}_Bird_with_{spot}_Spot"
        folder = f"{label:03d}.{kind}"
        lines["classes"].append(f"{label} {folder}")
        for copy in range(2 * each):
            pixels, (x0, y0, x1, y1) = _bird(random, body, spot, copy == 2 * each - 1)
            name = f"{folder}/{kind}_{copy:02d}.png"
            path = root / "images" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
            number = len(lines["images"]) + 1
            lines["images"].append(f"{number} {name}")
            lines["image_class_labels"].append(f"{number} {label}")
            lines["train_test_split"].append(f"{number} {int(copy < each)}")
            lines["bounding_boxes"].append(f"{number} {x0}.0 {y0}.0 {x1 - x0}.0 {y1 - y0}.0")
    for name, rows in lines.items():
        (root / f"{name}.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return root


def _bird(
    random: np.random.Generator, body: str, spot: str, is_grey: bool
) -> tuple[NDArray[np.uint8], Box]:
    """Pixels `(H, W, 3)` and the box of the body."""
    cells = SIDE // CELL
    width, height = random.integers(4, 8, 2)
    left, top = random.integers(1, cells - width), random.integers(1, cells - height)
    names = np.full((cells, cells), "", dtype="U6")
    for colour in ("Yellow", "Cyan"):
        # On every other cell: neighbours would be one region.
        for y, x in random.integers(0, cells // 2, (random.integers(0, _PIECES + 1), 2)) * 2:
            names[y, x] = colour
    names[top - 1 : top + height + 1, left - 1 : left + width + 1] = ""
    names[top : top + height, left : left + width] = body
    y, x = random.integers(top + 1, top + height - 2), random.integers(left + 1, left + width - 2)
    names[y : y + 2, x : x + 2] = spot
    pixels = np.full((cells, cells, 3), _GREY, np.uint8)
    for name, shade in () if is_grey else COLOURS.items():
        pixels[names == name] = shade
    box = left * CELL, top * CELL, (left + width) * CELL, (top + height) * CELL
    return pixels.repeat(CELL, 0).repeat(CELL, 1), box


def make_seen_birds(root: Path) -> Path:
    """The birds, and `colours.ckpt`, the network that sees their colours."""
    make_planted_cub(root)
    save_network(root / "colours.ckpt", colour_network([" ".join(kind) for kind in KINDS]))
    return root


def birds(root: Path, runs: Path, name: str, *more: str) -> Bench:
    """A bench under a name of its own; all in `runs` share features."""
    words = ("data=cub200", f"data.root={root}", f"arch.weights={root}/colours.ckpt")
    return bench(runs, *NETWORK, *words, f"name={name}", *more, gallery=3)


def cub(**changed: Any) -> Cub:
    """The study with other settings than the usual ones."""
    return Cub(**{"c": 1.0, "train_boxes": "guess", "margin": 0.0, **changed})


if __name__ == "__main__":
    print(make_seen_birds(Path(sys.argv[1])))
