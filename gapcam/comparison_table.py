"""Several kinds of maps side by side: in the terminal and as a table on disk."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from gapcam.atomic import atomic_path
from gapcam.score_table import Row, by_protocol, print_rows, score_rows

COST = "cost"


def print_comparison(facts: Mapping[str, Any], folder: str, console: Console, stage: str) -> None:
    """Print a table for each protocol, with a column for each kind of maps.

    Args:
        facts: as `metrics.json` of a comparison holds them.
        folder: of results.
        console: where to print.
        stage: before the names of the numbers: the split that was scored.
    """
    methods: dict[str, Any] = facts["methods"]
    for name, protocol in facts["protocols"].items():
        console.print(
            f"{facts['title']}, {facts['data']['evaluated_on']}, protocol {protocol['title']} "
            f"({protocol['id']}): {protocol['rule']}",
            highlight=False,
            soft_wrap=True,
        )
        rows = score_rows(
            _numbers(facts, name, stage),
            {word: one["intervals"].get(name, {}) for word, one in methods.items()},
            {word: one["mistakes"].get(name, {}) for word, one in methods.items()},
        )
        costs = [f"{one['forward_passes']:.2f}" for one in methods.values()]
        rows.insert(0, Row(COST, "forward passes, classification alone being 1", costs))
        print_rows(rows, list(methods), console)
    for note in facts["data"]["notes"]:
        console.print(f"note     {note}", highlight=False, soft_wrap=True)
    console.print(f"results  {folder}", soft_wrap=True, highlight=False)


def write_methods(path: Path, facts: Mapping[str, Any], stage: str) -> None:
    """Write a line for each protocol and kind of maps, with its cost and all its numbers."""
    found = {name: _numbers(facts, name, stage) for name in facts["protocols"]}
    columns = dict.fromkeys(
        key for methods in found.values() for numbers in methods.values() for key in numbers
    )
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["protocol", "method", "forward_passes", *columns])
        for name, methods in found.items():
            for word, numbers in methods.items():
                passes = f"{facts['methods'][word]['forward_passes']:.6g}"
                writer.writerow([name, word, passes, *(numbers.get(key, "") for key in columns)])


def _numbers(facts: Mapping[str, Any], protocol: str, stage: str) -> dict[str, dict[str, float]]:
    """Numbers under one protocol, by kind of maps."""
    return {
        word: by_protocol(one["metrics"], facts["protocols"], stage)[protocol]
        for word, one in facts["methods"].items()
    }
