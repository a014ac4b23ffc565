"""Numbers under several protocols side by side: what they are called, and in which order."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table

ERRORS = {
    "cls_top1": "classification, top-1",
    "cls_top1_per_class": "classification, top-1, mean over the classes",
    "cls_top5": "classification, top-5",
    "cls_top1_crop": "classification of what the network's own boxes cut out",
    "cls_top1_bbox": "classification of what the true boxes cut out",
    "loc_top1": "localization, top-1",
    "loc_top5": "localization, top-5",
    "loc_gt_known": "GT-known (class given)",
    "loc_top1_tight": "tight box: localization, top-1",
    "loc_top5_tight": "tight box: localization, top-5",
    "loc_gt_known_tight": "tight box: GT-known",
    "loc_top5_heuristic": "five boxes of three classes",
}
ACCURACIES = {
    "max_box_acc": "MaxBoxAcc (largest region)",
    "max_box_acc_v2": "MaxBoxAccV2 (all regions, mean of IoU)",
    "max_box_acc_v2_one_threshold": "MaxBoxAccV2, one threshold for all IoU",
    "average_precision": "average precision",
    "pixel_ap": "average precision of pixels",
    "box_recall": "true boxes found",
    "vqa_accuracy": "VQA accuracy",
    "vqa_accuracy_words": "VQA accuracy of words alone",
    "vqa_accuracy_picture": "VQA accuracy of the picture alone",
    "vqa_accuracy_yes_no": "VQA accuracy, yes or no",
    "vqa_accuracy_number": "VQA accuracy, numbers",
    "vqa_accuracy_other": "VQA accuracy, other answers",
    "object_overlap": "overlap of each scene's most informative objects",
}
WITHOUT_MAPS = (
    *("cls_top1", "cls_top1_per_class", "cls_top5", "cls_top1_crop", "cls_top1_bbox"),
    *("average_precision", "object_overlap"),
    *("vqa_accuracy", "vqa_accuracy_words", "vqa_accuracy_picture"),
    *("vqa_accuracy_yes_no", "vqa_accuracy_number", "vqa_accuracy_other"),
)
"""Numbers that no protocol has a part in."""

CHANCES = {
    "floor_accuracy": "accuracy of always naming the most frequent class",
    "floor_average_precision": "average precision of chance",
    "floor_pixel_ap": "average precision of pixels, every pixel alike",
    "floor_box_recall": "true boxes found by a map of the centre that marks as much",
    "floor_vqa_accuracy": "VQA accuracy of the most frequent answer",
    "floor_object_overlap": "the same of a region in the centre of the picture",
}
"""Accuracies of what looks at no picture."""
THRESHOLDS = {
    "threshold_50": "threshold for IoU 0.5",
    "threshold_v2": "one threshold for all IoU",
}
FLOORS = {
    "floor_whole_image": "floor: box around the whole image",
    "floor_best_centred": "floor: best centred box",
    "floor_gaussian": "floor: a Gaussian in the centre",
    "ceiling_true_mask": "ceiling: the true boxes' own map",
}
MISTAKES = {
    "right": "right",
    "wrong_class": "wrong class",
    "nothing_found": "nothing found",
    "several_merged": "several objects in one box",
    "part": "part of the object",
    "too_large": "too large",
    "elsewhere": "elsewhere",
}
LIMITS = "GT-known error of floors and ceiling, %"

ORACLES = "oracle: threshold chosen on these images (gap), %"
ORACLE = {
    "loc_gt_known": "class given, best threshold here",
    "max_box_acc": "MaxBoxAcc, best threshold here",
    "max_box_acc_v2": "MaxBoxAccV2, best thresholds here",
}

_TITLE_WIDTH = 18
_WIDEST = 1000


class Row(NamedTuple):
    """A line of the table: its `section`, its `title`, and a text for each protocol."""

    section: str
    title: str
    cells: list[str]


def by_protocol(
    numbers: Mapping[str, float], protocols: Mapping[str, Any], stage: str = "test"
) -> dict[str, dict[str, float]]:
    """Take logged numbers apart: `test/loc_top1` is the first protocol's, `test/exact/...` exact's.

    Args:
        numbers: by the name they are logged with.
        protocols: whose keys are the protocols' names, the main one first.
        stage: before the first `/`.
    """
    found: dict[str, dict[str, float]] = {name: {} for name in protocols}
    main = next(iter(found))
    for key, value in numbers.items():
        name, _, rest = key.removeprefix(f"{stage}/").partition("/")
        if rest:
            found[name][rest] = value
        else:
            found[main][name] = value
    return found


def score_rows(
    numbers: Mapping[str, Mapping[str, float]],
    intervals: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
    mistakes: Mapping[str, Mapping[str, float]] | None = None,
) -> list[Row]:
    """Lines of the table, in order, each with a cell for each protocol; rates in percent.

    Args:
        numbers: by protocol and name.
        intervals: lower and upper end of some of them, likewise; the cell shows the distance to the
            farther one.
        mistakes: shares of the kinds of mistakes of the best guess, likewise.
    """
    every = list(numbers.values())
    ends = [(intervals or {}).get(name, {}) for name in numbers]
    rows = [
        *_section("error, %", ERRORS, every, ends),
        *_section("accuracy, %", ACCURACIES, every, ends),
        *_section("accuracy without looking, %", CHANCES, every, ends),
        *_thresholds(every),
        *_oracle(every),
        *_section(
            "the best guess, %",
            MISTAKES,
            [(mistakes or {}).get(name, {}) for name in numbers],
            [{}] * len(every),
        ),
        *_section(LIMITS, FLOORS, every, [{}] * len(every)),
    ]
    sides = [one.get("floor_centred_side", math.nan) for one in every]
    if not all(math.isnan(side) for side in sides):
        cells = ["-" if math.isnan(side) else f"{100 * side:.0f}" for side in sides]
        rows.append(Row(LIMITS, "side of the best centred box, %", cells))
    return rows


def print_scores(
    numbers: Mapping[str, Mapping[str, float]],
    intervals: Mapping[str, Mapping[str, Sequence[float]]],
    mistakes: Mapping[str, Mapping[str, float]],
    console: Console,
) -> None:
    """Print the table of `score_rows`."""
    print_rows(score_rows(numbers, intervals, mistakes), list(numbers), console)


def print_rows(rows: Sequence[Row], columns: Sequence[str], console: Console) -> None:
    """Print lines, under the titles of their sections."""
    table = Table()
    table.add_column("", min_width=_TITLE_WIDTH)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    section = None
    for row in rows:
        if row.section != section:
            table.add_section()
            table.add_row(f"[bold]{row.section}[/]", *[""] * len(columns))
            section = row.section
        is_dim = row.section == LIMITS
        title = Padding(row.title, (0, 0, 0, 2))
        table.add_row(title, *row.cells, style="dim" if is_dim else "")
    least = Measurement.get(console, console.options.update(width=_WIDEST), table).minimum
    if least > console.width:
        table.width = least  # lines that the terminal breaks, rather than lost titles and digits
    console.print(table, crop=False)


def _section(
    section: str,
    titles: Mapping[str, str],
    every: list[Mapping[str, float]],
    ends: list[Mapping[str, Sequence[float]]],
) -> list[Row]:
    return [
        Row(
            section,
            title,
            [_cell(one.get(key), end.get(key)) for one, end in zip(every, ends, strict=True)],
        )
        for key, title in titles.items()
        if any(key in one for one in every)
    ]


def _thresholds(every: list[Mapping[str, float]]) -> list[Row]:
    return [
        Row("threshold", title, [f"{one[key]:.3f}" if key in one else "-" for one in every])
        for key, title in THRESHOLDS.items()
        if any(key in one for one in every)
    ]


def _oracle(every: list[Mapping[str, float]]) -> list[Row]:
    """What choosing the threshold on the reported images would have given, and how much that is."""
    rows = []
    for key, title in ORACLE.items():
        best = [one.get(f"oracle_{key}") for one in every]
        if any(value is not None for value in best):
            gaps = [
                None if value is None else abs(value - one[key])
                for value, one in zip(best, every, strict=True)
            ]
            cells = [
                _cell(value) + ("" if gap is None else f" ({_cell(gap)})")
                for value, gap in zip(best, gaps, strict=True)
            ]
            rows.append(Row(ORACLES, title, cells))
    return rows


def _cell(rate: float | None, ends: Sequence[float] | None = None) -> str:
    if rate is None or math.isnan(rate):
        return "-"
    if ends is None:
        return f"{100 * rate:.2f}"
    # The farther end: the interval is not symmetric.
    return f"{100 * rate:.2f} ±{100 * max(rate - ends[0], ends[1] - rate):.1f}"
