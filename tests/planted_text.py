"""Street View Text with planted words, which no other picture has.

    python tests/planted_text.py /tmp/text

writes `svt/` with magenta words, `negatives/`, and `colours.ckpt`, a network that sees colours:

    python -m gapcam.study study=text data=svt data.root=/tmp/text/svt
        data.negatives=/tmp/text/negatives
        arch=small_gap arch.units=8 arch.weights=/tmp/text/colours.ckpt

    python tests/planted_text.py /tmp/text /data/scene15/test

writes words onto half of that folder's pictures instead: what tells them from the others is text
and nothing else, for a network with real weights.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from benches import colour_network, save_network
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

SIZE = (96, 128)
"""Height and width."""

CLASSES = ["no text", "text"]
MAGENTA = (255, 0, 255)
_CLUTTER = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255))
_WORDS = ("BAR", "CAFE", "HOTEL", "BOOKS")

Box = tuple[int, int, int, int]
"""x, y, width, height, as the files have them."""


def make_text(root: Path, train: int = 8, test: int = 6, negatives: int = 28) -> Path:
    """Pictures with one to three words among coloured clutter, and clutter alone.

    Args:
        root: gets `svt/`, `negatives/<kind>/` and `colours.ckpt`.
        train: pictures with text in train.xml.
        test: and in test.xml.
        negatives: pictures without text.
    """
    random = np.random.default_rng(0)
    for split, first, count in (("train", 0, train), ("test", train, test)):
        images = [_with_text(root / "svt", first + number, random) for number in range(count)]
        _list(root / "svt" / f"{split}.xml", images)
    for number in range(negatives):
        path = root / "negatives" / ("forest", "street")[number % 2] / f"{number:02d}.png"
        _save(path, _clutter(random))
    save_network(root / "colours.ckpt", colour_network(CLASSES))
    return root


def make_written(root: Path, scenes: Path, positives: int = 70) -> Path:
    """One to three words in black or white on scene pictures; as many others have none.

    Args:
        root: gets `svt/` and `negatives/`.
        scenes: folder of pictures, of any depth; a random choice of them is copied.
        positives: pictures with text, half of which train.
    """
    random = np.random.default_rng(0)
    files = random.permutation(sorted(str(path) for path in scenes.rglob("*.jpg")))
    images = [
        _written(root / "svt", number, Path(file), random)
        for number, file in enumerate(files[:positives])
    ]
    _list(root / "svt" / "train.xml", images[: positives // 2])
    _list(root / "svt" / "test.xml", images[positives // 2 :])
    for number, file in enumerate(files[positives : 2 * positives]):
        with Image.open(file) as picture:
            _save(root / "negatives" / f"{number:03d}.png", np.asarray(picture.convert("RGB")))
    return root


def planted_words(root: Path, name: str) -> list[Box]:
    """Boxes of the magenta rectangles in a picture, found again by their pixels."""
    from scipy import ndimage

    pixels = np.asarray(Image.open(root / "svt" / name))
    labels, _ = ndimage.label((pixels == MAGENTA).all(-1))
    return [
        (across.start, down.start, across.stop - across.start, down.stop - down.start)
        for down, across in ndimage.find_objects(labels)
    ]


def _with_text(root: Path, number: int, random: np.random.Generator) -> str:
    pixels, taken = _clutter(random), []
    for _ in range(int(random.integers(1, 4))):
        # Each in a third of the picture of its own, so that words do not touch.
        third = len(taken)
        width, height = int(random.integers(20, 41)), int(random.integers(12, 21))
        x, y = int(random.integers(0, 128 - width)), 32 * third + int(random.integers(0, 10))
        pixels[y : y + height, x : x + width] = MAGENTA
        taken.append((x, y, width, height))
    name = f"img/{number:02d}_00.png"
    _save(root / name, pixels)
    return _image(name, taken, SIZE)


def _written(root: Path, number: int, file: Path, random: np.random.Generator) -> str:
    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    pen, taken = ImageDraw.Draw(picture), []
    for third, word in enumerate(_WORDS[: int(random.integers(1, 4))]):
        # Above a fourteenth of the picture high, so that the network's maps can show them.
        font = ImageFont.load_default(picture.height * int(random.integers(8, 16)) // 100)
        left, top, right, bottom = (int(edge) for edge in pen.textbbox((0, 0), word, font))
        width, height = right - left, bottom - top
        x = int(random.integers(0, picture.width - width))
        y = picture.height * third // 3 + int(random.integers(0, picture.height // 3 - height))
        pen.text((x - left, y - top), word, str(random.choice(["black", "white"])), font)
        taken.append((x, y, width, height))
    name = f"img/{number:02d}_00.png"
    _save(root / name, np.asarray(picture))
    return _image(name, taken, (picture.height, picture.width))


def _list(path: Path, images: Sequence[str]) -> None:
    text = f'<?xml version="1.0" encoding="utf-8"?>\n<tagset>\n{"".join(images)}</tagset>\n'
    path.write_text(text, encoding="utf-8")


def _clutter(random: np.random.Generator) -> NDArray[np.uint8]:
    """Grey noise with patches of all colours but magenta."""
    grey = random.integers(40, 200, (*SIZE, 1), dtype=np.uint8)
    pixels = np.repeat(grey, 3, axis=-1)
    for colour in random.permutation(_CLUTTER):
        y, x = int(random.integers(0, 80)), int(random.integers(0, 100))
        pixels[y : y + 14, x : x + 24] = colour
    return pixels


def _image(name: str, words: Sequence[Box], size: tuple[int, int]) -> str:
    rectangles = "".join(
        f'<taggedRectangle height="{h}" width="{w}" x="{x}" y="{y}"><tag>{tag}</tag>'
        "</taggedRectangle>\n"
        for tag, (x, y, w, h) in zip(_WORDS, words, strict=False)
    )
    return (
        f'<image>\n<imageName>{name}</imageName>\n<Resolution x="{size[1]}" y="{size[0]}"/>\n'
        f"<taggedRectangles>\n{rectangles}</taggedRectangles>\n</image>\n"
    )


def _save(path: Path, pixels: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        make_written(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        make_text(Path(sys.argv[1]))
