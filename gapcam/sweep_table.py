"""The jobs of a sweep side by side, one line each."""

from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

ERRORS = {
    "class top-1": "test/cls_top1",
    "loc top-1": "test/loc_top1",
    "loc top-5": "test/loc_top5",
    "GT-known": "test/loc_gt_known",
}
"""Columns of the table, and the metrics they show."""


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
    table = Table(title=f"{len(jobs)} jobs, errors in %")
    table.add_column("job", overflow="fold")
    for column in ("last layer", "maps", "parameters", "GFLOPs", *ERRORS, "floor"):
        table.add_column(column, justify="left" if column == "last layer" else "right")
    for job in jobs:
        if job.metrics is None:
            table.add_row(job.title, f"[red]{job.state}")
        else:
            table.add_row(job.title, *_cells(job.metrics))
    console.print(table)
    for job in jobs:
        if job.metrics is None:
            line = f"{job.title} {job.state}: {job.error}"
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    protocols = {_main(job.metrics["protocols"]) for job in jobs if job.metrics}
    console.print(
        f"protocol {', '.join(sorted(protocols)) or '-'}; floor: the better of a box around the "
        "whole image and the best centred box, class given; GFLOPs: 2 for each multiply-add",
        highlight=False,
    )


def _main(protocols: dict[str, dict[str, Any]]) -> str:
    """Title of the protocol whose numbers have plain names."""
    return str(next(iter(protocols.values()))["title"])


def _cells(facts: dict[str, Any]) -> list[str]:
    network, errors = facts["network"], facts["metrics"]
    floors = [errors.get(f"test/floor_{name}") for name in ("whole_image", "best_centred")]
    floor = min((floor for floor in floors if floor is not None), default=None)
    return [
        network["last_layer"],
        "x".join(map(str, network["mapping_resolution"])),
        f"{network['parameters']:,}",
        f"{network['gflops']:.3g}",
        *(_percent(errors.get(name)) for name in (*ERRORS.values(),)),
        _percent(floor),
    ]


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.2f}"
