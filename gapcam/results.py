"""What a finished run leaves behind: numbers, rows, pictures."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from gapcam.atomic import atomic_path
from gapcam.cam.max_box import Curves, percent
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
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        columns = rows.index, rows.labels, rows.classes, rows.boxes, rows.iou, rows.counts
        for index, label, classes, boxes, ious, count in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            located = (  # nine digits are the very number
                [f"{iou:.9g}" if count else "", *(f"{corner:.9g}" for corner in box)]
                for of_class in zip(ious, boxes, strict=True)
                for iou, box in zip(*of_class, strict=True)
            )
            writer.writerow(
                [index, dataset.name(index), label, class_names[label], count, *classes[:-1]]
                + [value for one in located for value in one]
            )


def write_curves(path: Path, found: Curves) -> None:
    """Write one line per threshold: the share of images found by V1 and V2 at each IoU.

    Columns `v1_50` and `v2_50`: of the largest region's box, and of the boxes of all regions.
    """
    columns = {
        f"{kind}_{percent(iou)}": shares.tolist()
        for kind, accuracies in (("v1", found.v1), ("v2", found.v2))
        for iou, shares in zip(found.iou, accuracies, strict=True)
    }
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["threshold", *columns])
        for threshold, *shares in zip(found.thresholds.tolist(), *columns.values(), strict=True):
            writer.writerow([f"{threshold:g}", *(f"{share:.9g}" for share in shares)])


def gallery_choice(rows: LocalizationRows | None, images: int, count: int) -> dict[str, list[int]]:
    """Choose images: some that are the same in every run, and some by the IoU of the best guess.

    A quarter are spread over the images with a true box, whatever was found there; the others are
    the best, median and worst localizations among the rest. Each image appears once: on a small
    split the groups shrink. If no image has a true box, all are spread over the split.

    Args:
        rows: of the images scored; None if none has a true box.
        images: in the split.
        count: how many are wanted.
    """
    boxed = torch.zeros(0).long() if rows is None else rows.counts.nonzero().flatten()
    if rows is None or not len(boxed):
        chosen = torch.arange(images) if rows is None else rows.index
        return {"examples": chosen[_spread(len(chosen), count)].tolist()}
    boxed = boxed[rows.index[boxed].argsort()]
    is_same = torch.zeros(len(boxed), dtype=torch.bool)
    is_same[_spread(len(boxed), count // 4)] = True
    others = boxed[~is_same]
    by_iou = rows.iou[others, 0, 0].argsort(descending=True, stable=True)
    order = rows.index[others][by_iou].tolist()
    each = min(count - int(is_same.sum()), len(order)) // 3
    if each == 0:
        return {"best": order[:count]}
    middle = (len(order) - each) // 2
    same = {"same": rows.index[boxed[is_same]].tolist()} if is_same.any() else {}
    return {
        **same,
        "best": order[:each],
        "median": order[middle : middle + each],
        "worst": order[len(order) - each :][::-1],
    }


def _spread(images: int, count: int) -> Tensor:
    """Positions of `count` of so many images, evenly spread."""
    return torch.linspace(0, images - 1, min(count, images)).long()


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
