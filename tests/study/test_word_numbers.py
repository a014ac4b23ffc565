"""Numbers of maps and of the detector, against scikit-learn and loops."""

import numpy as np
import pytest
import torch
from masks import generated_maps
from sklearn.metrics import average_precision_score

from gapcam.metrics import PixelAP
from gapcam.study.text.word_boxes import word_mask
from gapcam.study.text.word_numbers import (
    Tally,
    bootstrap,
    detector_numbers,
    gains,
    highest_floors,
    map_numbers,
)
from gapcam.study.text.word_scores import (
    CENTRE,
    OTHERS,
    OWN,
    Rules,
    Truth,
    cut_that_marks,
    middle,
    score_blind,
    score_map,
    true_pixels,
)

GRID = (24, 32)
SIZE = (48, 96)
RULES = Rules(torch.arange(1000, dtype=torch.float64) * 0.001, 0.2, 0.5, 0.5, 8)


def words(seed: int) -> Truth:
    random = np.random.default_rng(seed)
    corners = random.integers(0, (70, 30), (1 + seed % 3, 2))
    boxes = np.hstack([corners, corners + random.integers(6, 18, corners.shape)])
    return Truth(SIZE, boxes.astype(np.float32), np.array([0, 0, 96, 48], np.float32))


def heats(count: int) -> np.ndarray:
    maps = generated_maps(count, GRID, 0.05).double().numpy().clip(0)
    return maps / maps.max((1, 2), keepdims=True)


@pytest.fixture(scope="module")
def scored() -> tuple[np.ndarray, list[Truth], dict[str, Tally]]:
    maps, truths = heats(5), [words(seed) for seed in range(5)]
    own = [score_map(*pair, RULES) for pair in zip(maps, truths, strict=True)]
    blind = [
        score_blind(np.delete(maps, place, 0).mean(0), truths[place], own[place], GRID, RULES)
        for place in range(5)
    ]
    kinds = {kind: [one[kind] for one in blind] for kind in (CENTRE, OTHERS)}
    return maps, truths, {kind: Tally(s, RULES) for kind, s in ({OWN: own} | kinds).items()}


def test_pixels_as_scikit_learn_counts_them(
    scored: tuple[np.ndarray, list[Truth], dict[str, Tally]],
) -> None:
    maps, truths, tallies = scored
    is_true = np.stack([true_pixels(truth, GRID) for truth in truths])
    times = np.array([2, 0, 1, 3, 1])
    # All pixels of a bin come together.
    expected = average_precision_score(
        np.repeat(is_true, times, 0).ravel(), np.floor(np.repeat(maps, times, 0).ravel() * 1000)
    )
    found = tallies[OWN].numbers(times)
    assert found["pixel_ap"] == pytest.approx(expected, abs=1e-9)
    assert found["true"] == pytest.approx(np.repeat(is_true, times, 0).mean())
    marked = np.repeat(maps, times, 0) > 0.2
    assert found["marked"] == pytest.approx(marked.mean())
    assert found["precision"] == pytest.approx(np.repeat(is_true, times, 0)[marked].mean())


def test_pixels_as_the_metric_counts_them(
    scored: tuple[np.ndarray, list[Truth], dict[str, Tally]],
) -> None:
    maps, truths, tallies = scored
    metric = PixelAP("paper", GRID)
    for heat, truth in zip(maps, truths, strict=True):
        masks = torch.from_numpy(word_mask(truth.boxes, SIZE))[None]
        metric.update(maps=torch.from_numpy(heat).float()[None], masks=masks)
    expected = metric.compute()
    found = tallies[OWN].numbers()
    assert found["pixel_ap"] == pytest.approx(expected["pixel_ap"].item(), abs=1e-5)
    assert found["true"] == pytest.approx(expected["floor_pixel_ap"].item())


def test_blind_maps_mark_as_much_and_gain_is_over_the_best(
    scored: tuple[np.ndarray, list[Truth], dict[str, Tally]],
) -> None:
    _, _, tallies = scored
    own, middle_, others = (tallies[kind].numbers() for kind in (OWN, CENTRE, OTHERS))
    # The Gaussian has four pixels of each value, of which it marks all.
    assert own["marked"] <= middle_["marked"] <= own["marked"] + 3 / (GRID[0] * GRID[1])
    assert own["marked"] == pytest.approx(others["marked"], abs=1e-9)
    found = map_numbers(tallies, np.ones(5, np.int64))
    assert found["floor_box_recall"] == middle_["box_recall"]
    floors = [value for name, value in found.items() if name.startswith("floor_pixel_ap")]
    assert len(floors) == 3
    highest = highest_floors(found)
    assert found[highest["pixel_ap"]] == max(floors)
    assert gains(found, highest) == {
        "pixel_ap_gain": found["pixel_ap"] - max(floors),
        "box_recall_gain": found["box_recall"]
        - max(found["floor_box_recall"], found["floor_box_recall_others"]),
    }


