"""An experiment that was interrupted and went on, for whoever wants to look at one.

A test module asks for it by `pytest_plugins = ["experiment_runs"]`.
"""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from recipes_support import Experiment, results
from support import subprocess_environment

WORDS = (
    "digits",
    "seed=0,1",
    "arch.trim=0,1",
    "trainer.max_epochs=2",
    "trainer.accelerator=cpu",
    "trainer.devices=1",
    "data.counts=[96,20,20]",
    "data.batch_size=16",
    "data.eval_batch_size=10",
    "arch.units=8",
    "gallery=4",
    "trainer.enable_progress_bar=false",
)
"""Four small runs."""
_PATIENCE = 300.0


def start(runs: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gapcam.experiment", *WORDS, f"runs={runs}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=subprocess_environment(),
    )


def interrupt_the_second_run(runs: Path) -> tuple[str, int]:
    """Start it in an empty folder, and press Ctrl-C when the second run has saved an epoch.

    Returns:
        What was printed, and the time of the first run's result.
    """
    process = start(runs)
    deadline = time.monotonic() + _PATIENCE
    while not list(runs.glob("digits/small_gap/trim0/seed1/checkpoints/last.ckpt")):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 130, printed
    (first,) = results(runs)
    return printed, first.stat().st_mtime_ns


@pytest.fixture(scope="session")
def finished_experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """Four runs of `digits` with their report, interrupted once; takes a minute or two."""
    runs = tmp_path_factory.mktemp("experiment")
    interrupted, first_result = interrupt_the_second_run(runs)
    process = start(runs)
    resumed, _ = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 0, resumed
    return Experiment(runs / "digits", interrupted, resumed, first_result)
