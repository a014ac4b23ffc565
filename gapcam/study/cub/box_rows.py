"""A line for each picture of a test: its label, the guesses, boxes and IoU."""

from collections.abc import Mapping, Sequence

from gapcam.data.dataset import LocalizationDataset
from gapcam.metrics.localization import LocalizationRows
from gapcam.study.outcome import Sheet


def box_rows(
    rows: LocalizationRows,
    dataset: LocalizationDataset,
    class_names: Sequence[str],
    more: Mapping[str, Sequence[object]],
) -> Sheet:
    """The columns of a run's `rows.csv` (`gapcam.results.write_rows`), then others.

    Args:
        rows: of all pictures of the split.
        dataset: the split.
        class_names: of all classes.
        more: further columns by name, a value for each row.
    """
    kinds = ("", "_tight")[: rows.boxes.shape[2]]
    guesses = [f"guess_{rank}" for rank in range(1, rows.classes.shape[1])]
    columns = ["index", "image", "label", "label_name", "true_boxes", *guesses]
    for which in (*guesses, "label"):
        values = ("iou", "x0", "y0", "x1", "y1")
        columns += [f"{which}_{value}{kind}" for kind in kinds for value in values]
    lines: list[list[object]] = []
    for place, index in enumerate(rows.index.tolist()):
        label, count = int(rows.labels[place]), int(rows.counts[place])
        line: list[object] = [index, dataset.name(index), label, class_names[label], count]
        line += rows.classes[place, :-1].tolist()
        for ious, boxes in zip(rows.iou[place].tolist(), rows.boxes[place].tolist(), strict=True):
            for iou, box in zip(ious, boxes, strict=True):
                line += [iou if count else None, *box]
        lines.append([*line, *(column[place] for column in more.values())])
    return Sheet([*columns, *more], lines)
