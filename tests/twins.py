"""Generated twins of data sets: their real layout, a few small pictures, boxes that are known."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

BOX = (8, 5, 30, 25)
"""x0 y0 x1 y1, half-open, of the bright patch on every twin picture."""

SIZE = (40, 60)
"""Height and width of twin pictures."""


def save_picture(path: Path, shade: int = 0, size: tuple[int, int] = SIZE) -> Path:
    """Write a noisy picture with a bright patch at `BOX`, whose colour depends on `shade`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng([shade, *path.name.encode()])
    pixels = random.integers(90, size=(*size, 3), dtype=np.uint8)
    x0, y0, x1, y1 = BOX
    pixels[y0:y1, x0:x1, shade % 3] = 160 + 30 * (shade % 4)
    Image.fromarray(pixels).save(path, format="PNG" if path.suffix == ".png" else "JPEG")
    return path


def make_cub200(root: Path) -> Path:
    """Two birds, four pictures each: two train, two test. One name has a space and an umlaut."""
    classes = ("001.Black_footed_Albatross", "002.Müller s_Gull")
    lines: dict[str, list[str]] = {"images": [], "image_class_labels": []}
    lines |= {"train_test_split": [], "bounding_boxes": [], "classes": []}
    number = 0
    for label, name in enumerate(classes, start=1):
        lines["classes"].append(f"{label} {name}")
        for copy in range(4):
            number += 1
            path = f"{name}/bird {copy}.jpg"
            save_picture(root / "images" / path, label)
            x0, y0, x1, y1 = BOX
            lines["images"].append(f"{number} {path}")
            lines["image_class_labels"].append(f"{number} {label}")
            lines["train_test_split"].append(f"{number} {copy % 2}")
            lines["bounding_boxes"].append(f"{number} {x0}.0 {y0}.0 {x1 - x0}.0 {y1 - y0}.0")
    for name, rows in lines.items():
        (root / f"{name}.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return root


def make_tiny_imagenet(root: Path) -> Path:
    """Three classes with two training and one validation picture each."""
    wnids = ("n01443537", "n01774384", "n02056570")
    x0, y0, x1, y1 = BOX
    corners = f"{x0}\t{y0}\t{x1 - 1}\t{y1 - 1}"
    rows = []
    for shade, wnid in enumerate(wnids):
        folder = root / "train" / wnid
        for copy in range(2):
            save_picture(folder / "images" / f"{wnid}_{copy}.JPEG", shade, (64, 64))
        boxes = "".join(f"{wnid}_{copy}.JPEG\t{corners}\n" for copy in range(2))
        (folder / f"{wnid}_boxes.txt").write_text(boxes)
        save_picture(root / "val" / "images" / f"val_{shade}.JPEG", shade, (64, 64))
        rows.append(f"val_{shade}.JPEG\t{wnid}\t{corners}\n")
    (root / "val" / "val_annotations.txt").write_text("".join(reversed(rows)))
    (root / "wnids.txt").write_text("\n".join(reversed(wnids)))
    (root / "words.txt").write_text("".join(f"{wnid}\tfish, {wnid}\n" for wnid in wnids[:2]))
    return root


def make_folders(root: Path, classes: tuple[str, ...] = ("a cat", "dög"), each: int = 6) -> Path:
    """Class folders with so many pictures each."""
    for shade, name in enumerate(classes):
        for copy in range(each):
            save_picture(root / name / f"{copy}.jpg", shade)
    return root


def edit(path: Path, change: Callable[[str], str]) -> None:
    """Plant a fault in a text file."""
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
