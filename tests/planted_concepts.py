"""Captioned pictures in which what a phrase means is planted at a known place.

    python tests/planted_concepts.py /tmp/concepts

writes them, with `colours.ckpt`, a network that sees colours, and `boxes.csv`, where things are.
"""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from benches import colour_network, save_network
from PIL import Image, ImageDraw

HEIGHT, WIDTH = 120, 160

THINGS = {
    "kite": ("a kite in the clouds", 0.2),
    "lamp": ("the lamp on a table", 0.2),
    "flag": ("a flag on the roof", 0.2),
    "barn": ("a red barn in a field", 0.04),
    "balloon": ("balloons", 0.4),
    "pillow": ("pillows", 0.4),
}
"""What captions say of each, and in what share of the pictures it is.

A kite is a blue disc, a lamp a yellow square, a flag half red and half green. A barn is red alone,
but larger, and rare: who has not seen one takes it for a flag. Balloons and pillows are clutter.
"""

PHRASES = ("kite in clouds", "lamp on table", "flag on roof")

UNSAID = 0.2
"""Share of kites that no caption speaks of."""

_FILLERS = ("a quiet afternoon", "grey clouds", "nothing on the table", "two people talking")

Box = tuple[int, int, int, int]


def make_concepts(root: Path, count: int = 600) -> Path:
    """Write so many pictures with `captions.tsv` and `boxes.csv`."""
    (root / "pictures").mkdir(parents=True, exist_ok=True)
    captions, boxes = [("image", "caption")], [("image", "thing", "x0", "y0", "x1", "y1")]
    for number in range(count):
        # 2 was chosen so that the first negatives of flags that a study draws have no barn.
        random = np.random.default_rng([2, number])
        name = f"pictures/{number:04d}.png"
        things = [thing for thing, (_, share) in THINGS.items() if random.random() < share]
        picture, places = _picture(random, things)
        picture.save(root / name)
        captions += [(name, caption) for caption in _captions(random, things)]
        boxes += [(name, thing, *map(str, box)) for thing, box in places]
    _write(root / "captions.tsv", captions, "\t")
    _write(root / "boxes.csv", boxes, ",")
    return root


def planted_boxes(root: Path) -> dict[tuple[str, str], Box]:
    """Where things are, half-open, by picture and thing."""
    with (root / "boxes.csv").open(newline="") as file:
        return {
            (row["image"], row["thing"]): tuple(int(row[key]) for key in ("x0", "y0", "x1", "y1"))  # type: ignore[misc]
            for row in csv.DictReader(file)
        }


def _captions(random: np.random.Generator, things: Sequence[str]) -> list[str]:
    said = [thing for thing in things if thing != "kite" or random.random() >= UNSAID]
    filler = _FILLERS[random.integers(len(_FILLERS))]
    return [" and ".join(THINGS[thing][0] for thing in said) or filler, filler]


def _picture(
    random: np.random.Generator, things: Sequence[str]
) -> tuple[Image.Image, list[tuple[str, Box]]]:
    grey = random.integers(60, 190) + random.integers(-25, 26, (HEIGHT, WIDTH, 1))
    picture = Image.fromarray(np.broadcast_to(grey.astype(np.uint8), (HEIGHT, WIDTH, 3)).copy())
    pen = ImageDraw.Draw(picture)
    for _ in range(4):
        shade = int(random.integers(20, 235))
        pen.rectangle(_place(random, int(random.integers(10, 40))), fill=(shade,) * 3)
    places: list[tuple[str, Box]] = []
    for thing in reversed(things):  # clutter first, below the others
        x0, y0, x1, y1 = _free_place(random, _side(random, thing), [box for _, box in places])
        _draw(pen, thing, (x0, y0, x1 - 1, y1 - 1))
        places.append((thing, (x0, y0, x1, y1)))
    return picture, places


def _side(random: np.random.Generator, thing: str) -> int:
    if thing in ("balloon", "pillow"):
        return int(random.integers(10, 22))
    return int(random.integers(34, 46)) + (18 if thing == "barn" else 0)


def _free_place(random: np.random.Generator, side: int, taken: Sequence[Box]) -> Box:
    """A place that covers nothing; after many attempts any."""
    for _ in range(200):
        place = _place(random, side)
        if not any(_overlap(place, box) for box in taken):
            break
    return place


def _place(random: np.random.Generator, side: int) -> Box:
    x0, y0 = int(random.integers(WIDTH - side)), int(random.integers(HEIGHT - side))
    return x0, y0, x0 + side, y0 + side


def _overlap(one: Box, other: Box) -> bool:
    return max(one[0], other[0]) < min(one[2], other[2]) and max(one[1], other[1]) < min(
        one[3], other[3]
    )


def _draw(pen: ImageDraw.ImageDraw, thing: str, corners: Box) -> None:
    x0, y0, x1, y1 = corners
    if thing == "kite":
        pen.ellipse(corners, fill="#0000ff")
    elif thing == "balloon":
        pen.ellipse(corners, fill="#ff00ff")
    elif thing == "flag":
        middle = (x0 + x1) // 2
        pen.rectangle((x0, y0, middle, y1), fill="#ff0000")
        pen.rectangle((middle + 1, y0, x1, y1), fill="#00ff00")
    else:
        pen.rectangle(
            corners, fill={"lamp": "#ffff00", "barn": "#ff0000", "pillow": "#00ffff"}[thing]
        )


def _write(path: Path, rows: Sequence[Sequence[str]], separator: str) -> None:
    path.write_text("".join(f"{separator.join(row)}\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    home = make_concepts(Path(sys.argv[1]))
    print(f"{home}, {save_network(home / 'colours.ckpt', colour_network(['captioned']))}")
