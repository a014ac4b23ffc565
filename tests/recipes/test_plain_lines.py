import re
from io import StringIO
from pathlib import Path

from recipes_support import finish, make_job, make_recipe
from rich.console import Console

from gapcam.recipes.job import Progress
from gapcam.recipes.plain_lines import PlainLines


def test_a_line_an_event(tmp_path: Path) -> None:
    jobs = [make_job(tmp_path, seed=seed) for seed in range(4)]
    console = Console(file=StringIO(), width=20)
    finish(jobs[0])
    with PlainLines(make_recipe(), jobs, console) as lines:
        jobs[1].progress = Progress.RUNNING
        lines.changed(jobs[1])
        lines.tick()
        finish(jobs[1]).seconds = 61.0
        lines.changed(jobs[1])
        jobs[2].progress, jobs[2].message = Progress.FAILED, "no [such]\nthing"
        lines.changed(jobs[2])
        jobs[3].progress = Progress.RUNNING
        lines.stopping(jobs[3])
        jobs[3].progress = Progress.INTERRUPTED
        lines.changed(jobs[3])
    found = console.file.getvalue().splitlines()
    assert all(re.match(r"\d\d:\d\d:\d\d \[", line) for line in found)
    assert [line.partition(" ")[2] for line in found] == [
        "[1/4] a, seed 0: was finished before: classification 25.00, localization 50.00",
        f"[2/4] a, seed 1: started, prints to {jobs[1].log}",
        "[2/4] a, seed 1: finished after 1 min 01 s: classification 25.00, localization 50.00; "
        "2 of 4 finished, about 2 min 01 s left",
        "[3/4] a, seed 2: failed after 0.0 s: no [such] thing",
        "[4/4] a, seed 3: stopping: the run saves what it has; Ctrl-C again kills it",
        "[4/4] a, seed 3: interrupted after 0.0 s",
    ]
