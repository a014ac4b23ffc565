"""The jobs of an experiment in a terminal: a table that follows them."""

import time
from collections.abc import Sequence
from datetime import timedelta

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gapcam.recipes.job import Job, Progress
from gapcam.recipes.logged import latest_logged
from gapcam.recipes.queue import STOPPING
from gapcam.recipes.recipe import Recipe
from gapcam.recipes.standing import epoch_of, numbers_of, show, summary

_STYLES = {
    Progress.WAITING: "dim",
    Progress.RUNNING: "bold",
    Progress.FINISHED: "",
    Progress.FAILED: "red",
    Progress.INTERRUPTED: "yellow",
}
_REFRESH_SECONDS = 1.0
_WIDEST_RUN, _STATE_AND_TIME, _LONGEST_WORD = 34, 20, 9
"""Columns of a terminal: for what a run is, how far it is, and a word above a number."""
_BESIDE_LINES = 7
"""Lines of a terminal around those of the jobs."""


class LiveTable:
    """A table that follows the jobs; of more than fit on the screen, those around the running one.

    Numbers of a running job are its latest validation numbers.

    Args:
        recipe: names the numbers.
        jobs: looked at anew at each refresh.
        console: where to draw.
    """

    def __init__(self, recipe: Recipe, jobs: Sequence[Job], console: Console) -> None:
        self._recipe, self._jobs, self._console = recipe, jobs, console
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="visible")
        self._drawn = 0.0
        self._footer = ""

    def __enter__(self) -> "LiveTable":
        self._live.start()
        self._draw()
        return self

    def __exit__(self, *error: object) -> None:
        self._footer = ""
        self._live.update(self._picture(self._jobs), refresh=True)
        self._live.stop()

    def changed(self, _: Job, /) -> None:
        self._draw()

    def tick(self) -> None:
        if time.monotonic() - self._drawn >= _REFRESH_SECONDS:
            self._draw()

    def stopping(self, _: Job, /) -> None:
        self._footer = STOPPING
        self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        room = max(1, self._console.height - _BESIDE_LINES)
        self._live.update(self._picture(around_the_running(self._jobs, room)), refresh=True)

    def _picture(self, jobs: Sequence[Job]) -> Group:
        title = self._recipe.title
        below = [summary(self._jobs), self._footer]
        return Group(
            Text(title if "%" in title else f"{title}, %", style="bold"),
            self._table(jobs),
            *(Text(line, style="dim") for line in below if line),
        )

    def _table(self, jobs: Sequence[Job]) -> Table:
        titles = self._titles_that_fit()
        table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
        table.add_column("run", overflow="fold")
        table.add_column("", no_wrap=True)
        table.add_column("time", justify="right", no_wrap=True)
        for title in titles:
            table.add_column(escape(_short(title)), justify="right")
        for job in jobs:
            logged = _logged(job)
            cells = [show(number) for number in numbers_of(self._recipe, job, logged).values()]
            table.add_row(
                escape(job.run.title),
                epoch_of(job, logged) if job.progress is Progress.RUNNING else job.progress.value,
                "" if job.progress is Progress.WAITING else _clock(job.seconds_of_work()),
                *cells[: len(titles)],
                style=_STYLES[job.progress],
            )
        return table

    def _titles_that_fit(self) -> list[str]:
        """The first titles of numbers, so many that a run's title has a line."""
        longest = max(len(job.run.title) for job in self._jobs)
        room = self._console.width - min(longest + 1, _WIDEST_RUN) - _STATE_AND_TIME
        return list(self._recipe.metrics)[: max(1, room // (_LONGEST_WORD + 1))]


def around_the_running(jobs: Sequence[Job], room: int) -> Sequence[Job]:
    """At most `room` jobs in a row, with the one that is running, or the first that waits."""
    at = next((n for n, job in enumerate(jobs) if job.progress is Progress.RUNNING), None)
    if at is None:
        at = next((n for n, job in enumerate(jobs) if job.progress is Progress.WAITING), 0)
    start = max(0, min(at - room // 2, len(jobs) - room))
    return jobs[start : start + room]


def _logged(job: Job) -> dict[str, float]:
    is_running = job.progress is Progress.RUNNING
    return latest_logged(job.directory.path / "csv") if is_running else {}


def _short(title: str) -> str:
    """A title whose long words are cut: it stands above a number."""
    words = title.split()
    return " ".join(w if len(w) <= _LONGEST_WORD else f"{w[: _LONGEST_WORD - 1]}." for w in words)


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
