"""How far the jobs of an experiment are, in numbers and words."""

import math
from collections.abc import Mapping, Sequence

from gapcam.recipes.duration import duration
from gapcam.recipes.job import Job, Progress
from gapcam.recipes.recipe import Recipe
from gapcam.reporting.numbers import columns, measured
from gapcam.reporting.table import PERCENT, Column


def numbers_of(recipe: Recipe, job: Job, logged: Mapping[str, float]) -> dict[str, float | None]:
    """The recipe's numbers in percent, by title: of a finished job those of the test.

    Args:
        recipe: names them; where it compares several protocols, the first.
        job: the job.
        logged: of a running one: its validation numbers are shown until the test's are there.
    """
    first = {title: columns(title, names)[0] for title, names in recipe.metrics.items()}
    if job.progress is not Progress.FINISHED:
        return {title: _validated(column, logged) for title, column in first.items()}
    found = {title: measured(job.facts, column) for title, column in first.items()}
    return {title: None if one is None else one.value for title, one in found.items()}


def epoch_of(job: Job, logged: Mapping[str, float]) -> str:
    """Which epoch a running job is in, as far as it has said so."""
    epochs = job.directory.config["trainer"]["max_epochs"]
    if "epoch" not in logged:
        return "starting" if job.run.command == "run" else "at work"
    if not epochs or epochs < 0:
        return f"step {logged['step']:.0f}"
    return f"epoch {min(int(logged['epoch']) + 1, epochs)}/{epochs}"


def summary(jobs: Sequence[Job]) -> str:
    """How many jobs have ended how, and how long the others may take.

    That is guessed from those that are finished: from repetitions of a job where there are some.
    """
    count = {progress: sum(job.progress is progress for job in jobs) for progress in Progress}
    words = [f"{count[Progress.FINISHED]} of {len(jobs)} finished"]
    words += [f"{count[p]} {p.value}" for p in (Progress.FAILED, Progress.INTERRUPTED) if count[p]]
    left = seconds_left(jobs)
    return ", ".join(words + ([f"about {duration(left)} left"] if left else []))


def seconds_left(jobs: Sequence[Job]) -> float | None:
    """How long the jobs that have not ended may take; None if none is finished, or all ended."""
    taken = [(job, job.seconds_of_work()) for job in jobs if job.progress is Progress.FINISHED]
    ahead = [job for job in jobs if job.progress in (Progress.WAITING, Progress.RUNNING)]
    if not taken or not ahead:
        return None
    left = 0.0
    for job in ahead:
        alike = [seconds for other, seconds in taken if _place(other) == _place(job)]
        known = alike or [seconds for _, seconds in taken]
        left += max(0.0, sum(known) / len(known) - job.seconds)
    return left


def show(number: float | None) -> str:
    """Two digits, or a dash for what was not measured."""
    return "-" if number is None else f"{number:.2f}"


def _place(job: Job) -> tuple[object, ...]:
    return job.run.row, job.run.column, job.run.point


def _validated(column: Column, logged: Mapping[str, float]) -> float | None:
    rate = logged.get(f"val/{column.name}", math.nan)
    if math.isnan(rate):
        return None
    return PERCENT * (1 - rate if column.is_accuracy else rate)
