from io import StringIO
from pathlib import Path

import pytest
from recipes_support import finish, log_numbers, make_job, make_recipe
from rich.console import Console

from gapcam.recipes.job import Job, Progress
from gapcam.recipes.live_table import LiveTable, around_the_running
from gapcam.recipes.recipe import Recipe


def drawn(recipe: Recipe, jobs: list[Job], width: int = 80) -> list[str]:
    """The lines of the table that stays."""
    console = Console(
        file=StringIO(), width=width, height=24, force_terminal=True, color_system=None
    )
    with LiveTable(recipe, jobs, console):
        console.file.truncate(0)
    last = console.file.getvalue().rpartition("\x1b[2K")[2].partition("\x1b[?25h")[0]
    return [line.rstrip() for line in last.strip("\0\n").splitlines()]


def test_a_line_a_run(tmp_path: Path) -> None:
    jobs = [make_job(tmp_path, row, seed) for row in ("a", "b") for seed in (0, 1)]
    finish(jobs[0], cls_top1=0.25, loc_top1=0.43605, seconds=3700)
    jobs[1].progress, jobs[1].seconds = Progress.RUNNING, 65.0
    log_numbers(jobs[1], "epoch,step,val/loc_top1", "2,9,0.75")
    jobs[2].progress, jobs[2].message = Progress.FAILED, "no [such] thing"
    lines = drawn(make_recipe(), jobs)
    assert [line.split() for line in lines] == [
        ["Small", "[table],", "%"],
        ["run", "time", "classifi.", "localiza."],
        ["a,", "seed", "0", "finished", "1:01:40", "25.00", "43.60"],
        ["a,", "seed", "1", "epoch", "3/8", "0:01:05", "-", "75.00"],
        ["b,", "seed", "0", "failed", "0:00:00", "-", "-"],
        ["b,", "seed", "1", "waiting", "-", "-"],
        ["1", "of", "4", "finished,", "1", "failed,", "about", "2", "h", "02", "min", "left"],
    ]


@pytest.mark.parametrize(("metrics", "shown"), [(1, 1), (2, 2), (9, 2)])
def test_fits_eighty_columns(tmp_path: Path, metrics: int, shown: int) -> None:
    names = {f"localization {n}": ("loc_top1",) for n in range(metrics)}
    jobs = [finish(make_job(tmp_path, "googlenet_gap_ten_crops"))]
    lines = drawn(make_recipe(metrics=names), jobs)
    assert max(map(len, lines)) <= 80
    (line,) = [line for line in lines if "googlenet_gap_ten_crops, seed 0" in line]
    assert line.count("50.00") == shown


@pytest.mark.parametrize(
    ("count", "running", "room", "expected"),
    [
        (0, None, 5, []),
        (3, None, 5, [0, 1, 2]),
        (9, 0, 3, [0, 1, 2]),
        (9, 4, 3, [3, 4, 5]),
        (9, 8, 3, [6, 7, 8]),
        (9, None, 3, [0, 1, 2]),
        (9, 4, 1, [4]),
    ],
)
def test_what_a_low_terminal_shows(
    tmp_path: Path, count: int, running: int | None, room: int, expected: list[int]
) -> None:
    jobs = [make_job(tmp_path, seed=n) for n in range(count)]
    if running is not None:
        jobs[running].progress = Progress.RUNNING
    assert list(around_the_running(jobs, room)) == [jobs[n] for n in expected]


def test_says_that_it_stops(tmp_path: Path) -> None:
    console = Console(file=StringIO(), width=80, force_terminal=True, color_system=None)
    job = make_job(tmp_path)
    with LiveTable(make_recipe(), [job], console) as table:
        table.changed(job)
        table.tick()
        assert "Ctrl-C again kills it" not in console.file.getvalue()
        table.stopping(job)
        assert "Ctrl-C again kills it" in console.file.getvalue()
