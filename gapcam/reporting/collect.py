"""Look for run directories, and how far each run is."""

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gapcam.errors import UserError
from gapcam.failure import FAILED, Failure, read_failure
from gapcam.reporting.records import RunRecord
from gapcam.reporting.stored import read_config, read_facts, read_json
from gapcam.run_directory import RunDirectory


@dataclass(frozen=True)
class Found:
    """Runs, and what else a reader must know: folders that look like runs and are none."""

    records: tuple[RunRecord, ...]
    notes: tuple[str, ...] = ()


def collect(paths: Sequence[Path]) -> Found:
    """Find the runs in and below folders, each once, in order of their paths.

    A run whose `metrics.json` is broken counts as failed. What `python -m gapcam.evaluate` wrote
    is left out, as its folders do not say which network was scored with which settings.

    Raises:
        UserError: if a folder does not exist, or no run is found in any.
    """
    records: dict[Path, RunRecord] = {}
    notes = []
    evaluations = 0
    for folder in _candidates(paths):
        if folder.resolve() in records:
            continue
        found = _record(folder)
        if isinstance(found, RunRecord):
            records[folder.resolve()] = found
        elif found:
            notes.append(f"{folder} is left out: {found}")
        else:
            evaluations += _is_evaluation(folder)
    if evaluations:
        notes.append(
            f"left out: {evaluations} evaluations; a report is about runs of python -m gapcam.run "
            "and gapcam.study"
        )
    if not records:
        raise UserError("\n".join([_no_run(paths), *notes]))
    return Found(tuple(records.values()), tuple(notes))


def _no_run(paths: Sequence[Path]) -> str:
    return (
        f"There is no run in {', '.join(map(str, paths))}: no folder there holds a config.yaml of "
        "gapcam. Give the folder of your runs (runs/, unless you set runs=...), or make some: "
        "`python -m gapcam.experiment digits`."
    )


def _candidates(paths: Sequence[Path]) -> Iterator[Path]:
    """Folders that look like runs; what lies inside them is not looked at."""
    for path in paths:
        if not path.is_dir():
            what = "is a file" if path.exists() else "does not exist"
            raise UserError(f"{path} {what}; give folders that hold runs, such as runs/")
        seen = set()
        for home, folders, files in os.walk(path, followlinks=True):
            real = os.path.realpath(home)
            is_run = not {"config.yaml", "metrics.json", FAILED}.isdisjoint(files)
            if is_run and real not in seen:
                yield Path(home)
            # Links may lead in circles.
            inside = [] if is_run or real in seen else folders
            folders[:] = sorted(name for name in inside if not name.startswith("."))
            seen.add(real)


def _record(folder: Path) -> RunRecord | str:
    """The run, why it cannot be shown, or "" where there is none."""
    failure = read_failure(folder)
    if (folder / "config.yaml").is_file():
        config = read_config(folder / "config.yaml")
        if isinstance(config, str):
            return config
        return _record_of(folder, config, failure) if config else ""
    if failure is None:
        return ""
    # It failed before the directory was its own, over missing data, say: its command knows more.
    config = _config_of_command(failure)
    return (
        config
        if isinstance(config, str)
        else RunRecord(folder, "failed", config, failure=failure.message)
    )


def _config_of_command(failure: Failure) -> dict[str, Any] | str:
    from gapcam.recipes.plan import PlannedRun, compose_run
    from gapcam.recipes.recipe import COMMANDS

    typed = [line for line in failure.text.splitlines() if line.startswith("command ")]
    words = shlex.split(typed[0])[1:] if typed else []
    commands = {f"python -m gapcam.{command}": command for command in COMMANDS}
    command = commands.get(" ".join(words[:3]))
    if command is None:
        return f"it has no config.yaml; it failed: {failure.message}"
    try:
        run = PlannedRun("", "", None, (), (), tuple(words[3:]), command)
        return compose_run(run)
    except UserError as error:
        return f"it has no config.yaml, and its command is not understood any more: {error}"


def _record_of(folder: Path, config: dict[str, Any], failure: Failure | None) -> RunRecord:
    if (folder / "metrics.json").is_file():
        facts = read_facts(folder / "metrics.json")
        if isinstance(facts, str):
            what = f"metrics.json is broken ({facts}); delete it, and the run's own command tests "
            return RunRecord(folder, "failed", config, failure=f"{what}it again")
        # A run that was asked to go on has older numbers until it ends.
        if facts["length"] == RunDirectory(folder, config).length():
            return RunRecord(folder, "finished", config, facts)
    if failure is not None:
        return RunRecord(folder, "failed", config, failure=failure.message)
    return RunRecord(folder, "unfinished", config)


def _is_evaluation(folder: Path) -> bool:
    facts = read_json(folder / "metrics.json")
    return isinstance(facts, dict) and {"maps", "protocols"} <= facts.keys()
