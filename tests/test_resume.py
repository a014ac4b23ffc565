"""Kill a run with SIGKILL, repeat the command, and get the numbers of an uninterrupted run."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support import subprocess_environment

from gapcam.run_directory import RunDirectory

COMMAND = (
    sys.executable,
    "-m",
    "gapcam.run",
    "data.counts=[480,40,200]",
    "data.batch_size=16",
    "data.eval_batch_size=10",
    "arch.units=16",
    "arch.dropout=0.3",
    "trainer.max_epochs=3",
    "trainer.accelerator=cpu",
    "trainer.devices=1",
    "trainer.enable_progress_bar=false",
    "callbacks.recovery.train_time_interval=null",
    "callbacks.recovery.every_n_train_steps=7",
    "gallery=30",
)

Moment = Callable[[RunDirectory], bool]


def started_training(run: RunDirectory) -> bool:
    return any(run.path.glob("csv/version_*"))


def in_the_middle_of_an_epoch(run: RunDirectory) -> bool:
    """The first epoch is saved, and so is a step of the second."""
    resumed = run.resume_from()
    saved_an_epoch = (run.checkpoints / "last.ckpt").exists()
    return resumed is not None and saved_an_epoch and resumed.name == "recovery.ckpt"


def while_drawing(run: RunDirectory) -> bool:
    return any(run.cams.glob("*.png"))


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, f"runs={folder}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=subprocess_environment(),
    )


def finish(folder: Path) -> str:
    process = start(folder)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output


def kill_at(folder: Path, moment: Moment) -> None:
    run = directory(folder)
    process = start(folder)
    deadline = time.monotonic() + 300
    while not moment(run):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def directory(folder: Path) -> RunDirectory:
    return RunDirectory(folder / "small_gap-digits" / "trim0" / "seed0", {})


@pytest.mark.slow
def test_killed_and_repeated_equals_uninterrupted(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finish(whole)
    for moment in (started_training, in_the_middle_of_an_epoch, while_drawing):
        kill_at(killed, moment)
        assert not (directory(killed).path / "metrics.json").exists()
    finish(killed)
    expected, found = directory(whole), directory(killed)
    assert found.metrics()["metrics"] == expected.metrics()["metrics"]
    assert found.metrics()["trained"] == expected.metrics()["trained"] == {"epochs": 3, "steps": 90}
    assert found.rows.read_bytes() == expected.rows.read_bytes()
    last = torch.load(found.checkpoints / "last.ckpt", weights_only=True)
    assert last["global_step"] == 90  # of the last epoch, whether it was the best or not
    assert "is finished" in finish(killed)
