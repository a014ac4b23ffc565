import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from recipes_support import finish, make_job

from gapcam.errors import UserError
from gapcam.recipes.job import (
    Progress,
    compose_all,
    experiment_folder,
    prepare,
)
from gapcam.recipes.plan import MissingSettingsError, PlannedRun, plan
from gapcam.recipes.recipe import read_recipe


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs lie in `runs/`, so that what is composed once does for all tests."""
    monkeypatch.chdir(tmp_path)


@cache
def composed(*words: str) -> tuple[list[PlannedRun], list[dict[str, Any]]]:
    runs = plan(read_recipe("digits"), ["seed=0", *words])
    return runs, compose_all(runs)


def test_says_where_runs_lie_and_which_are_finished() -> None:
    assert compose_all([]) == []
    assert prepare([], []) == []
    runs, configs = composed("arch.trim=0,1")
    finish(prepare(runs, configs)[0])
    first, second = prepare(runs, configs)
    assert first.progress is Progress.FINISHED
    assert second.progress is Progress.WAITING
    assert experiment_folder(configs[0]) == Path("runs/digits")
    assert second.directory.path == Path("runs/digits/small_gap/trim1/seed0")
    assert second.log == Path("runs/digits/logs/small_gap-trim1-seed0.txt")
    # Looking leaves nothing behind.
    assert not second.log.parent.exists()
    assert not second.directory.path.exists()


def test_another_configuration_is_refused() -> None:
    prepare(*composed("arch.trim=0,1"))[0].directory.write_config()
    with pytest.raises(UserError, match=r"(?s)optim.lr: 0.05 -> 0.5.*Add --name NAME"):
        prepare(*composed("arch.trim=0,1", "optim.lr=0.5"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("config.yaml", ""),
        ("config.yaml", "a: ["),
        ("config.yaml", "\udcff"),
        ("metrics.json", "[1]"),
        ("metrics.json", '{"length": {"trainer.max_epochs": 8, "trainer.max_steps": -1}}'),
        ("metrics.json", "{"),
        ("metrics.json", "{}"),
    ],
)
def test_a_broken_directory_is_refused(name: str, text: str) -> None:
    directory = prepare(*composed("arch.trim=0,1"))[0].directory
    directory.write_config()
    (directory.path / name).write_bytes(os.fsencode(text))
    with pytest.raises(UserError, match=r"trim0/seed0 is broken .*delete it, and the same command"):
        prepare(*composed("arch.trim=0,1"))


def test_settings_that_differ_in_punctuation_alone() -> None:
    with pytest.raises(UserError, match=r"would both be .*differ by more than punctuation"):
        prepare(*composed("arch.trim=0", "cam=a/b,a-b"))


def test_missing_settings_are_named() -> None:
    with pytest.raises(MissingSettingsError, match=r"data\.root must be set"):
        composed("arch.trim=0", "data=ilsvrc")


def test_data_that_are_not_there() -> None:
    words = ("arch.trim=0", "data=ilsvrc", "data.root=no")
    with pytest.raises(UserError, match=r"small_gap, trim 0, seed 0: data\.root=no does not exist"):
        prepare(*composed(*words))
    Path("no").mkdir()
    assert len(prepare(*composed(*words))) == 1


def test_seconds_of_work_count_earlier_starts(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    assert job.seconds_of_work() == 0
    job.seconds = 5
    assert job.seconds_of_work() == 5
    assert finish(job, seconds=60).seconds_of_work() == 60
    assert finish(make_job(tmp_path, "b"), seconds=float("nan")).seconds_of_work() == 0
