from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from gapcam.recipes.listing import is_done, print_listing
from gapcam.recipes.plan import plan
from gapcam.recipes.recipe import read_recipe, recipe_names


@pytest.mark.parametrize(
    ("finished", "expected"),
    [
        (None, 0),
        ("trim0/seed0", 1),
        ("trim0/seed7", 0),
        ("trim7/seed0", 0),
    ],
)
def test_done(tmp_path: Path, finished: str | None, expected: int) -> None:
    if finished:
        (tmp_path / "small_gap" / finished).mkdir(parents=True)
        (tmp_path / "small_gap" / finished / "metrics.json").touch()
    assert sum(is_done(run, tmp_path) for run in plan(read_recipe("digits"))) == expected


def test_every_experiment_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "digits" / "small_gap" / "trim1" / "seed0"
    path.mkdir(parents=True)
    (path / "metrics.json").touch()
    console = Console(file=StringIO(), width=80)
    print_listing(tmp_path, console)
    printed = console.file.getvalue()
    assert all(name in printed for name in recipe_names())
    (line,) = [line for line in printed.splitlines() if line.startswith("digits ")]
    assert f"1 of {len(plan(read_recipe('digits')))}" in line
    assert max(map(len, printed.splitlines()[:-2])) <= 80
