import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gapcam.errors import UserError
from gapcam.run_directory import RunDirectory, State, compare, is_main_process

CONFIG: dict[str, Any] = {
    "seed": 0,
    "arch": {"units": 64, "at": [1, 2]},
    "trainer": {"max_epochs": 8, "max_steps": -1, "devices": "auto", "precision": "32-true"},
    "logger": {"csv": {}},
}


def changed(**settings: Any) -> dict[str, Any]:
    config = {
        key: dict(value) if isinstance(value, dict) else value for key, value in CONFIG.items()
    }
    for key, value in settings.items():
        group, _, name = key.rpartition("__")
        (config[group] if group else config)[name] = value
    return config


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (CONFIG, []),
        (changed(trainer__max_epochs=9, trainer__devices=2, logger={"wandb": {"id": 1}}), []),
        (changed(seed=1), ["seed: 0 -> 1"]),
        (changed(arch__units=32), ["arch.units: 64 -> 32"]),
        (changed(arch__at=[1]), ["arch.at: [1, 2] -> [1]"]),
        (changed(trainer__precision="16-mixed"), ["trainer.precision: '32-true' -> '16-mixed'"]),
        (changed(arch__new=None), ["arch.new: absent -> None"]),
    ],
)
def test_compare_lists_what_matters(wanted: dict[str, Any], expected: list[str]) -> None:
    assert compare(CONFIG, wanted) == expected


def test_life_of_a_directory(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path / "run", CONFIG)
    assert directory.state() is State.NEW
    assert directory.resume_from() is None
    with directory.claimed():
        assert directory.state() is State.NEW
        directory.write_config()
        assert directory.state() is State.UNFINISHED
    directory.write_metrics({"metrics": {"test/loc_top1": 0.1}})
    assert directory.state() is State.FINISHED
    assert directory.metrics()["metrics"] == {"test/loc_top1": 0.1}
    longer = RunDirectory(tmp_path / "run", changed(trainer__max_epochs=9))
    assert longer.state() is State.UNFINISHED


def test_another_configuration_is_refused(tmp_path: Path) -> None:
    RunDirectory(tmp_path, CONFIG).write_config()
    other = RunDirectory(tmp_path, changed(arch__units=32, seed=3))
    message = r"another configuration.*\n  arch.units: 64 -> 32\n  seed: 0 -> 3\n.*name="
    with pytest.raises(UserError, match=message):
        other.state()


CLAIM = """
import sys
from pathlib import Path
from gapcam.run_directory import RunDirectory
with RunDirectory(Path(sys.argv[1]), {}).claimed():
    print("claimed")
"""


def test_two_processes_cannot_share_a_directory(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CLAIM, str(tmp_path)]
    with RunDirectory(tmp_path, CONFIG).claimed():
        second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Another process is running in" in second.stderr
    later = subprocess.run(command, capture_output=True, text=True, check=False)
    assert later.stdout == "claimed\n"


def test_claiming_sweeps_up_half_written_files(tmp_path: Path) -> None:
    leftover = tmp_path / "checkpoints" / ".last.ckpt.123.part"
    leftover.parent.mkdir()
    leftover.write_text("half")
    with RunDirectory(tmp_path, CONFIG).claimed():
        assert not leftover.exists()


def test_goes_on_from_the_newest_checkpoint(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path, CONFIG)
    directory.checkpoints.mkdir()
    for age, name in enumerate(("recovery", "last")):
        path = directory.checkpoints / f"{name}.ckpt"
        path.touch()
        os.utime(path, (1000 + age, 1000 + age))
        assert directory.resume_from() == path
    (directory.checkpoints / "best.ckpt").touch()
    assert directory.resume_from().name == "last.ckpt"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, True),
        ({"RANK": "0", "LOCAL_RANK": "0", "NODE_RANK": "0"}, True),
        ({"LOCAL_RANK": "1"}, False),
        ({"NODE_RANK": "1"}, False),
        ({"GROUP_RANK": "2", "LOCAL_RANK": "0"}, False),
    ],
)
def test_only_the_first_process_writes(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: bool
) -> None:
    for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID", "NODE_RANK", "GROUP_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert is_main_process() is expected
