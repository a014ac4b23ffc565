"""`python -m gapcam.run`: train a network with image labels alone and see where it looks.

Importing this module does not import torch: help, completion and mistakes answer at once.
"""

import shlex
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from gapcam.atomic import DISK_FULL
from gapcam.config_dir import CONFIG_DIR
from gapcam.errors import UserError
from gapcam.run_directory import RunDirectory, State, is_main_process
from gapcam.suggest import suggestions
from gapcam.summary import print_result, wide_console
from gapcam.sweep_guard import processes_asked_for, refuse_processes
from gapcam.sweep_table import Job, print_sweep
from gapcam.view_choice import settle_views

OBJECTIVES = ("test/loc_top1", "test/cls_top1")
"""What sweeps minimise: the first that was measured; without true boxes there is one less."""
_JOBS: list[Job] = []
"""Those that this process has run."""

_ERROR_IN_WORKER = f"{UserError.__module__}.{UserError.__name__}: "


def main() -> None:
    """Do what the command line says; after a misspelt setting, say which ones exist.

    A sweep ends with a table of its jobs, also when one failed or it was interrupted.
    """
    try:
        compose_and_run()
    except SystemExit as stop:
        if stop.code == 1:
            for line in suggestions(sys.argv[1:]):
                print(line, file=sys.stderr)
        raise
    finally:
        print_sweep(_JOBS, wide_console())


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="config")
def compose_and_run(config: DictConfig) -> float:
    """Run one configuration and return its top-1 localization error, which sweeps minimise.

    Without true boxes it is the top-1 classification error.
    """
    title = str(OmegaConf.select(config, "run_id"))
    try:
        metrics = run(config)
    except UserError as error:
        # A loader's worker process wraps the message in its traceback.
        message = str(error).rpartition(_ERROR_IN_WORKER)[2]
        _JOBS.append(Job(title, None, message))
        raise CompactHydraException(message) from None
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        # A log file, say; results and checkpoints explain themselves.
        raise CompactHydraException(
            f"No room on the disk: {error}. Make room and run the same command again."
        ) from None
    _JOBS.append(Job(title, metrics))
    return next(float(metrics["metrics"][o]) for o in OBJECTIVES if o in metrics["metrics"])


def run(config: DictConfig) -> dict[str, Any]:
    """Run one configuration, unless its directory already holds the result.

    Returns:
        What `metrics.json` holds.

    Raises:
        UserError: on bad input.
    """
    plain = resolve(config)
    hydra_config = HydraConfig.get()
    is_sweep = hydra_config.mode == RunMode.MULTIRUN
    if is_sweep:
        refuse_processes(processes_asked_for(plain["trainer"]))
    directory = RunDirectory(Path(plain["run_dir"]), plain)
    console = wide_console(quiet=not is_main_process())
    if directory.state() is State.FINISHED:
        console.print(f"{directory.path} is finished; delete it to run it again.", soft_wrap=True)
        metrics = directory.metrics()
    else:
        command = ["python", "-m", "gapcam.run", *hydra_config.overrides.task]
        metrics = _run_claimed(directory, shlex.join(command), is_sweep, console)
    print_result(metrics, str(directory.report), console, "test")
    return metrics


def resolve(config: DictConfig) -> dict[str, Any]:
    """Plain configuration without interpolations.

    Raises:
        UserError: if a setting is missing or impossible.
    """
    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        settings = " ".join(f"{key}=..." for key in missing)
        raise UserError(f"{', '.join(missing)} must be set: add {settings} to the command.")
    plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    if plain["weights"] not in ("last", "best"):
        raise UserError(f"weights must be last or best; got {plain['weights']!r}")
    if plain["weights"] == "best" and plain["trainer"]["max_epochs"] == 0:
        raise UserError("weights=best needs training; trainer.max_epochs=0 tests what is loaded")
    for key in ("seed", "gallery"):
        if not isinstance(plain[key], int) or plain[key] < 0:
            raise UserError(f"{key} must be a whole number from 0 on; got {plain[key]!r}")
    settle_views(plain)
    return plain


def _run_claimed(
    directory: RunDirectory, command: str, is_sweep: bool, console: Console
) -> dict[str, Any]:
    with directory.claimed() if is_main_process() else nullcontext():
        try:
            with console.status("loading torch"):
                from gapcam.experiment import run_experiment
            return run_experiment(directory, command, is_sweep, console)
        except (KeyboardInterrupt, SystemExit):
            # Lightning turns Ctrl-C into SystemExit once it has shut down.
            kept = directory.resume_from()
            console.print(
                "Interrupted. "
                + (
                    f"The same command goes on from {kept}."
                    if kept is not None
                    else "Nothing was saved yet: the same command begins anew."
                ),
                soft_wrap=True,
            )
            raise SystemExit(130) from None


if __name__ == "__main__":
    main()
