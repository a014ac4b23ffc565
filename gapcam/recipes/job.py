"""A planned run on its way: where it lies, and how far it is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any

import yaml

from gapcam.atomic import require_writable
from gapcam.errors import UserError
from gapcam.recipes.plan import MissingSettingsError, PlannedRun, compose_run
from gapcam.run_directory import RunDirectory, State, compare

_NEEDED = ("metrics", "protocols", "intervals", "seconds")
"""What is shown of a finished run."""


class Progress(Enum):
    """How far a run is."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass
class Job:
    """A run of an experiment.

    Args:
        run: what is run.
        directory: of the run; has its configuration.
        log: the file that what it prints is added to.
        progress: how far it is.
        seconds: that it has taken since this command started it.
        message: why it failed.
    """

    run: PlannedRun
    directory: RunDirectory
    log: Path
    progress: Progress = Progress.WAITING
    seconds: float = 0.0
    message: str = ""

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What `metrics.json` of a finished run holds."""
        return self.directory.metrics()

    def seconds_of_work(self) -> float:
        """What it took in all, earlier starts included, as far as that is known."""
        if self.progress is not Progress.FINISHED:
            return self.seconds
        parts = [float(part) for part in self.facts["seconds"].values()]
        return max(self.seconds, sum(part for part in parts if not math.isnan(part)))


def compose_all(runs: Sequence[PlannedRun]) -> list[dict[str, Any]]:
    """Compose the configurations of all runs, before any is started.

    Raises:
        MissingSettingsError: if settings have no value; names those of all runs.
        UserError: if a setting is wrong.
    """
    configs, missing = [], set()
    for run in runs:
        try:
            configs.append(compose_run(run))
        except MissingSettingsError as error:
            missing |= set(error.keys)
    if missing:
        raise MissingSettingsError(sorted(missing))
    return configs


def prepare(runs: Sequence[PlannedRun], configs: Sequence[dict[str, Any]]) -> list[Job]:
    """Look how far all runs are, and whether those that are not finished can be started.

    Args:
        runs: of one experiment.
        configs: theirs.

    Raises:
        UserError: if a data set's folder is not there, or a run directory cannot be used.
    """
    jobs = [_job(run, config) for run, config in zip(runs, configs, strict=True)]
    _require_own_directories(jobs)
    for job in jobs:
        if job.progress is Progress.WAITING:
            _require_data(job)
            require_writable(job.directory.path, "Runs", "runs=...")
    return jobs


def experiment_folder(config: dict[str, Any]) -> Path:
    """The folder of an experiment, from the configuration of one of its runs."""
    return Path(config["runs"], config["group"])


def _job(run: PlannedRun, config: dict[str, Any]) -> Job:
    path = Path(config["run_dir"])
    folder = experiment_folder(config)
    log = folder / "logs" / ("-".join(path.relative_to(folder).parts) + ".txt")
    directory = RunDirectory(path, config)
    is_finished = _state(run, directory) is State.FINISHED
    return Job(run, directory, log, Progress.FINISHED if is_finished else Progress.WAITING)


def _state(run: PlannedRun, directory: RunDirectory) -> State:
    stored = directory.path / "config.yaml"
    try:
        differences = (
            compare(yaml.safe_load(stored.read_text()), directory.config)
            if stored.is_file()
            else []
        )
        if not differences:
            state = directory.state()
            if state is State.FINISHED:
                itemgetter(*_NEEDED)(directory.metrics())
            return state
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{directory.path} is broken ({error!r}): delete it, and the same command runs "
            f"{run.title} again."
        ) from error
    raise UserError(
        f"{directory.path} holds a run with another configuration (stored -> asked for):\n  "
        + "\n  ".join(differences)
        + "\nAdd --name NAME: this variant is then kept beside it, in a folder of that name. Or "
        "delete that directory."
    )


def _require_own_directories(jobs: Sequence[Job]) -> None:
    seen: dict[Path, Job] = {}
    for job in jobs:
        other = seen.setdefault(job.directory.path, job)
        if other is not job:
            raise UserError(
                f"{other.run.title} and {job.run.title} would both be {job.directory.path}: "
                "sweep settings whose values differ by more than punctuation."
            )


def _require_data(job: Job) -> None:
    root = job.directory.config["data"].get("root")
    if root is not None and not Path(str(root)).expanduser().exists():
        raise UserError(
            f"{job.run.title}: data.root={root} does not exist. Give the folder of the data set."
        )
