"""`python -m gapcam.experiment`: run a table or figure of the paper.

All runs are composed before the first is started, so that a mistake is told at once. Then each is a
process of its own, one after the other; finished ones are skipped. This process imports neither
torch nor Lightning before all have ended.
"""

import shlex
import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from gapcam.errors import UserError
from gapcam.recipes.job import Job, Progress, compose_all, experiment_folder, prepare
from gapcam.recipes.listing import print_listing
from gapcam.recipes.live_table import LiveTable
from gapcam.recipes.plain_lines import PlainLines
from gapcam.recipes.plan import MissingSettingsError, plan
from gapcam.recipes.queue import INTERRUPTED, StopRequests, command_of, run_queue
from gapcam.recipes.recipe import Recipe, read_recipe, require_own_name
from gapcam.summary import wide_console

_EXAMPLES = """\
  python -m gapcam.experiment                         which experiments there are
  python -m gapcam.experiment digits                  the whole table; again: goes on
  python -m gapcam.experiment digits seed=0 arch.trim=0,1 trainer.max_epochs=1 --name quick
  python -m gapcam.experiment digits --commands       the same runs, for a cluster
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says.

    Args:
        arguments: words of the command line; None for those of this process.

    Returns:
        Exit status: 0 if all runs are finished, 1 if one failed or on bad input, 130 if
        interrupted.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    asked = _parser().parse_intermixed_args(words)
    console = wide_console()
    try:
        if asked.experiment is None:
            print_listing(Path("runs"), console)
            return 0
        return _run(asked, ["python", "-m", "gapcam.experiment", *words], console)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED


def _run(asked: Namespace, command: Sequence[str], console: Console) -> int:
    recipe = read_recipe(asked.experiment)
    if asked.name is not None:
        require_own_name(asked.name)
    runs = plan(recipe, asked.settings, asked.rows, asked.name)
    try:
        with console.status(f"composing {len(runs)} runs"):
            configs = compose_all(runs)
    except MissingSettingsError as error:
        typed = shlex.join(command) + "".join(f" {key}=..." for key in error.keys)
        raise UserError(f"{error}. Type:\n  {typed}") from None
    if asked.commands:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as in `... --commands | head`
        print("\n".join(command_of(run) for run in runs))
        return 0
    jobs = prepare(runs, configs)
    with (
        StopRequests() as stop,
        (LiveTable if console.is_terminal else PlainLines)(recipe, jobs, console) as display,
    ):
        run_queue(jobs, display, stop)
    _tell_failures(jobs, console)
    if any(job.progress is Progress.FINISHED for job in jobs):
        _write_page(experiment_folder(configs[0]), recipe, console)
    if all(job.progress is Progress.FINISHED for job in jobs):
        return 0
    _say(console, "The same command goes on: finished runs are kept, others started again.")
    return INTERRUPTED if stop.count or _is_interrupted(jobs) else 1


def _tell_failures(jobs: Sequence[Job], console: Console) -> None:
    for job in jobs:
        if job.progress is Progress.FAILED:
            _say(console, f"failed  {job.run.title}: {job.message}\n        {job.log}")


def _write_page(folder: Path, recipe: Recipe, console: Console) -> None:
    """Write the report beside the runs; that of a table of another recipe's runs, below them."""
    to = folder if recipe.runs == recipe.name else folder / recipe.name
    with console.status("writing the report"):
        from gapcam.report import write_report

        page = write_report([folder], to, recipe_name=recipe.name, overwrite=False)
    _say(console, f"page  {page}")


def _is_interrupted(jobs: Sequence[Job]) -> bool:
    return any(job.progress is Progress.INTERRUPTED for job in jobs)


def _say(console: Console, words: str) -> None:
    console.print(words, soft_wrap=True, markup=False, highlight=False)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "python -m gapcam.experiment",
        description="Run a table or figure of the paper, and write its report.",
        epilog=_EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("experiment", nargs="?", help="its name; without one, all are listed")
    parser.add_argument(
        "settings",
        nargs="*",
        help="for all runs, key=value; key=a,b gives a run for each value",
    )
    parser.add_argument(
        "--rows", type=_names, default=(), metavar="A,B", help="only these rows of the table"
    )
    parser.add_argument(
        "--name", help="keep a variant beside the experiment, in a folder of this name"
    )
    parser.add_argument(
        "--commands", action="store_true", help="print the command of each run, and stop"
    )
    return parser


def _names(text: str) -> tuple[str, ...]:
    names = tuple(word.strip() for word in text.split(",") if word.strip())
    if not names:
        raise ArgumentTypeError("give rows of the table, as in --rows vgg_gap,googlenet_gap")
    return names


if __name__ == "__main__":
    sys.exit(main())
