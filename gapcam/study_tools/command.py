"""`python -m gapcam.study`: what the paper does with a trained network.

Importing this module does not import torch: help, completion and mistakes answer at once.
"""

import shlex
from functools import partial
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict

from gapcam.atomic import require_writable
from gapcam.claimed import work_in
from gapcam.config_dir import CONFIG_DIR
from gapcam.errors import UserError
from gapcam.failure import describe, is_explained
from gapcam.naming import checkpoint_name, data_name
from gapcam.plain_config import plain_config
from gapcam.run_directory import RunDirectory, State, is_main_process
from gapcam.study_tools.result import print_study
from gapcam.study_tools.weight_file import require_same_weights
from gapcam.suggest import explained
from gapcam.summary import wide_console
from gapcam.sweep_guard import processes_asked_for, refuse_processes, require_multirun
from gapcam.sweep_jobs import remember_sweeps, sweep_jobs
from gapcam.sweep_outcome import outcome
from gapcam.sweep_table import print_sweep
from gapcam.view_choice import settle_views

CONFIG = "study"


def main() -> None:
    """Do what the command line says; after a misspelt setting, say which ones exist.

    A sweep ends with a table of its jobs, also when one failed or it was interrupted.
    """
    remember_sweeps()
    try:
        with explained(CONFIG):
            compose_and_study()
    finally:
        print_sweep(sweep_jobs(partial(outcome, directory_of=_directory)), wide_console())


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name=CONFIG)
def compose_and_study(config: DictConfig) -> None:
    """Do the study that one configuration names; mistakes are told without a traceback."""
    try:
        study(config)
    except Exception as error:
        if not is_explained(error):
            raise
        raise CompactHydraException(describe(error)) from None


def study(config: DictConfig) -> dict[str, Any]:
    """Do a study, unless its directory already holds the result.

    Returns:
        What `metrics.json` holds.

    Raises:
        UserError: on bad input, or if the result is of weights that the file no longer holds.
    """
    words = HydraConfig.get().overrides.task
    console = wide_console(quiet=not is_main_process())
    is_sweep = HydraConfig.get().mode == RunMode.MULTIRUN
    if not is_sweep:
        require_multirun(HydraConfig.get().launcher)
    directory = _directory(config)
    if is_sweep:
        refuse_processes(processes_asked_for(directory.config["trainer"]))
    if directory.state() is State.FINISHED:
        require_same_weights(directory)
        console.print(f"{directory.path} is finished; delete it to run it again.", soft_wrap=True)
        facts = directory.metrics()
    else:
        require_writable(directory.path, "Results", "runs=...")
        command = shlex.join(["python", "-m", "gapcam.study", *words])

        def work() -> dict[str, Any]:
            with console.status("loading torch"):
                from gapcam.study_tools.execution import execute
            return execute(directory, command, is_sweep, console)

        facts = work_in(directory, command, work, console, "The same command goes on.")
    print_study(facts, str(directory.report), console)
    return facts


def resolve(config: DictConfig) -> dict[str, Any]:
    """Plain configuration without interpolations.

    Raises:
        UserError: if a setting is missing or impossible.
    """
    plain = plain_config(config)
    if plain["ckpt"] is None and plain["arch"].get("weights") is None:
        raise UserError(
            "A study is about a trained network: give ckpt=<a run's last.ckpt>, or arch=... with "
            "arch.weights=imagenet or the path of a weight file"
        )
    settle_views(plain)
    return plain


def _directory(config: DictConfig) -> RunDirectory:
    """Where a configuration runs."""
    if config.ckpt is not None:
        _take_arch_of_checkpoint(config)
    plain = resolve(config)
    return RunDirectory(Path(plain["run_dir"]), plain)


def _take_arch_of_checkpoint(config: DictConfig) -> None:
    """Let a checkpoint say what network it is, and be named after its run."""
    words = HydraConfig.get().overrides.task
    of_arch = [word for word in words if word.lstrip("+~").startswith("arch")]
    if of_arch:
        raise UserError(
            f"{config.ckpt} says what network it is; leave out {' '.join(of_arch)}, or give "
            "arch.weights=... instead of ckpt=..."
        )
    from gapcam.score_network import arch_of

    path = Path(str(config.ckpt))
    choices = HydraConfig.get().runtime.choices
    with open_dict(config):
        config.arch = arch_of(path)
        if not any(word.startswith("name=") for word in words) and config.experiment is None:
            of_data = data_name(choices["data"], config.data)
            config.name = "-".join([choices["study"], checkpoint_name(path), of_data])
