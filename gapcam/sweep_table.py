"""The jobs of a sweep side by side, one line each."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

ERRORS = {
    "class top-1": "cls_top1",
    "loc top-1": "loc_top1",
    "loc top-5": "loc_top5",
    "GT-known": "loc_gt_known",
}
"""Columns of the table, and the metrics they show."""

OF_STUDIES = {"own boxes": "cls_top1_crop", "true boxes": "cls_top1_bbox"}
"""Further errors, where a job has them."""

ACCURACIES = {
    "average precision": "average_precision",
    "AP of pixels": "pixel_ap",
    "boxes found": "box_recall",
    "VQA accuracy": "vqa_accuracy",
    "overlap": "object_overlap",
}
"""Accuracies of studies, where a job has them."""

FLOORS = ("floor_whole_image", "floor_best_centred")
"""The better one is shown, where a job has any."""


class Job(NamedTuple):
    """A job's `title`, and what `metrics.json` holds; without it, its `state` and why (`error`)."""

    title: str
    metrics: dict[str, Any] | None
    error: str = ""
    state: str = "failed"


def print_sweep(jobs: list[Job], console: Console) -> None:
    """Print what each network is and what it reached; a job without result shows why.

    Args:
        jobs: in the order of the sweep; nothing is printed for less than two.
        console: where to print.
    """
    if len(jobs) < 2:
        return
    finished = [job.metrics["metrics"] for job in jobs if job.metrics is not None]
    errors = {title: name for title, name in (ERRORS | OF_STUDIES).items() if _any(name, finished)}
    accuracies = {title: name for title, name in ACCURACIES.items() if _any(name, finished)}
    kinds = [kind for kind, has in (("errors", errors), ("accuracies", accuracies)) if has]
    table = Table(title=f"{len(jobs)} jobs" + (f", {' and '.join(kinds)} in %" if kinds else ""))
    table.add_column("job", overflow="fold")
    columns = [*errors, *(f"{title} (accuracy)" for title in accuracies)]
    has_floor = any(_any(name, finished) for name in FLOORS)
    columns += ["floor"] if has_floor else []
    for column in ("last layer", "maps", "parameters", "GFLOPs", *columns):
        table.add_column(column, justify="left" if column == "last layer" else "right")
    shown = [*errors.values(), *accuracies.values()]
    for job in jobs:
        if job.metrics is None:
            table.add_row(job.title, f"[red]{job.state}")
        else:
            table.add_row(job.title, *_cells(job.metrics, shown, has_floor))
    console.print(table)
    for job in jobs:
        if job.metrics is None:
            line = f"{job.title} {job.state}: {job.error}"
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    protocols = {_main(job.metrics["protocols"]) for job in jobs if job.metrics}
    floor = (
        "floor: the better of a box around the whole image and the best centred box, class given; "
    )
    console.print(
        f"protocol {', '.join(sorted(protocols)) or '-'}; {floor if has_floor else ''}"
        "GFLOPs: 2 for each multiply-add",
        highlight=False,
    )


def _main(protocols: dict[str, dict[str, Any]]) -> str:
    """Title of the protocol whose numbers have plain names."""
    return str(next(iter(protocols.values()))["title"])


def _any(name: str, finished: Sequence[Mapping[str, float]]) -> bool:
    return any(f"test/{name}" in numbers for numbers in finished)


def _cells(facts: dict[str, Any], shown: Sequence[str], has_floor: bool) -> list[str]:
    network, numbers = facts["network"], facts["metrics"]
    floors = [numbers[f"test/{name}"] for name in FLOORS if f"test/{name}" in numbers]
    return [
        network["last_layer"],
        "x".join(map(str, network["mapping_resolution"])),
        f"{network['parameters']:,}",
        f"{network['gflops']:.3g}",
        *(_percent(numbers.get(f"test/{name}")) for name in shown),
        *([_percent(min(floors, default=None))] if has_floor else []),
    ]


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.2f}"
