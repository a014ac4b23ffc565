"""What several tests share: the shared real data, configurations, a generated ILSVRC."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf
from support import FAST_RUN, compose_config, type_in
from twins_ilsvrc import make_ilsvrc

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is imported: one of several processes
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# Jobs in a shell's background ignore these, and so would the commands that tests interrupt.
for _signal, _usual in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(_signal, _usual)
# Kernels are compiled once for all tests and their processes, and kept for the next time.
os.environ.setdefault(
    "NUMBA_CACHE_DIR", str(Path(__file__).resolve().parents[1] / ".pytest_cache" / "numba")
)

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    if not REAL_DATA.is_dir():
        pytest.skip(f"the real data are not in {REAL_DATA}")
    return REAL_DATA


@pytest.fixture
def configure(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Compose a resolved, plain configuration from overrides, with runs in `tmp_path`."""

    def _configure(*overrides: str) -> dict[str, Any]:
        config = compose_config(*overrides, f"runs={tmp_path}")
        return OmegaConf.to_container(config, resolve=True, throw_on_missing=True)

    return _configure


@pytest.fixture
def ilsvrc_root(tmp_path: Path) -> Path:
    """Three classes in the Kaggle layout: four training and one or two validation pictures each."""
    return make_ilsvrc(tmp_path / "ilsvrc")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A finished run with every logger that works offline, and what it printed."""
    folder = tmp_path_factory.mktemp("runs")
    done = type_in(*FAST_RUN, f"runs={folder}", "logger=[wandb_offline,tensorboard]")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "small_gap-digits" / "trim0" / "seed0", done.stdout


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Indexes of data sets go where they do not outlive the tests."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
