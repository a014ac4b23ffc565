"""The folder of a run: whose it is, what is in it, where to go on.

Its path is a function of the configuration, so repeating a command finds it again:

    config.yaml     the whole configuration
    checkpoints/    last.ckpt after every epoch, best.ckpt, recovery.ckpt in the middle of an epoch
    csv/            logged numbers, a version for each start
    rows.csv        one line per test image
    curve-*.csv     shares found over thresholds, of each protocol that tries all of them
    boxes.csv       boxes of whole splits, where they are asked for
    FAILED          why the last start ended, where it failed
    metrics.json    the result; written last, so its presence means that the run is finished
    cams/           pictures
    report.html     everything on one page
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

import yaml

from gapcam.atomic import write_text
from gapcam.errors import UserError

LENGTH = ("trainer.max_epochs", "trainer.max_steps")
NOT_PART_OF_IDENTITY = (
    *LENGTH,
    "trainer.accelerator",
    "trainer.devices",
    "trainer.num_nodes",
    "trainer.strategy",
    "trainer.enable_progress_bar",
    "trainer.log_every_n_steps",
    "data.num_workers",
    "data.skip_broken",
    "data.cache",
    "callbacks.best.dirpath",
    "callbacks.last.dirpath",
    "callbacks.recovery.dirpath",
    "callbacks.wandb_panels",
    "callbacks.tensorboard_panels",
    "experiment",
    "features",
    "group",
    "logger",
    "runs",
    "run_dir",
)
"""Settings that may change between two starts of a run: length, devices, what is shown, and where
the directory lies."""


class State(Enum):
    """How far the run in a directory is."""

    NEW = "new"
    UNFINISHED = "unfinished"
    FINISHED = "finished"


class RunDirectory:
    """A run directory and the configuration that wants to use it.

    Args:
        path: the directory; need not exist.
        config: the resolved configuration, plain Python.
    """

    def __init__(self, path: Path, config: dict[str, Any]) -> None:
        self.path = path
        self.config = config
        self.checkpoints = path / "checkpoints"
        self.cams = path / "cams"
        self.rows = path / "rows.csv"
        self.boxes = path / "boxes.csv"
        self.report = path / "report.html"
        self._config_file = path / "config.yaml"
        self._metrics_file = path / "metrics.json"

    def state(self) -> State:
        """Look how far the run is.

        Raises:
            UserError: if the directory belongs to another configuration; shows the difference.
        """
        if not self._config_file.is_file():
            return State.NEW
        differences = compare(yaml.safe_load(self._config_file.read_text()), self.config)
        if differences:
            raise UserError(
                f"{self.path} holds a run with another configuration "
                f"(stored -> asked for):\n  " + "\n  ".join(differences) + "\n"
                "Give this run a name of its own (name=..., in a sweep "
                "'name=lr${optim.lr}'), or delete that directory."
            )
        if self._metrics_file.is_file() and self.metrics()["length"] == self.length():
            return State.FINISHED
        return State.UNFINISHED

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the directory against other processes.

        Raises:
            UserError: if a process is already running here.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as lock:
            try:
                # A lock of the process: loader workers that outlive it do not hold it.
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                raise UserError(
                    f"Another process is running in {self.path}. Wait for it or stop it; the same "
                    "command then goes on, or give this run its own name=..."
                ) from None
            for leftover in self.path.rglob(".*.part"):
                leftover.unlink()
            yield

    def write_config(self) -> None:
        """Write `config.yaml`: from now on the directory belongs to this configuration."""
        write_text(self._config_file, yaml.safe_dump(self.config, sort_keys=False))

    def resume_from(self) -> Path | None:
        """Return the newest checkpoint that training can go on from."""
        candidates = [self.checkpoints / "last.ckpt", self.checkpoints / "recovery.ckpt"]
        existing = [path for path in candidates if path.is_file()]
        return max(existing, key=lambda path: path.stat().st_mtime_ns, default=None)

    def what_is_kept(self) -> str:
        """What the same command does after an interruption."""
        kept = self.resume_from()
        if kept is not None:
            return f"The same command goes on from {kept}."
        return "Nothing was saved yet: the same command begins anew."

    def length(self) -> dict[str, Any]:
        """How long the configuration wants to train."""
        return {key: _flatten(self.config).get(key) for key in LENGTH}

    def metrics(self) -> dict[str, Any]:
        """Read `metrics.json`."""
        metrics: dict[str, Any] = json.loads(self._metrics_file.read_text())
        return metrics

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Write `metrics.json`, which marks the run as finished."""
        write_text(self._metrics_file, json.dumps({**metrics, "length": self.length()}, indent=2))


def compare(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """List the settings that differ, without those that may: `key: stored -> wanted`."""
    old, new = _flatten(stored), _flatten(wanted)
    return [
        f"{key}: {_show(old, key)} -> {_show(new, key)}"
        for key in sorted(old.keys() | new.keys())
        if not _may_change(key) and (key in old, old.get(key)) != (key in new, new.get(key))
    ]


def is_main_process() -> bool:
    """Whether this process writes: false in the children that a DDP launcher started."""
    ranks = ("RANK", "SLURM_PROCID", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK")
    return all(os.environ.get(rank, "0") == "0" for rank in ranks)


def _may_change(key: str) -> bool:
    return any(key == free or key.startswith(f"{free}.") for free in NOT_PART_OF_IDENTITY)


def _show(flat: dict[str, Any], key: str) -> str:
    return repr(flat[key]) if key in flat else "absent"


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
