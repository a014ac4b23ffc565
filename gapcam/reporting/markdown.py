"""A report as Markdown: all but its pictures."""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gapcam.reporting.table import Table
from gapcam.reporting.text_tables import LEGEND, MOST_PAIRED, direction, grid

if TYPE_CHECKING:
    from gapcam.reporting.page import PairedDifferences

_SPECIAL = re.compile(r"([\\`*|<]|\b_|_\b)")


def markdown(
    title: str,
    tables: Sequence[Table],
    paired: Sequence["PairedDifferences"],
    notes: Sequence[str],
    date: str,
    command: str,
) -> str:
    """All of a report but its pictures, for GitHub.

    Args:
        title: of the report.
        tables: in order.
        paired: differences between their lines.
        notes: on what was left out.
        date: of the report.
        command: that writes it again.
    """
    parts = [f"# {_md(title)}"]
    for table in tables:
        parts += [] if table.title == title or table.reason else [f"## {_md(table.title)}"]
        parts += _markdown_table(table)
    if tables:
        parts.append(_md(LEGEND))
    for differences in paired:
        parts += _markdown_paired(differences)
    parts += [f"Note: {_md(note)}" for note in notes]
    parts += [*_made_by(tables), f"Written on {date} by `{command}`."]
    return "\n\n".join(parts) + "\n"


def _markdown_table(table: Table) -> list[str]:
    titles, *lines = grid(table)
    aligned = [":--", *["--:"] * (len(titles) - 2), ":--"]
    body = [titles, aligned, *[[_md(text) for text in line] for line in lines]]
    return [
        *([f"Apart from the table above: {_md(table.reason)}."] if table.reason else []),
        *([_md(table.note)] if table.note else []),
        "\n".join(f"| {' | '.join(line)} |" for line in body),
        *_footnotes(table),
    ]


def _footnotes(table: Table) -> list[str]:
    """What is better, the images, and the rule of each protocol."""
    rules = {
        f"- protocol {_md(column.protocol_title)} ({column.protocol_id}): {_md(column.rule)}": None
        for column in table.columns
        if column.protocol_id
    }
    images = f" Scored on {table.evaluated_on}." if table.evaluated_on else ""
    return [_md(direction(table) + images), *(["\n".join(rules)] if rules else [])]


def _markdown_paired(paired: "PairedDifferences") -> list[str]:
    heading = f"### Paired differences: {_md(paired.column.title)}"
    if len(paired.lines) > MOST_PAIRED:
        return [heading, f"Of {len(paired.lines)} lines with each other: see `paired.csv`."]
    titles = ["line minus column", *map(_md, paired.lines)]
    body = [titles, [":--", *["--:"] * len(paired.lines)]]
    for i, line in enumerate(paired.lines):
        body.append([_md(line), *(_paired_cell(paired, i, j) for j in range(len(paired.lines)))])
    return [
        heading,
        f"In percentage points, with 95 % bootstrap intervals over the same {paired.images:,} "
        "images; bold where chance over the images is ruled out.",
        "\n".join(f"| {' | '.join(line)} |" for line in body),
    ]


def _paired_cell(paired: "PairedDifferences", i: int, j: int) -> str:
    difference, low, high = paired.difference[i][j], paired.lower[i][j], paired.upper[i][j]
    if difference is None or low is None or high is None:
        return ""
    text = f"{difference:+.2f}"
    return f"{f'**{text}**' if low > 0 or high < 0 else text} ({low:+.2f} to {high:+.2f})"


def _made_by(tables: Iterable[Table]) -> list[str]:
    """Versions, machines and commands of the runs."""
    runs = [run for table in tables for line in table.lines for run in line.runs if run.facts]
    if not runs:
        return []
    versions = dict.fromkeys(run.versions for run in runs)
    devices = dict.fromkeys(str(run.facts.get("device", "an unknown device")) for run in runs)
    commands = dict.fromkeys(str(run.facts.get("command", "")) for run in runs)
    return [
        f"Made with {'; '.join(versions)}; on {', '.join(devices)}.",
        "<details><summary>Commands of the runs</summary>",
        "\n".join(["```", *commands, "```"]),
        "</details>",
    ]


def _md(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
