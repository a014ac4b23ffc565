"""The jobs of an experiment where no terminal shows them: a line an event."""

import time
from collections.abc import Sequence

from rich.console import Console

from gapcam.recipes.duration import duration
from gapcam.recipes.job import Job, Progress
from gapcam.recipes.queue import STOPPING
from gapcam.recipes.recipe import Recipe
from gapcam.recipes.standing import numbers_of, show, summary


class PlainLines:
    """A line for each event: a log stays readable, and shows what ran when.

    Args:
        recipe: names the numbers.
        jobs: all of them.
        console: where to print.
    """

    def __init__(self, recipe: Recipe, jobs: Sequence[Job], console: Console) -> None:
        self._recipe, self._jobs, self._console = recipe, jobs, console

    def __enter__(self) -> "PlainLines":
        for job in self._jobs:
            if job.progress is Progress.FINISHED:
                self._print(job, f"was finished before: {self._numbers(job)}")
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def tick(self) -> None:
        """Print nothing: only events have lines."""

    def stopping(self, job: Job, /) -> None:
        self._print(job, STOPPING)

    def changed(self, job: Job, /) -> None:
        after = f"after {duration(job.seconds)}"
        match job.progress:
            case Progress.RUNNING:
                self._print(job, f"started, prints to {job.log}")
            case Progress.FINISHED:
                self._print(job, f"finished {after}: {self._numbers(job)}; {summary(self._jobs)}")
            case Progress.FAILED:
                self._print(job, f"failed {after}: {' '.join(job.message.split())}")
            case _:
                self._print(job, f"{job.progress.value} {after}")

    def _numbers(self, job: Job) -> str:
        numbers = numbers_of(self._recipe, job, {})
        return ", ".join(f"{title} {show(number)}" for title, number in numbers.items())

    def _print(self, job: Job, words: str) -> None:
        clock = time.strftime("%H:%M:%S")
        place = f"[{self._jobs.index(job) + 1}/{len(self._jobs)}]"
        line = f"{clock} {place} {job.run.title}: {words}"
        self._console.print(line, soft_wrap=True, markup=False, highlight=False)
