"""Where the jobs of a sweep run: what each launcher needs, and what it cannot do."""

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from gapcam.errors import UserError
from gapcam.naming import processes_per_node

EXTRAS = {
    **dict.fromkeys(
        ("slurm", "local", "submitit_slurm", "submitit_local"), ("slurm", "hydra-submitit-launcher")
    ),
    **dict.fromkeys(("processes", "joblib"), ("joblib", "hydra-joblib-launcher")),
    **dict.fromkeys(("ray_cluster", "ray", "ray_aws"), ("ray", "hydra-ray-launcher")),
}
"""For each `hydra/launcher`: the extra of gapcam, and the package that this installs."""
_IN_THIS_PROCESS = "BasicLauncher"
_OF_SLURM = "SlurmLauncher"


def require_launcher(arguments: Sequence[str]) -> None:
    """Look whether the launcher that a command line names is installed.

    Raises:
        UserError: if it is not; says what to install.
    """
    for word in arguments:
        key, _, launcher = word.partition("=")
        if key == "hydra/launcher" and launcher in EXTRAS:
            extra, package = EXTRAS[launcher]
            try:
                version(package)
            except PackageNotFoundError:
                raise UserError(
                    f"{word} needs {package}, which is not installed: pip install 'gapcam[{extra}]'"
                ) from None


def require_multirun(launcher: Mapping[str, Any]) -> None:
    """Refuse a launcher for a single run, which Hydra would start here without a word.

    Args:
        launcher: configuration of `hydra.launcher`.

    Raises:
        UserError: if it is any but the one in this process.
    """
    if not _is(launcher, _IN_THIS_PROCESS):
        raise UserError(
            "hydra/launcher starts the jobs of a sweep; this is a single run, which would start "
            "here: add -m before the settings, or leave hydra/launcher out."
        )


def processes_asked_for(trainer: Mapping[str, Any]) -> int:
    """How many processes a trainer's configuration surely starts; `auto` counts as one."""
    return processes_per_node(trainer["devices"]) * int(trainer["num_nodes"])


def starts_processes(launcher: Mapping[str, Any]) -> bool:
    """Whether a launcher itself starts the processes of a job, one for each device.

    SLURM does: all of them run this one job, and Lightning starts none.

    Args:
        launcher: configuration of `hydra.launcher`.
    """
    return _is(launcher, _OF_SLURM)


def refuse_processes(count: int) -> None:
    """Refuse several processes in a multirun: each of them would start the whole sweep again.

    Raises:
        UserError: if `count` is above 1.
    """
    if count > 1:
        raise UserError(
            f"A Hydra multirun cannot train a job with {count} processes: each process would start "
            "the whole sweep again. Add trainer.devices=1, start each job by its own command "
            "without -m, or let SLURM start them: hydra/launcher=slurm."
        )


def _is(launcher: Mapping[str, Any], name: str) -> bool:
    return str(launcher["_target_"]).rpartition(".")[2] == name
