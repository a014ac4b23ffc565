"""What a run that fails leaves behind, and how a sweep shows it."""

import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest
from hydra.errors import CompactHydraException
from omegaconf import DictConfig
from support import compose_config, type_in

from gapcam import execution
from gapcam import run as module
from gapcam.errors import UserError
from gapcam.failure import FAILED, read_failure
from gapcam.run import compose_and_run, run

FACTS = {"metrics": {"test/cls_top1": 0.25, "test/loc_top1": 0.5}}


def config_in(folder: Path, *words: str) -> tuple[DictConfig, Path]:
    return compose_config(f"runs={folder}", *words), folder / "small_gap-digits" / "trim0" / "seed0"


def let_it(monkeypatch: pytest.MonkeyPatch, outcome: dict[str, Any] | BaseException) -> None:
    """Instead of training, return the outcome or raise it."""

    def execute(*args: Any) -> dict[str, Any]:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr(execution, "execute", execute)
    monkeypatch.setattr(module, "print_result", lambda *args: None)


def test_a_mistake_is_kept_with_its_traceback(tmp_path: Path) -> None:
    config, folder = config_in(tmp_path, "optim.lr=-1", "data.counts=[8,8,8]")
    with pytest.raises(UserError, match=r"optim\.lr must be positive"):
        run(config)
    failure = read_failure(folder)
    assert failure is not None
    assert failure.message.startswith("optim.lr must be positive")
    assert "command  python -m gapcam.run runs=" in failure.text
    assert "gapcam/arch/optim.py" in failure.text
    assert not (folder / "config.yaml").exists()  # the folder is nobody's


@pytest.mark.parametrize(
    ("outcome", "raised", "kept"),
    [
        (KeyboardInterrupt(), SystemExit, None),
        (SystemExit(143), SystemExit, None),
        (UserError("no file x"), UserError, "no file x"),
        (RuntimeError("out of memory"), RuntimeError, "RuntimeError: out of memory"),
    ],
)
def test_the_next_start_begins_clean(
    outcome: BaseException,
    raised: type[BaseException],
    kept: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config, folder = config_in(tmp_path)
    folder.mkdir(parents=True)
    (folder / FAILED).write_text("of yesterday")
    let_it(monkeypatch, outcome)
    with pytest.raises(raised):
        run(config)
    failure = read_failure(folder)
    assert (failure and failure.message) == kept


def test_success_leaves_none_and_the_objective_is_a_float(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, folder = config_in(tmp_path)
    folder.mkdir(parents=True)
    (folder / FAILED).write_text("of yesterday")
    let_it(monkeypatch, FACTS)
    objective = compose_and_run.__wrapped__(config)
    assert type(objective) is float
    assert objective == FACTS["metrics"]["test/loc_top1"]
    assert not (folder / FAILED).exists()


class Network:
    """Refers to itself, as a network and its trainer do."""

    def __init__(self) -> None:
        self.trainer = self


@pytest.mark.parametrize("fails", [False, True])
def test_a_job_of_a_sweep_leaves_no_network_in_memory(
    fails: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = []

    def execute(*args: Any) -> dict[str, Any]:
        network = Network()
        networks.append(weakref.ref(network))
        if fails:
            raise RuntimeError(f"out of memory: {type(network)}")
        return FACTS

    let_it(monkeypatch, FACTS)
    monkeypatch.setattr(execution, "execute", execute)
    config, _ = config_in(tmp_path, "hydra.mode=MULTIRUN")
    kept = []  # as Hydra keeps what each job returned
    try:
        kept.append(compose_and_run.__wrapped__(config))
    except CompactHydraException as error:
        kept.append(error)
    assert isinstance(kept[0], CompactHydraException if fails else float)
    assert networks[0]() is None


@pytest.mark.parametrize(
    ("error", "kept"), [(UserError("broken picture"), True), (RuntimeError("peer is gone"), False)]
)
def test_other_processes_tell_causes_and_not_that_the_main_one_is_gone(
    error: Exception, kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    config, folder = config_in(tmp_path)
    let_it(monkeypatch, error)
    with pytest.raises(type(error)):
        run(config)
    assert (folder / FAILED).exists() is kept


def test_a_full_disk_does_not_hide_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> None:
        raise UserError("No room on the disk")

    monkeypatch.setattr("gapcam.claimed.write_failure", full)
    let_it(monkeypatch, RuntimeError("the error"))
    with pytest.raises(RuntimeError, match="the error"):
        run(config_in(tmp_path)[0])


def test_nothing_is_written_into_the_folder_of_another_configuration(tmp_path: Path) -> None:
    config, folder = config_in(tmp_path)
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("seed: 5\n")
    with pytest.raises(UserError, match="another configuration"):
        run(config)
    assert [path.name for path in folder.iterdir()] == ["config.yaml"]


def test_nothing_is_written_where_another_process_runs(tmp_path: Path) -> None:
    config, folder = config_in(tmp_path)
    folder.mkdir(parents=True)
    hold = (
        "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX);"
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(folder / ".lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(UserError, match="Another process is running"):
            run(config)
        holder.communicate()
    assert not (folder / FAILED).exists()


def test_a_launcher_without_a_sweep_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    with pytest.raises(UserError, match="add -m before the settings"):
        run(config_in(tmp_path, "hydra/launcher=processes")[0])


def test_a_sweep_of_failures(tmp_path: Path) -> None:
    """Every job is started, each has its own reason, and the shell is told."""
    (tmp_path / "small_gap-digits" / "trim1" / "seed0").mkdir(parents=True)
    taken = tmp_path / "small_gap-digits" / "trim1" / "seed0" / "config.yaml"
    taken.write_text("seed: 5\n")
    sweep = type_in("-m", "arch.trim=7,1,9", "data.counts=[8,8,8]", f"runs={tmp_path}")
    assert sweep.returncode == 1
    told = sweep.stdout[sweep.stdout.rindex("3 jobs") :]
    assert told.count("│ failed") == 3
    folder = tmp_path / "small_gap-digits"
    for trim in (7, 9):
        assert f"trim{trim}-seed0 failed: arch.trim must be one of" in told
        assert f"all of it is in {folder / f'trim{trim}' / 'seed0' / FAILED}" in told
        assert f"trim{trim}-seed0 failed: arch.trim must be" in sweep.stderr  # as it happens
    assert "trim1-seed0 failed" in told
    assert "holds a run with another configuration" in told
    assert not (taken.parent / FAILED).exists()
