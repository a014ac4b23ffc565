"""`python -m gapcam.run`: train a network with image labels alone and see where it looks.

Importing this module does not import torch: help, completion and mistakes answer at once.
"""

import gc
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from gapcam.claimed import work_in
from gapcam.config_dir import CONFIG_DIR
from gapcam.errors import UserError
from gapcam.failure import describe, is_explained
from gapcam.plain_config import plain_config
from gapcam.run_directory import RunDirectory, State, is_main_process
from gapcam.suggest import explained
from gapcam.summary import print_result, wide_console
from gapcam.sweep_guard import (
    processes_asked_for,
    refuse_processes,
    require_launcher,
    require_multirun,
    starts_processes,
)
from gapcam.sweep_jobs import remember_sweeps, sweep_jobs
from gapcam.sweep_outcome import outcome
from gapcam.sweep_table import print_sweep
from gapcam.view_choice import settle_views

OBJECTIVES = ("test/loc_top1", "test/cls_top1")
"""What sweeps minimise: the first that was measured; without true boxes there is one less."""


def main() -> None:
    """Do what the command line says; after a misspelt setting, say which ones exist.

    A sweep ends with a table of its jobs, also when one failed or it was interrupted.
    """
    try:
        require_launcher(sys.argv[1:])
    except UserError as error:
        sys.exit(str(error))
    remember_sweeps()
    try:
        with explained():
            compose_and_run()
    finally:
        print_sweep(sweep_jobs(partial(outcome, directory_of=_directory)), wide_console())


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="config")
def compose_and_run(config: DictConfig) -> float:
    """Run one configuration and return its top-1 localization error, which sweeps minimise.

    Without true boxes it is the top-1 classification error.
    """
    try:
        metrics = run(config)
    except Exception as error:
        if not (is_explained(error) or _is_sweep()):
            raise
        message = describe(error)
    else:
        return next(float(metrics["metrics"][o]) for o in OBJECTIVES if o in metrics["metrics"])
    finally:
        _free_memory()
    if _is_sweep():  # of its errors Hydra shows the first one, at the end
        print(f"{OmegaConf.select(config, 'run_id')} failed: {message}", file=sys.stderr)
    # Not the error itself: it cannot always travel back from another process, and its traceback
    # would keep the network in memory until the sweep ends. FAILED holds all of it.
    raise CompactHydraException(message)


def _free_memory() -> None:
    """A trainer and its network refer to each other; the next job of a sweep needs their room."""
    gc.collect()
    if "torch" in sys.modules:
        sys.modules["torch"].cuda.empty_cache()


def run(config: DictConfig) -> dict[str, Any]:
    """Run one configuration, unless its directory already holds the result.

    Returns:
        What `metrics.json` holds.

    Raises:
        UserError: on bad input.
    """
    directory = _directory(config)
    console = wide_console(quiet=not is_main_process())
    if directory.state() is State.FINISHED:
        console.print(f"{directory.path} is finished; delete it to run it again.", soft_wrap=True)
        metrics = directory.metrics()
    else:
        command = shlex.join(["python", "-m", "gapcam.run", *HydraConfig.get().overrides.task])

        def work() -> dict[str, Any]:
            with console.status("loading torch"):
                from gapcam.execution import execute
            return execute(directory, command, _has_one_process(), console)

        metrics = work_in(directory, command, work, console)
    print_result(metrics, str(directory.report), console, "test")
    return metrics


def resolve(config: DictConfig) -> dict[str, Any]:
    """Plain configuration without interpolations.

    Raises:
        UserError: if a setting is missing or impossible.
    """
    plain = plain_config(config)
    if plain["weights"] not in ("last", "best"):
        raise UserError(f"weights must be last or best; got {plain['weights']!r}")
    if plain["weights"] == "best" and plain["trainer"]["max_epochs"] == 0:
        raise UserError("weights=best needs training; trainer.max_epochs=0 tests what is loaded")
    if not isinstance(plain["boxes"], list) or not set(plain["boxes"]) <= {"train", "val", "test"}:
        raise UserError(f"boxes must be a list of train, val, test; got {plain['boxes']!r}")
    settle_views(plain)
    return plain


def _directory(config: DictConfig) -> RunDirectory:
    """Where a configuration runs, if it can run where it is started."""
    plain = resolve(config)
    if not _is_sweep():
        require_multirun(HydraConfig.get().launcher)
    if _has_one_process():
        refuse_processes(processes_asked_for(plain["trainer"]))
    return RunDirectory(Path(plain["run_dir"]), plain)


def _is_sweep() -> bool:
    return bool(HydraConfig.get().mode == RunMode.MULTIRUN)


def _has_one_process() -> bool:
    return _is_sweep() and not starts_processes(HydraConfig.get().launcher)


if __name__ == "__main__":
    # Under its own name: the processes of a sweep import from there what their job calls.
    from gapcam.run import main as run_main

    run_main()
