import math

import numpy as np
import pytest
import torch

from gapcam.cam.bootstrap import bootstrap_intervals
from gapcam.cam.outcomes import Outcome


def outcomes(images: int, rate: float = 0.3, seed: int = 0) -> dict[str, Outcome]:
    generator = torch.Generator().manual_seed(seed)
    return {
        "error": Outcome(
            torch.rand(images, generator=generator) < rate,
            torch.rand(images, generator=generator) < 0.8,
        ),
        "mean": Outcome(
            torch.randint(4, (images,), generator=generator), torch.ones(images) > 0, worth=3
        ),
    }


def slow_intervals(found: dict[str, Outcome], resamples: int, seed: int) -> dict[str, tuple]:
    """Image by image, and percentiles by NumPy."""
    generator = torch.Generator().manual_seed(seed)
    images = len(found["error"].points)
    numbers: dict[str, list[float]] = {name: [] for name in found}
    for drawn in torch.randint(images, (resamples, images), generator=generator).tolist():
        for name, (points, counted, worth) in found.items():
            values = [int(points[i]) / worth for i in drawn if counted[i]]
            numbers[name].append(sum(values) / len(values))
    return {name: tuple(np.percentile(drawn, [5, 95])) for name, drawn in numbers.items()}


def test_equals_the_slow_loop() -> None:
    found = outcomes(40)
    fast = bootstrap_intervals(found, level=0.9, resamples=60, seed=7)
    for name, slow in slow_intervals(found, 60, 7).items():
        assert tuple(fast[name]) == pytest.approx(slow), name


def test_seeds_decide_and_repeat() -> None:
    found = outcomes(100)
    assert bootstrap_intervals(found, seed=1) == bootstrap_intervals(found, seed=1)
    assert bootstrap_intervals(found, seed=1) != bootstrap_intervals(found, seed=2)


@pytest.mark.parametrize("images", [0, 3])
def test_no_image_that_counts_has_no_interval(images: int) -> None:
    nothing = torch.zeros(images, dtype=torch.bool)
    interval = bootstrap_intervals({"error": Outcome(nothing, nothing)})["error"]
    assert all(math.isnan(end) for end in interval)


def test_resamples_without_an_image_that_counts_are_left_out() -> None:
    counted = torch.tensor([True] + [False] * 4)
    assert bootstrap_intervals({"error": Outcome(counted, counted)})["error"] == (1.0, 1.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"level": 1.0}, "level must lie between 0 and 1, as 0.95 does; got 1.0"),
        ({"level": 95}, "level must lie between 0 and 1.*; got 95"),
        ({"resamples": 0}, "resamples must be 1 or more; got 0"),
    ],
)
def test_impossible_settings(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bootstrap_intervals(outcomes(3), **settings)


@pytest.mark.slow
def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    rate, trials, images = 0.3, 600, 200
    covered = 0
    for trial in range(trials):
        points = torch.rand(images, generator=torch.Generator().manual_seed(trial)) < rate
        found = {"error": Outcome(points, torch.ones_like(points))}
        low, high = bootstrap_intervals(found, level=0.9, resamples=400, seed=trial)["error"]
        covered += low <= rate <= high
    assert 0.86 < covered / trials < 0.94
