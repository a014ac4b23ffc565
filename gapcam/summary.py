"""A result in the terminal."""

import sys
from typing import Any

from rich.console import Console

from gapcam.score_table import by_protocol, print_scores

TABLE_WIDTH = 160
"""Columns where no terminal says how wide it is."""


def wide_console(quiet: bool = False) -> Console:
    """Where people read, wide enough for tables also when it is a file."""
    return Console(width=None if sys.stdout.isatty() else TABLE_WIDTH, quiet=quiet)


def print_result(facts: dict[str, Any], results: str, console: Console, stage: str) -> None:
    """Print what was reached under each protocol, each protocol's rule, and where results lie.

    Args:
        facts: as `metrics.json` holds them.
        results: path of the report, or of the folder.
        console: where to print.
        stage: before the names of the numbers: the split that was scored.
    """
    console.print(f"{facts['title']}, {facts['data']['evaluated_on']}", highlight=False)
    protocols = facts["protocols"]
    numbers = by_protocol(facts["metrics"], protocols, stage)
    print_scores(numbers, facts["intervals"], facts["mistakes"], console)
    for name, protocol in protocols.items():
        if "loc_gt_known" in numbers[name]:
            console.print(
                f"protocol {protocol['title']} ({protocol['id']}): {protocol['rule']}",
                highlight=False,
                soft_wrap=True,
            )
    for note in facts["data"].get("notes", []):
        console.print(f"note     {note}", highlight=False, soft_wrap=True)
    console.print(f"results  {results}", soft_wrap=True, highlight=False)
