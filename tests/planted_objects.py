"""Scenes with planted truth in the layout of SUN2012: one object carries each scene.

    python tests/planted_objects.py /tmp/objects

writes the pictures and `colours.ckpt`, a network whose units see colours.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from benches import bench, colour_network, save_network, study_config
from PIL import Image, ImageDraw

from gapcam.build import build
from gapcam.study.bench import Bench
from gapcam.study.objects.study import Objects
from gapcam.study.outcome import Outcome

SCENES = {
    "k/kitchen": ("kettle", "red"),
    "l/living_room": ("lamp", "lime"),  # what CSS calls pure green
    "s/street": ("sign", "blue"),
}
"""For each scene the object that carries it, and its colour."""

NAMES = ["kitchen", "living room", "street"]
CLUTTER = ("yellow", "magenta", "cyan")
SIZE = (150, 200)
"""Height and width of the pictures."""

CARRIED = 0.8
"""Share of a scene's pictures that have its object; the others have nothing but clutter."""


class Planted(NamedTuple):
    """A picture and its objects: name and corners of the outline, in pixels."""

    picture: Image.Image
    objects: list[tuple[str, list[tuple[float, float]]]]


def plant(carrier: tuple[str, str] | None, seed: Sequence[int]) -> Planted:
    """A wall above a floor, both grey, three balls in any colours, and the carrier.

    Wall, floor and balls are on all pictures of all scenes. Balls lie in the lower half, carriers
    anywhere above; the wall is occluded, as annotators say, by what hangs on it.
    """
    random = np.random.default_rng(list(seed))
    height, width = SIZE
    horizon = int(random.integers(height // 2, height // 2 + 10))
    picture = Image.new("RGB", (width, height), (110, 110, 110))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, horizon, width, height), fill=(60, 60, 60))
    objects = [
        ("Wall occluded", _rectangle(0, 0, width, horizon)),
        ("floor", _rectangle(0, horizon, width, height)),
    ]
    for place in range(3):
        left = 10 + place * 62 + int(random.integers(20))
        top = horizon + int(random.integers(4, 25))
        corners = _octagon(left, top, 16)
        pen.polygon(corners, fill=CLUTTER[int(random.integers(3))])
        objects.append(("ball", corners))
    if carrier is not None:
        name, colour = carrier
        side = int(random.integers(30, 44))
        left, top = int(random.integers(width - side)), int(random.integers(4, horizon - side))
        corners = _octagon(left, top, side)
        pen.polygon(corners, fill=colour)
        objects.append((name, corners))
    return Planted(picture, objects)


def make_planted_objects(root: Path, each: int = 40, size: int = 64) -> Path:
    """Three scenes with so many pictures each; and `colours.ckpt`, which sees `size` x `size`."""
    for number, (scene, carrier) in enumerate(SCENES.items()):
        for copy in range(each):
            has_carrier = copy < CARRIED * each
            made = plant(carrier if has_carrier else None, [number, copy])
            write_picture(root, scene, f"sun_{copy:03d}", made)
    network = colour_network(NAMES, size=size)
    save_network(root / "colours.ckpt", network)
    return root


def write_picture(root: Path, scene: str, name: str, made: Planted) -> None:
    """Write a picture and its annotation."""
    path = root / "Images" / scene / f"{name}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    made.picture.save(path, quality=95, subsampling=0)
    path = root / "Annotations" / scene / f"{name}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    objects = "".join(_object(name, corners) for name, corners in made.objects)
    size = f"<nrows>{made.picture.height}</nrows><ncols>{made.picture.width}</ncols>"
    path.write_text(
        f"<annotation><imagesize>{size}</imagesize>{objects}</annotation>\n", encoding="utf-8"
    )


def _object(name: str, corners: list[tuple[float, float]]) -> str:
    points = "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in corners)
    return f"<object><name>{name}</name><polygon>{points}</polygon></object>"


def _rectangle(x0: float, y0: float, x1: float, y1: float) -> list[tuple[float, float]]:
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def _octagon(left: float, top: float, side: float) -> list[tuple[float, float]]:
    """An octagon in a square; its corners are rounded, as annotators click."""
    angles = np.linspace(0, 2 * np.pi, 8, endpoint=False) + np.pi / 8
    around = np.column_stack([np.cos(angles), np.sin(angles)]) * side / 2
    return [(round(float(x), 1), round(float(y), 1)) for x, y in around + (left, top) + side / 2]


def words(root: Path) -> tuple[str, ...]:
    return (
        *("study=objects", "arch=small_gap", "arch.units=8", "arch.size=[64,64]"),
        *("data=sun_objects", f"data.root={root}", f"data.scenes=[{','.join(SCENES)}]"),
        *(f"arch.weights={root}/colours.ckpt", "data.eval_batch_size=15", "study.least=4"),
    )


def study(folder: Path, root: Path, *more: str, **changed: Any) -> tuple[Objects, Bench]:
    found = bench(folder, *words(root), *more, **changed)
    node = study_config(folder, *words(root), *more)["study"]
    made: Objects = build(node, "study")
    return made, found


def done(folder: Path, root: Path, *more: str, **changed: Any) -> Outcome:
    made, found = study(folder, root, *more, **changed)
    made.check(found)
    return made.run(found)


def by_scene(outcome: Outcome) -> dict[str, dict[str, dict[str, Any]]]:
    """Lines of objects.csv by scene and object."""
    sheet = outcome.tables["objects"]
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in sheet.rows:
        line = dict(zip(sheet.columns, row, strict=True))
        found.setdefault(str(line["scene"]), {})[str(line["object"])] = line
    return found


if __name__ == "__main__":
    made = make_planted_objects(Path(sys.argv[1]))
    print(
        "python -m gapcam.study study=objects arch=small_gap arch.units=8 'arch.size=[64,64]' "
        f"arch.weights={made}/colours.ckpt data=sun_objects data.root={made} "
        "'data.scenes=[k/kitchen,l/living_room,s/street]'"
    )
