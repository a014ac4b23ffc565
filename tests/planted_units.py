"""Pictures and a network whose class-specific units are known: a unit a colour, weights by hand.

    python tests/planted_units.py <folder>

writes `<folder>/pictures`, class folders of pictures with coloured squares on grey, and
`<folder>/colours.ckpt`, a network whose unit k sees colour k.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from benches import COLOURS, colour_network, save_network
from PIL import Image

CLASSES = {
    "berries": ("red", "green"),
    "sea": ("blue", "cyan"),
    "sunflowers": ("yellow", "green"),
}
"""Colours of each class, the one with the larger weight first; unit k is the k-th of `COLOURS`."""

WEIGHTS = (2.0, 1.0)
SIDE = 64
SQUARE = 16
EACH = 6
_PARTS = {
    "red": (1, 0, 0),
    "green": (0, 1, 0),
    "blue": (0, 0, 1),
    "yellow": (1, 1, 0),
    "magenta": (1, 0, 1),
    "cyan": (0, 1, 1),
}


def place_of(label: int, copy: int, which: int) -> tuple[int, int]:
    """Top and left of a square: the cells of the network's 16x16 maps are 4x4 pixels."""
    random = np.random.default_rng([label, copy])
    corners = [(top, left) for top in (4, 24, 44) for left in (4, 24, 44)]
    return corners[random.permutation(len(corners))[which]]


def shade_of(label: int, copy: int) -> int:
    """Brightness of a picture's squares, another one in each: it is the activation of the unit."""
    return 250 - 7 * (copy * len(CLASSES) + label)


def make_pictures(root: Path) -> Path:
    """`train` and `test`, one picture a class and six; each has a square of both its colours."""
    for label, (name, colours) in enumerate(CLASSES.items()):
        for copy in range(EACH + 1):
            folder = root / ("test" if copy < EACH else "train") / name
            folder.mkdir(parents=True, exist_ok=True)
            pixels = np.full((SIDE, SIDE, 3), 128, np.uint8)
            for which, colour in enumerate(colours):
                top, left = place_of(label, copy, which)
                square = np.multiply(_PARTS[colour], shade_of(label, copy))
                pixels[top : top + SQUARE, left : left + SQUARE] = square
            Image.fromarray(pixels).save(folder / f"{copy}.png")
    return root


def save_weights(path: Path) -> Path:
    """The checkpoint of the network, for `ckpt` or `arch.weights`."""
    network = colour_network(list(CLASSES))
    weight = network.get_submodule("classifier").weight
    with torch.no_grad():
        for label, colours in enumerate(CLASSES.values()):
            for colour, value in zip(colours, WEIGHTS, strict=True):
                weight[label, COLOURS.index(colour)] = value  # type: ignore[index]
    return save_network(path, network)


def make_units(folder: Path) -> Path:
    """Both, in one folder."""
    make_pictures(folder / "pictures")
    save_weights(folder / "colours.ckpt")
    return folder


def units_words(folder: Path, *more: str) -> list[str]:
    """Of the command line, for what `make_units` wrote."""
    return [
        *("study=units", "data=folders", f"data.root={folder / 'pictures'}", "arch=small_gap"),
        *("arch.units=8", f"arch.weights={folder / 'colours.ckpt'}", *more),
    ]


if __name__ == "__main__":
    print(make_units(Path(sys.argv[1])) / "colours.ckpt")
