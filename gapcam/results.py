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
    """Write one line per image: its label, the guesses, and box and IoU of each class's map.

    Without a true box there is no IoU: its column is empty. Where a protocol gives a loose and a
    tight box, the columns of the tight one end in `_tight`.
    """
    kinds = ("", "_tight")[: rows.boxes.shape[2]]
    guesses = rows.classes.shape[1] - 1
    header = ["index", "image", "label", "label_name", "true_boxes"]
    header += [f"guess_{rank}" for rank in range(1, guesses + 1)]
    for which in (*(f"guess_{rank}" for rank in range(1, guesses + 1)), "label"):
        values = ("iou", "x0", "y0", "x1", "y1")
        header += [f"{which}_{value}{kind}" for kind in kinds for value in values]
    with atomic_path(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        columns = rows.index, rows.labels, rows.classes, rows.boxes, rows.iou, rows.counts
        for index, label, classes, boxes, ious, count in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            located = (
                [f"{iou:.6g}" if count else "", *(f"{corner:.6g}" for corner in box)]
                for of_class in zip(ious, boxes, strict=True)
                for iou, box in zip(*of_class, strict=True)
            )
            writer.writerow(
                [index, dataset.name(index), label, class_names[label], count, *classes[:-1]]
                + [value for one in located for value in one]
            )


def gallery_choice(rows: LocalizationRows | None, images: int, count: int) -> dict[str, list[int]]:
    """Choose indices of the best, median and worst localizations of the best guess, by IoU.

    Each image appears once: on a small split the three groups shrink. Images without a true box
    are left out; if none has one, the images are spread over the split.

    Args:
        rows: of the images scored; None if none has a true box.
        images: in the split.
        count: how many are wanted.
    """
    rows_with_boxes = torch.zeros(0).long() if rows is None else rows.counts.nonzero().flatten()
    if rows is None or not len(rows_with_boxes):
        chosen = torch.arange(images) if rows is None else rows.index
        spread = torch.linspace(0, len(chosen) - 1, min(count, len(chosen)))
        return {"examples": chosen[spread.long()].tolist()}
    by_iou = rows.iou[rows_with_boxes, 0, 0].argsort(descending=True, stable=True)
    order = rows.index[rows_with_boxes][by_iou].tolist()
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
