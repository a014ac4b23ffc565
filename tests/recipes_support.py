"""A small recipe and its jobs, without Hydra and without training; what an experiment leaves."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from gapcam.recipes.job import Job, Progress
from gapcam.recipes.plan import PlannedRun
from gapcam.recipes.recipe import Choice, Recipe
from gapcam.run_directory import RunDirectory

CONFIG: dict[str, Any] = {"trainer": {"max_epochs": 8, "max_steps": -1}, "data": {}}


class Experiment(NamedTuple):
    """A finished experiment: its `folder`, and what the two commands printed that made it.

    `first_result` is the time of the first run's result, before the second command.
    """

    folder: Path
    interrupted: str
    resumed: str
    first_result: int


def make_recipe(**changes: Any) -> Recipe:
    settings: dict[str, Any] = {
        "name": "small",
        "title": "Small [table]",
        "metrics": {
            "classification": ("cls_top1",),
            "localization": ("loc_top1", "exact/loc_top1"),
        },
        "rows": {"a": Choice("A", ("arch.units=8",)), "b": Choice("B", ())},
        "columns": {},
        "sweep": {},
        "repeat": {"seed": (0,)},
        "runs": "small",
        "paper_at": {},
    }
    return Recipe(**{**settings, **changes})


def make_job(
    folder: Path, row: str = "a", seed: int = 0, words: tuple[str, ...] = (), **changes: Any
) -> Job:
    run = PlannedRun("small", row, None, (), (("seed", seed),), words)
    path = folder / row / "trim0" / f"seed{seed}"
    log = folder / "logs" / f"{row}-seed{seed}.txt"
    return Job(run, RunDirectory(path, {**CONFIG, **changes}), log)


def finish(job: Job, cls_top1: float = 0.25, loc_top1: float = 0.5, seconds: float = 60.0) -> Job:
    """Leave what a finished run leaves, and say so."""
    job.directory.path.mkdir(parents=True, exist_ok=True)
    (job.directory.path / "config.yaml").write_text(yaml.safe_dump(job.directory.config))
    facts = {
        "metrics": {"test/cls_top1": cls_top1, "test/loc_top1": loc_top1},
        "protocols": {"paper": {}},
        "intervals": {},
        "seconds": {"train": seconds, "test": 0.0},
        "length": job.directory.length(),
    }
    (job.directory.path / "metrics.json").write_text(json.dumps(facts))
    job.progress = Progress.FINISHED
    return job


def log_numbers(job: Job, *lines: str, version: int = 0) -> None:
    """Write what Lightning's CSV logger writes while a run is running."""
    path = job.directory.path / "csv" / f"version_{version}" / "metrics.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def results(folder: Path) -> list[Path]:
    return sorted(folder.rglob("metrics.json"))
