"""Boxes of all pictures as tables: for spreadsheets, and for what reads COCO."""

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gapcam.atomic import atomic_path, write_text
from gapcam.explain_tools.record import Entry

COLUMNS = (
    *("picture", "width", "height", "turned", "rank", "class", "name", "score", "box"),
    *("x0", "y0", "x1", "y1", "protocol", "threshold"),
)
"""`turned` is EXIF's orientation where the picture was turned by it, otherwise 1; `box` tells the
loose one from the tight one where a map gives both."""


def write_csv(path: Path, entries: Sequence[Entry], protocol: dict[str, Any]) -> None:
    """Write a line for each box.

    Args:
        path: of the file.
        entries: of pictures that were explained.
        protocol: the rule, as `Protocol.as_dict` gives it.
    """
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for entry, rank, found, which, box in _boxes(entries):
            height, width = entry["size"]
            writer.writerow(
                [
                    *(entry["name"], width, height, entry["turned"], rank),
                    *(found["class"], found["name"], found["score"], which, *box),
                    *(protocol["id"], protocol["threshold"]),
                ]
            )


def write_coco(
    path: Path, entries: Sequence[Entry], class_names: Sequence[str], info: dict[str, Any]
) -> None:
    """Write COCO's form: images, annotations with `bbox` `[x, y, width, height]`, categories.

    Boxes in which nothing was found are left out.

    Args:
        path: of the file.
        entries: of pictures that were explained.
        class_names: of the network.
        info: protocol, network, versions.
    """
    numbers = {entry["name"]: number for number, entry in enumerate(entries, start=1)}
    annotations: list[dict[str, Any]] = []
    for entry, rank, found, which, (x0, y0, x1, y1) in _boxes(entries):
        if x1 > x0 and y1 > y0:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": numbers[entry["name"]],
                    "category_id": found["class"],
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "area": (x1 - x0) * (y1 - y0),
                    "iscrowd": 0,
                    "score": found["score"],
                    "rank": rank,
                    **({"box": which} if which else {}),
                }
            )
    images = [
        {"id": n, "file_name": e["name"], "height": e["size"][0], "width": e["size"][1]}
        for n, e in enumerate(entries, start=1)
    ]
    categories = [{"id": n, "name": name} for n, name in enumerate(class_names)]
    told = {"info": info, "images": images, "annotations": annotations, "categories": categories}
    write_text(path, json.dumps(told))


def _boxes(
    entries: Sequence[Entry],
) -> Iterator[tuple[Entry, int, dict[str, Any], str, list[float]]]:
    for entry in entries:
        for rank, found in enumerate(entry["found"], start=1):
            kinds = ("loose", "tight") if len(found["boxes"]) == 2 else ("",)
            for which, box in zip(kinds, found["boxes"], strict=True):
                yield entry, rank, found, which, box
