"""What a job of a sweep left behind, wherever it ran."""

from collections.abc import Callable

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from gapcam.errors import UserError
from gapcam.failure import FAILED, read_failure
from gapcam.run_directory import RunDirectory, State
from gapcam.sweep_table import Job


def outcome(config: DictConfig, directory_of: Callable[[DictConfig], RunDirectory]) -> Job:
    """Look into the directory of a job.

    Args:
        config: the job's configuration, with the node `hydra`.
        directory_of: where a configuration runs; raises UserError if it cannot run.
    """
    HydraConfig.instance().set_config(config)  # the name of a run asks it for choices
    job = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    try:
        directory = directory_of(job)
        title = str(OmegaConf.select(job, "run_id"))
        state = directory.state()
    except UserError as error:
        return Job(str(OmegaConf.select(job, "run_id")), None, str(error))
    if state is State.FINISHED:
        return Job(title, directory.metrics())
    failure = read_failure(directory.path)
    if failure is not None:
        return Job(title, None, f"{failure.message}\nall of it is in {directory.path / FAILED}")
    if state is State.NEW:
        return Job(title, None, f"nothing is in {directory.path}", "not begun")
    hint = "it was stopped, or it is still running; the same command goes on"
    return Job(title, None, hint, "unfinished")
