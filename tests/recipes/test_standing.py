from pathlib import Path

import pytest
from recipes_support import CONFIG, finish, make_job, make_recipe

from gapcam.recipes.job import Progress
from gapcam.recipes.standing import epoch_of, numbers_of, seconds_left, show, summary


def test_numbers_of_the_test_and_of_validation(tmp_path: Path) -> None:
    recipe = make_recipe(metrics={"right": ("1 - cls_top1",), "loc": ("loc_top1", "x/loc_top1")})
    job = make_job(tmp_path)
    assert numbers_of(recipe, job, {}) == {"right": None, "loc": None}
    logged = {"val/cls_top1": 0.25, "val/loc_top1": float("nan")}
    assert numbers_of(recipe, job, logged) == {"right": 75, "loc": None}
    finish(job, cls_top1=0.5, loc_top1=0.125)
    assert numbers_of(recipe, job, logged) == {"right": 50, "loc": 12.5}
    assert numbers_of(make_recipe(metrics={"no": ("loc_top5",)}), job, {}) == {"no": None}


@pytest.mark.parametrize(
    ("epochs", "logged", "expected"),
    [
        (8, {}, "starting"),
        (8, {"epoch": 0.0, "step": 9.0}, "epoch 1/8"),
        (8, {"epoch": 7.0, "step": 9.0}, "epoch 8/8"),
        (8, {"epoch": 8.0, "step": 9.0}, "epoch 8/8"),  # the test
        (None, {"epoch": 1.0, "step": 9.0}, "step 9"),
        (-1, {"epoch": 1.0, "step": 9.0}, "step 9"),
    ],
)
def test_epochs(tmp_path: Path, epochs: int, logged: dict[str, float], expected: str) -> None:
    trainer = {**CONFIG["trainer"], "max_epochs": epochs}
    assert epoch_of(make_job(tmp_path, trainer=trainer), logged) == expected


def test_time_left_is_guessed_from_repetitions_first(tmp_path: Path) -> None:
    assert seconds_left([]) is None
    jobs = [make_job(tmp_path, row, seed) for row in ("a", "b") for seed in (0, 1)]
    assert seconds_left(jobs) is None
    finish(jobs[0], seconds=100)
    assert seconds_left(jobs) == 300
    finish(jobs[2], seconds=20)
    assert seconds_left(jobs) == 120
    jobs[1].progress, jobs[1].seconds = Progress.RUNNING, 30
    assert seconds_left(jobs) == 90
    jobs[1].seconds = 1000
    assert seconds_left(jobs) == 20
    assert summary(jobs) == "2 of 4 finished, about 20 s left"
    jobs[1].progress = Progress.FAILED
    jobs[3].progress = Progress.INTERRUPTED
    assert seconds_left(jobs) is None
    assert summary(jobs) == "2 of 4 finished, 1 failed, 1 interrupted"


def test_show() -> None:
    assert [show(number) for number in (None, 0.0, 43.605)] == ["-", "0.00", "43.60"]
