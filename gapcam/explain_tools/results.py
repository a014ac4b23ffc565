"""What is left behind once all pictures are done: tables, sheets, a page, and words."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from gapcam.atomic import write_text
from gapcam.explain_tools.boxes import write_coco, write_csv
from gapcam.explain_tools.gallery import Remark, write_contact_sheets, write_page
from gapcam.explain_tools.record import Entry

_PRINTED = 10


def write_results(
    folder: Path, entries: Sequence[Entry], class_names: Sequence[str], info: dict[str, Any]
) -> None:
    """Write `boxes.csv`, `boxes.json`, `not_explained.txt`, contact sheets and the gallery.

    Args:
        folder: has the sheets of the pictures.
        entries: of all pictures.
        class_names: of the network.
        info: `description`, `maps`, `protocol` (as `Protocol.as_dict` gives it), `command`,
            `versions`.
    """
    good, remarks = explained(entries), remarks_on(entries)
    rule = info["protocol"]
    write_csv(folder / "boxes.csv", good, rule)
    write_coco(folder / "boxes.json", good, class_names, info)
    lines = [f"{one.kind}\t{one.name}\t{one.text}\n" for one in remarks]
    write_text(folder / "not_explained.txt", "".join(lines))
    write_contact_sheets(folder, good, f"{rule['title']}: {rule['rule']}")
    write_page(folder, good, remarks, info)


def print_results(
    folder: Path, entries: Sequence[Entry], left_alone: int, console: Console
) -> None:
    """Print the first pictures, what is to be said of others, and where everything lies.

    Args:
        folder: of the results.
        entries: of all pictures.
        left_alone: files that nobody took for pictures.
        console: where to print.
    """
    good = explained(entries)
    table = Table()
    for column in ("picture", "class", "score", "box x0 y0 x1 y1"):
        table.add_column(column, justify="right" if column == "score" else "left", overflow="fold")
    for entry in good[:_PRINTED]:
        best = entry["found"][0]
        box = " ".join(f"{corner:.0f}" for corner in best["boxes"][0])
        table.add_row(entry["name"], best["name"], f"{best['score']:.1%}", box)
    if good:
        console.print(table)
    if len(good) > _PRINTED:
        console.print(f"and {len(good) - _PRINTED:,} more", highlight=False)
    for one in remarks_on(entries):
        line = f"{one.kind}  {one.name}: {one.text}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(
        f"{len(good):,} pictures explained, {len(entries) - len(good):,} not"
        + (f"; {left_alone:,} other files left alone" if left_alone else ""),
        highlight=False,
    )
    console.print(f"gallery  {folder / 'index.html'}", soft_wrap=True, highlight=False)


def explained(entries: Sequence[Entry]) -> list[Entry]:
    """Those of pictures that could be read."""
    return [entry for entry in entries if "reason" not in entry]


def remarks_on(entries: Sequence[Entry]) -> list[Remark]:
    """What is to be said of pictures that could not be read, or are odd."""
    return [
        Remark("note" if "remarks" in entry else "not explained", entry["name"], text)
        for entry in entries
        if (text := entry.get("reason") or "; ".join(entry.get("remarks", ())))
    ]
