"""A result as a table in the terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table

ERRORS = {
    "cls_top1": "classification, top-1",
    "cls_top5": "classification, top-5",
    "loc_top1": "localization, top-1",
    "loc_top5": "localization, top-5",
    "loc_gt_known": "localization, class given (GT-known)",
}
"""Names of the errors, for tables."""


def named_errors(errors: dict[str, float]) -> dict[str, float]:
    """Errors in 0..1 by a name for tables; without true boxes there are none of localization."""
    return {title: errors[key] for key, title in ERRORS.items() if key in errors}


def named_floors(errors: dict[str, float]) -> dict[str, float]:
    """GT-known errors of the floors, in 0..1, by a name for tables; none without true boxes."""
    if "floor_centred_side" not in errors:
        return {}
    side = errors["floor_centred_side"]
    return {
        "floor: box around the whole image": errors["floor_whole_image"],
        f"floor: best centred box ({side:.0%} of each side)": errors["floor_best_centred"],
    }


def print_result(metrics: dict[str, Any], report: str, console: Console) -> None:
    """Print the numbers of a finished run, their protocol and floors, and where the report lies.

    Args:
        metrics: as `metrics.json` holds them.
        report: path of the report.
        console: where to print.
    """
    errors = {name.removeprefix("test/"): value for name, value in metrics["metrics"].items()}
    console.print(f"{metrics['title']}, {metrics['data']['evaluated_on']}", highlight=False)
    table = Table()
    table.add_column("error")
    table.add_column("%", justify="right")
    for name, value in named_errors(errors).items():
        table.add_row(name, f"{value:.2%}".removesuffix("%"))
    table.add_section()
    for name, value in named_floors(errors).items():
        table.add_row(name, f"{value:.2%}".removesuffix("%"), style="dim")
    console.print(table)
    protocol = metrics["protocol"]
    if "test/loc_top1" in metrics["metrics"]:
        console.print(f"protocol {protocol['name']}: {protocol['rule']}", highlight=False)
    for note in metrics["data"].get("notes", []):
        console.print(f"note     {note}", highlight=False, soft_wrap=True)
    console.print(f"report   {report}", soft_wrap=True, highlight=False)
