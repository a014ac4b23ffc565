"""Which experiments there are, and how much of each is done."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gapcam.naming import file_name
from gapcam.recipes.plan import PlannedRun, plan
from gapcam.recipes.recipe import read_recipe, recipe_names


def print_listing(runs: Path, console: Console) -> None:
    """Print a line for each experiment: its name, title, expected time, and what is done.

    Args:
        runs: folder that runs lie in.
        console: where to print.

    Raises:
        UserError: if a recipe is malformed.
    """
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("experiment", no_wrap=True)
    table.add_column("what it shows")
    table.add_column("time")
    table.add_column("done", justify="right", no_wrap=True)
    for name in recipe_names():
        recipe = read_recipe(name)
        planned = plan(recipe)
        done = sum(is_done(run, runs / recipe.runs) for run in planned)
        count = f"{done} of {len(planned)}"
        table.add_row(f"[bold]{escape(name)}[/]", escape(recipe.title), escape(recipe.time), count)
    console.print(table)
    console.print(
        f"done: finished runs in {runs}/. Start one, or go on with it:\n"
        "  python -m gapcam.experiment NAME [SETTING=VALUE ...]      --help says more",
        highlight=False,
    )


def is_done(run: PlannedRun, folder: Path) -> bool:
    """Whether a run of the plain recipe seems finished, without composing its configuration.

    Args:
        run: the run.
        folder: of the experiment.
    """
    given = dict(word.split("=", 1) for word in run.words if "=" in word)
    trim = f"trim{file_name(given['arch.trim'])}" if "arch.trim" in given else "trim*"
    seed = f"seed{given['seed']}" if "seed" in given else "seed*"
    return any((folder / given["experiment.row"]).glob(f"{trim}/{seed}/metrics.json"))
