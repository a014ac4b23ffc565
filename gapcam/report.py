"""`python -m gapcam.report`: from runs to the paper's tables, beside the paper's numbers.

Importing this module imports neither torch nor matplotlib: help and mistakes answer at once.
"""

import argparse
import json
import os
import shlex
import sys
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gapcam.atomic import require_writable, write_text
from gapcam.errors import UserError
from gapcam.recipes.recipe import Recipe, read_recipe, recipe_names
from gapcam.reporting.collect import collect
from gapcam.reporting.latex import latex
from gapcam.reporting.markdown import markdown
from gapcam.reporting.records import RunRecord
from gapcam.reporting.report_folder import (
    FILES,
    MARKER,
    PAGE,
    is_run,
    require_no_foreign_files,
    require_no_run,
    require_same_report,
)
from gapcam.reporting.table import Table
from gapcam.reporting.tables import other_tables, recipe_tables
from gapcam.reporting.terminal import print_report
from gapcam.reporting.text_tables import csv_text, paired_csv
from gapcam.summary import wide_console

if TYPE_CHECKING:
    from gapcam.reporting.page import Report

_HELP = """\
examples:
  python -m gapcam.report                        everything below runs/
  python -m gapcam.report runs/digits runs/mine  these
  python -m gapcam.report runs --experiment digits --to report
"""


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m gapcam.report",
        description="Collect runs into the paper's tables: a page, Markdown, CSV and LaTeX.",
        epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("paths", nargs="*", type=Path, help="run directories, or folders of them; runs if left out")
    add("--experiment", metavar="NAME", help="only the runs of this recipe")
    add("--to", type=Path, help="folder of the report; the folder of runs, or report if several")
    add("--overwrite", action="store_true", help="replace another report that is there")
    words = parser.parse_args()
    paths = words.paths or [Path("runs")]
    to = words.to or (paths[0] if len(paths) == 1 and not is_run(paths[0]) else Path("report"))
    console = wide_console()
    try:
        report = _write(paths, to, words.experiment, words.overwrite)
    except UserError as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None
    print_report(report, console)
    console.print(f"page  {to / PAGE}", soft_wrap=True, highlight=False)


def write_report(
    paths: Sequence[Path], to: Path, recipe_name: str | None = None, overwrite: bool = False
) -> Path:
    """Write the report about the runs in some folders.

    Args:
        paths: run directories, or folders of them.
        to: where `report.html`, `table.md`, `table.csv`, `table.tex`, `paired.csv` (where lines can
            be compared) and `report.json`, which says what they are about, are written.
        recipe_name: only runs of this recipe, in a table that also has its rows that were not run;
            None: all runs, a table for each recipe.
        overwrite: whether files of another report, or of something else, may be replaced.

    Returns:
        The page.

    Raises:
        UserError: if there is no run, the folder cannot be written to, or it holds something else.
    """
    _write(paths, to, recipe_name, overwrite)
    return to / PAGE


def _write(paths: Sequence[Path], to: Path, recipe_name: str | None, overwrite: bool) -> "Report":
    if recipe_name is not None:
        read_recipe(recipe_name)
    require_no_run(to)
    require_writable(to, "The report", "--to")
    if not overwrite:
        require_no_foreign_files(to)
    found = collect(paths)
    by_recipe = _by_recipe(found.records)
    about: dict[str, Any] = {
        "experiment": recipe_name,
        "shown": sorted(by_recipe) if recipe_name is None else [recipe_name],
        "paths": sorted(os.path.relpath(path.resolve(), to.resolve()) for path in paths),
    }
    if not overwrite:
        require_same_report(to, about)
    command = ["python", "-m", "gapcam.report", *map(str, paths)]
    command += ["--experiment", recipe_name] if recipe_name else []
    report = _gather(by_recipe, found.notes, recipe_name, shlex.join([*command, "--to", str(to)]))
    _write_files(report, to, about)
    return report


def _gather(
    by_recipe: dict[str, list[RunRecord]],
    notes: Sequence[str],
    recipe_name: str | None,
    command: str,
) -> "Report":
    from gapcam.reporting.page import Report
    from gapcam.reporting.paired import paired_differences

    tables: list[Table] = []
    without_row: list[str] = []
    for recipe in _recipes(recipe_name, by_recipe.keys() - {""}):
        found, left_out = recipe_tables(recipe, by_recipe.get(recipe.runs, ()))
        if recipe_name or recipe.runs == recipe.name or any(table.is_measured for table in found):
            tables += found
        without_row += left_out
    others = [] if recipe_name else by_recipe.get("", [])
    tables += other_tables(others) if others else []
    paired, left_out = paired_differences(tables)
    shown = {id(run): run for table in tables for line in table.lines for run in line.runs}
    left_over = sum(map(len, by_recipe.values())) - len(shown) - len(without_row)
    more = [f"runs found here that are not in this report: {left_over}"] if left_over else []
    titles = dict.fromkeys(table.title for table in tables)
    return Report(
        title=next(iter(titles)) if len(titles) == 1 else "Runs and tables",
        tables=tuple(tables),
        records=tuple(shown.values()),
        paired=tuple(paired),
        date=datetime.now(UTC).date().isoformat(),
        command=command,
        notes=(*notes, *without_row, *more, *left_out),
    )


def _recipes(name: str | None, found: Collection[str]) -> list[Recipe]:
    """The one that is asked for; or those with runs, own or of a recipe whose rows they share."""
    if name is not None:
        return [read_recipe(name)]
    every = [read_recipe(one) for one in recipe_names()] if found else []
    return [recipe for recipe in every if recipe.runs in found]


def _by_recipe(records: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """Runs by the recipe that they belong to; "" where it is none that exists."""
    names = recipe_names()
    by_recipe = defaultdict(list)
    for record in records:
        experiment = record.config.get("experiment")
        name = experiment["name"] if experiment else ""
        by_recipe[name if name in names else ""].append(record)
    return by_recipe


def _write_files(report: "Report", to: Path, about: dict[str, Any]) -> None:
    from gapcam.reporting.page import write_page

    about = {"about": about, "date": report.date, "files": list(FILES)}
    texts = {
        MARKER: json.dumps(about, indent=2),
        "table.md": markdown(
            report.title, report.tables, report.paired, report.notes, report.date, report.command
        ),
        "table.csv": csv_text(report.tables),
        "table.tex": latex(report.tables),
    }
    if report.paired:
        texts["paired.csv"] = paired_csv(report.paired)
    try:
        if not report.paired:
            (to / "paired.csv").unlink(missing_ok=True)
        for name, text in texts.items():
            write_text(to / name, text)
        write_page(to / PAGE, report)
    except OSError as error:
        raise UserError(f"The report cannot be written to {to}: {error}; give --to") from None


if __name__ == "__main__":
    main()