def test_who_marks_everything_gains_nothing() -> None:
    truths = [words(seed) for seed in range(3)]
    everything = np.linspace(0.9, 1, GRID[0] * GRID[1]).reshape(GRID)
    own = [score_map(everything, truth, RULES) for truth in truths]
    blind = [score_blind(everything, *pair, GRID, RULES) for pair in zip(truths, own, strict=True)]
    tallies = {OWN: Tally(own, RULES)}
    tallies |= {kind: Tally([one[kind] for one in blind], RULES) for kind in (CENTRE, OTHERS)}
    found = map_numbers(tallies, np.ones(3, np.int64))
    assert (found["box_recall"], found["marked"]) == (1, 1)
    assert gains(found, highest_floors(found))["box_recall_gain"] == 0
    assert found["box_recall_iou"] == 0


def test_words_found_at_all_thresholds(
    scored: tuple[np.ndarray, list[Truth], dict[str, Tally]],
) -> None:
    maps, truths, tallies = scored
    marked, found = tallies[OWN].words_found()
    assert (marked[-1], found[-1]) == (1, 1)
    assert (np.diff(marked) >= 0).all()
    assert (np.diff(found) >= 0).all()
    assert len(marked) == len(found) == 1001
    place = 800  # thresholds fall from 1 in steps of 0.001: this one is 0.2
    assert marked[place] == pytest.approx((maps >= 0.2).mean())
    rules = Rules(RULES.thresholds, 0.2, 0.5, 0.5, 8)
    recall = [s.is_found for s in (score_map(*p, rules) for p in zip(maps, truths, strict=True))]
    assert found[place] == pytest.approx(np.concatenate(recall).mean())


@pytest.mark.parametrize(
    ("heat", "count", "marked"),
    [
        ([[0.5, 0.1]], 0, 0),
        ([[0.5, 0.1, 0.3]], 2, 2),
        ([[0.5, 0.3, 0.3, 0.1]], 2, 3),  # equal ones together
        ([[0.5, 0.0, 0.0]], 2, 1),  # never where there is no heat
        ([[0.0, 0.0]], 2, 0),
    ],
)
def test_cut_that_marks_so_many(heat: list[list[float]], count: int, marked: int) -> None:
    values = np.array(heat)
    assert (values > cut_that_marks(values, count)).sum() == marked


def test_a_gaussian_is_highest_in_the_middle() -> None:
    heat = middle((5, 4))
    assert heat.max() == heat[2, 1] == heat[2, 2] == 1
    assert heat[0, 0] == heat.min()


@pytest.mark.parametrize(
    ("labels", "decisions", "times", "wrong"),
    [
        ([0, 1], [-1.0, 1.0], [1, 1], 0),
        ([0, 1, 1, 0], [0.5, 1.0, -1.0, -2.0], [1, 1, 1, 1], 0.5),
        ([0, 1, 1, 0], [0.5, 1.0, -1.0, -2.0], [3, 2, 0, 1], 0.5),
        ([0, 1], [1.0, 0.0], [1, 1], 1),  # zero is no text
    ],
)
def test_detector(labels: list[int], decisions: list[float], times: list[int], wrong: int) -> None:
    given = np.array(labels), np.array(decisions), np.array(times)
    found = detector_numbers(*given)
    expected = average_precision_score(*(np.repeat(one, given[2]) for one in given[:2]))
    assert found["cls_top1"] == wrong
    assert found["average_precision"] == pytest.approx(expected)
    assert found["floor_average_precision"] == np.repeat(given[0], given[2]).mean()


def test_a_detector_without_text_has_no_precision() -> None:
    found = detector_numbers(np.array([0, 1]), np.array([0.0, 1.0]), np.array([2, 0]))
    assert np.isnan(found["average_precision"])


def test_bootstrap() -> None:
    right = np.arange(100) < 75
    told = []

    def numbers(times: np.ndarray) -> dict[str, float]:
        assert times.sum() == 100
        return {"share": (times @ right) / 100, "rare": 1.0 if times[0] else np.nan, "no": np.nan}

    found = bootstrap(numbers, 100, 0, told.append)
    # The binomial's deviation is 4.3 points.
    assert found["share"] == pytest.approx((0.75 - 1.96 * 0.0433, 0.75 + 1.96 * 0.0433), abs=0.015)
    assert found["rare"] == (1, 1)
    assert np.isnan(found["no"]).all()
    assert sum(told) == 1000
    assert bootstrap(numbers, 100, 0, told.append)["share"] == found["share"]
    assert bootstrap(numbers, 100, 1, told.append)["share"] != found["share"]
