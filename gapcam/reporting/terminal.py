"""A report in the terminal."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as RichTable

from gapcam.reporting.text_tables import LEGEND, direction, grid

if TYPE_CHECKING:
    from gapcam.reporting.page import Report


def print_report(report: "Report", console: Console) -> None:
    """Print the tables, the rules of their protocols, and notes."""
    for table in report.tables:
        titles, *lines = grid(table)
        shown = RichTable(title=table.title, title_justify="left")
        for place, title in enumerate(titles):
            is_text = place in (0, len(titles) - 1)
            shown.add_column(title, justify="left" if is_text else "right", overflow="fold")
        for number, line in enumerate(lines):
            shown.add_row(*line, end_section=number == len(table.lines) - 1)
        console.print(shown, markup=False, highlight=False)
        console.print(direction(table), markup=False, highlight=False)
        if table.reason:
            console.print(f"apart: {table.reason}", markup=False, highlight=False)
        for column in {column.protocol_id: column for column in table.columns}.values():
            if column.protocol_id:
                console.print(
                    f"protocol {column.protocol_title} ({column.protocol_id}): {column.rule}",
                    markup=False,
                    highlight=False,
                    soft_wrap=True,
                )
    console.print(LEGEND, markup=False, highlight=False)
    for run in report.records:
        if run.state == "failed":
            console.print(
                f"failed  {run.path}: {run.failure}", markup=False, highlight=False, soft_wrap=True
            )
    for note in report.notes:
        console.print(f"note  {note}", markup=False, highlight=False, soft_wrap=True)
