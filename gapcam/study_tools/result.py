"""A study's result in the terminal."""

from typing import Any

from rich.console import Console

from gapcam.summary import print_result


def print_study(facts: dict[str, Any], page: str, console: Console) -> None:
    """Print what came out, the numbers, and where the page lies.

    Args:
        facts: as `metrics.json` holds them.
        page: path of the report.
        console: where to print.
    """
    print_result(facts, page, console, "test")
    console.print(facts["headline"], highlight=False, soft_wrap=True)
