"""Steps of a study: done once, done again when what they depend on has changed."""

from pathlib import Path

import numpy as np
import pytest

from gapcam.study.steps import Arrays, Steps


class Counted:
    """A step that counts how often it is done."""

    def __init__(self, value: float = 1.5) -> None:
        self.times = 0
        self.value = value

    def __call__(self) -> Arrays:
        self.times += 1
        return {"weight": np.full((2, 3), self.value, np.float32), "names": np.array(["ä", "b"])}


def test_a_step_is_done_once(tmp_path: Path) -> None:
    step = Counted()
    first = Steps(tmp_path / "steps").arrays("fit", {"c": 1.0}, step)
    again = Steps(tmp_path / "steps").arrays("fit", {"c": 1.0}, step)
    assert step.times == 1
    assert first.keys() == again.keys() == {"weight", "names"}
    assert (again["weight"] == 1.5).all()
    assert again["weight"].dtype == np.float32
    assert again["names"].tolist() == ["ä", "b"]


@pytest.mark.parametrize(
    ("name", "key", "times"),
    [
        ("fit", {}, 2),
        ("fit", {"c": 2.0, "seed": 0}, 2),
        ("fit", {"seed": 0, "c": 1.0}, 1),  # the order of a key's parts says nothing
        ("other", {"c": 1.0, "seed": 0}, 2),
    ],
)
def test_a_step_of_something_else(tmp_path: Path, name: str, key: object, times: int) -> None:
    step, steps = Counted(), Steps(tmp_path)
    steps.arrays("fit", {"c": 1.0, "seed": 0}, step)
    steps.arrays(name, key, step)
    assert step.times == times


@pytest.mark.parametrize("left", [0, 1, 40, -1])
def test_a_file_that_was_cut_short(tmp_path: Path, left: int) -> None:
    step, steps = Counted(), Steps(tmp_path)
    steps.arrays("fit", 0, step)
    path = tmp_path / "fit.npz"
    path.write_bytes(path.read_bytes()[:left])
    assert (steps.arrays("fit", 0, step)["weight"] == 1.5).all()
    assert step.times == 2


def test_a_process_that_does_not_write(tmp_path: Path) -> None:
    other = Steps(tmp_path / "steps", writes=False)
    step = Counted()
    other.arrays("fit", 0, step)
    assert not (tmp_path / "steps").exists()
    Steps(tmp_path / "steps").arrays("fit", 0, Counted(7.0))
    assert (other.arrays("fit", 0, step)["weight"] == 7).all()  # it takes what is there
    assert step.times == 1
