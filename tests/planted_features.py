"""Pictures of colours with planted truth, and a network that sees them, for `study=features`.

uv run python tests/planted_features.py /tmp/features
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from benches import COLOURS, bench, colour_network, save_network
from PIL import Image

from gapcam.study.bench import Bench
from gapcam.study.features.study import Features
from gapcam.study.outcome import Outcome

ARCH = ("arch=small_gap", "arch.units=8")
RGB = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0)}
SIDE = 64
PATCH = 20


def make_features(root: Path, each: int = 8) -> Path:
    """Four classes: grey noise with a patch of the class's colour at a random place, boxed."""
    random = np.random.default_rng(0)
    for name, colour in RGB.items():
        (root / "pictures" / name).mkdir(parents=True, exist_ok=True)
        (root / "boxes" / name).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            pixels = np.repeat(random.integers(90, 160, (SIDE, SIDE, 1), np.uint8), 3, axis=2)
            left, top = (int(corner) for corner in random.integers(SIDE - PATCH, size=2))
            pixels[top : top + PATCH, left : left + PATCH] = colour
            Image.fromarray(pixels).save(root / "pictures" / name / f"{number}.png")
            xml = boxed(name, (left, top, left + PATCH, top + PATCH))
            (root / "boxes" / name / f"{number}.xml").write_text(xml)
    network = colour_network([f"class {number}" for number in range(len(COLOURS))])
    save_network(root / "colours.ckpt", network)
    return root


def boxed(name: str, box: tuple[int, int, int, int]) -> str:
    """An annotation of one object, half-open `box`."""
    x0, y0, x1, y1 = box
    return (
        f"<annotation><size><width>{SIDE}</width><height>{SIDE}</height><depth>3</depth></size>"
        f"<object><name>{name}</name><bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin>"
        f"<xmax>{x1 - 1}</xmax><ymax>{y1 - 1}</ymax></bndbox></object></annotation>"
    )


def bench_of(root: Path, runs: Path, *more: str) -> Bench:
    words = (
        *("study=features", "data=folders", f"data.root={root}", "data.pictures=pictures"),
        *("data.train_per_class=5", "data.annotations=boxes", *ARCH),
        *(f"arch.weights={root}/colours.ckpt", "gallery=2"),
    )
    return bench(runs, *words, *more)


def done(found: Bench, **settings: Any) -> Outcome:
    study = Features(**settings)
    study.check(found)
    return study.run(found)


if __name__ == "__main__":
    print(make_features(Path(sys.argv[1])))
