"""What a finished run leaves behind: numbers, rows, pictures."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from gapcam.atomic import atomic_path
from gapcam.data.dataset import LocalizationDataset
from gapcam.metrics.localization import LocalizationRows
from gapcam.viz.localizations import Localization
from gapcam.viz.overlay import panel


def write_rows(
    path: Path, rows: LocalizationRows, dataset: LocalizationDataset, class_names: Sequence[str]
) -> None:
    """Write one line per image: its label, the guesses, and box and IoU of each class's map."""
    columns = rows.classes.shape[1] - 1
    header = ["index", "image", "label", "label_name"]
    header += [f"guess_{rank}" for rank in range(1, columns + 1)]
    for which in (*(f"guess_{rank}" for rank in range(1, columns + 1)), "label"):
        header += [f"{which}_{value}" for value in ("iou", "x0", "y0", "x1", "y1")]
    with atomic_path(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for index, label, classes, boxes, ious in zip(
            *(column.tolist() for column in rows[:5]), strict=True
        ):
            located = (
                [f"{iou:.6g}", *(f"{corner:.6g}" for corner in box)]
                for iou, box in zip(ious, boxes, strict=True)
            )
            writer.writerow(
                [index, dataset.name(index), label, class_names[label], *classes[:-1]]
                + [value for one in located for value in one]
            )


def gallery_choice(rows: LocalizationRows, count: int) -> dict[str, list[int]]:
    """Choose indices of the best, median and worst localizations of the best guess, by IoU.

    Each image appears once: on a small split the three groups shrink. Without true boxes there is
    no better and worse: the images are spread over the split.
    """
    if not rows.counts.any():
        spread = torch.linspace(0, len(rows.index) - 1, min(count, len(rows.index)))
        return {"examples": rows.index[spread.long()].tolist()}
    order = rows.index[rows.iou[:, 0].argsort(descending=True, stable=True)].tolist()
    each = min(count, len(order)) // 3
    if each == 0:
        return {"best": order[:count]}
    middle = (len(order) - each) // 2
    return {
        "best": order[:each],
        "median": order[middle : middle + each],
        "worst": order[len(order) - each :][::-1],
    }


def write_gallery(
    folder: Path, groups: dict[str, list[int]], found: Iterator[Localization]
) -> dict[str, list[tuple[Path, Localization]]]:
    """Draw a picture for each localization; `found` follows the order of `groups`."""
    gallery: dict[str, list[tuple[Path, Localization]]] = {}
    for group, indices in groups.items():
        gallery[group] = []
        for rank, _ in enumerate(indices, start=1):
            one = next(found)
            path = folder / f"{group}-{rank:02d}-{one.index}.png"
            with atomic_path(path) as temporary:
                panel(one).save(temporary, format="PNG", optimize=True)
            gallery[group].append((path, one))
    return gallery
