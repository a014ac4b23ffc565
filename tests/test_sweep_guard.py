from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest

from gapcam import sweep_guard
from gapcam.errors import UserError
from gapcam.sweep_guard import (
    processes_asked_for,
    refuse_processes,
    require_launcher,
    require_multirun,
    starts_processes,
)

BASIC = {"_target_": "hydra._internal.core_plugins.basic_launcher.BasicLauncher"}
PLUGIN = "hydra_plugins.hydra_submitit_launcher.submitit_launcher"


@pytest.mark.parametrize(
    ("devices", "nodes", "processes"),
    [
        ("auto", 1, 1),
        (-1, 1, 1),
        ([], 1, 1),
        (1, 1, 1),
        (4, 1, 4),
        ("4", 2, 8),
        ([0, 3], 1, 2),
        ("auto", 3, 3),
    ],
)
def test_processes_asked_for(devices: Any, nodes: int, processes: int) -> None:
    assert processes_asked_for({"devices": devices, "num_nodes": nodes}) == processes


def test_several_processes_are_refused() -> None:
    refuse_processes(1)
    with pytest.raises(UserError, match=r"with 2 processes.*devices=1.*hydra/launcher=slurm"):
        refuse_processes(2)


@pytest.mark.parametrize(
    ("launcher", "starts"),
    [
        (BASIC, False),
        ({"_target_": f"{PLUGIN}.LocalLauncher"}, False),
        ({"_target_": f"{PLUGIN}.SlurmLauncher"}, True),
    ],
)
def test_slurm_alone_starts_the_processes_of_a_job(launcher: dict[str, str], starts: bool) -> None:
    assert starts_processes(launcher) is starts


def test_a_launcher_needs_a_multirun() -> None:
    require_multirun(BASIC)
    with pytest.raises(UserError, match="add -m before the settings"):
        require_multirun({"_target_": f"{PLUGIN}.SlurmLauncher"})


@pytest.mark.parametrize(
    ("word", "extra"),
    [
        ("hydra/launcher=slurm", "slurm"),
        ("hydra/launcher=submitit_local", "slurm"),
        ("hydra/launcher=processes", "joblib"),
        ("hydra/launcher=joblib", "joblib"),
        ("hydra/launcher=ray_cluster", "ray"),
    ],
)
def test_a_launcher_that_is_not_installed(
    word: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(sweep_guard, "version", absent)
    with pytest.raises(UserError, match=rf"pip install 'gapcam\[{extra}\]'"):
        require_launcher(["-m", word, "seed=0,1"])


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["-m"],
        ["hydra/launcher"],
        ["hydra/launcher=basic"],
        ["hydra/launcher=mine"],
        ["hydra/launcher=slurm", "hydra/launcher=processes"],
    ],
)
def test_other_words_pass(words: list[str]) -> None:
    require_launcher(words)
