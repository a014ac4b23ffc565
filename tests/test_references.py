from dataclasses import replace

import pytest
from splits import Boxes

from gapcam.protocol import PUBLISHED, Protocol
from gapcam.references import reference_count, reference_numbers

PAPER, RELEASED = PUBLISHED["paper"], PUBLISHED["released"]
EXACT = replace(PUBLISHED["exact"], steps=50)
PROTOCOLS = {"paper": PAPER, "exact": EXACT, "released": RELEASED}
RESOLUTION = (8, 8)
"""A cell is a square of 8 pixels."""

CENTRE = [6, 6, 58, 58]
CELLS = [8, 16, 40, 32]
CORNER = [0, 0, 8, 8]
DOT = [1, 1, 3, 3]
NOTHING: list[list[float]] = []


@pytest.mark.parametrize(
    ("boxes", "floor", "ceiling"),
    [
        ([[CENTRE]], 0, 0),
        ([[CELLS]], 1, 0),
        ([[CORNER]], 1, 0),
        ([[DOT]], 1, 1),  # smaller than a cell
        ([[CENTRE], [CORNER], [DOT], [CELLS]], 0.75, 0.25),
        ([[CORNER, CENTRE]], 0, 0),  # any of them counts
        ([NOTHING, [CENTRE], NOTHING], 0, 0),  # what has no box does not count
    ],
)
@pytest.mark.parametrize("name", ["paper", "exact"])
def test_floor_and_ceiling(
    boxes: list[list[list[float]]], floor: float, ceiling: float, name: str
) -> None:
    dataset = Boxes(boxes)
    found = reference_numbers(
        {name: PROTOCOLS[name]}, dataset, range(len(dataset)), (32, 32), RESOLUTION, lambda _: 0
    )
    assert found == {name: {"floor_gaussian": floor, "ceiling_true_mask": ceiling}}


def test_each_map_has_its_own_best_threshold() -> None:
    """The 20 % of `paper` are too low for a small object under a Gaussian."""
    dataset = Boxes([[[20, 20, 44, 44]]])
    protocols = {"paper": PAPER, "exact": EXACT}
    found = reference_numbers(
        protocols, dataset, range(len(dataset)), (32, 32), RESOLUTION, lambda _: 0
    )
    assert found["paper"]["floor_gaussian"] == 1
    assert found["exact"]["floor_gaussian"] == 0


def test_images_need_not_be_square() -> None:
    dataset = Boxes([[[9, 3, 87, 29]]], size=(32, 96))
    found = reference_numbers(
        PROTOCOLS, dataset, range(len(dataset)), (32, 32), RESOLUTION, lambda _: 0
    )
    assert {name: set(numbers.values()) for name, numbers in found.items()} == {
        "paper": {0.0},
        "exact": {0.0},
        "released": {0.0},
    }


@pytest.mark.parametrize(("boxes", "count"), [([], 0), ([NOTHING], 0), ([[CENTRE], NOTHING], 1)])
def test_what_has_no_box_is_not_scored(boxes: list[list[list[float]]], count: int) -> None:
    dataset, told = Boxes(boxes), []
    found = reference_numbers(
        {"paper": PAPER}, dataset, range(len(dataset)), (32, 32), RESOLUTION, told.append
    )
    assert set(found) == ({"paper"} if count else set())
    assert sum(told) == reference_count({"paper": PAPER}, dataset, range(len(dataset))) == 2 * count


def test_the_slow_rule_is_tried_on_images_evenly_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gapcam.references.MOST_OF_RELEASED", 2)
    dataset, told = Boxes([[CENTRE], [DOT], [DOT], NOTHING, [DOT], [CENTRE]]), []
    found = reference_numbers(
        {"released": RELEASED}, dataset, range(len(dataset)), (32, 32), RESOLUTION, told.append
    )
    assert found["released"]["ceiling_true_mask"] == 0  # the first and the last
    assert sum(told) == reference_count({"released": RELEASED}, dataset, range(len(dataset))) == 4
    assert (
        reference_count({"released": RELEASED, "paper": PAPER}, dataset, range(len(dataset)))
        == 4 + 10
    )


def test_pictures_are_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gapcam.references.AT_ONCE", 2)
    dataset = Boxes([[CENTRE]] * 5)
    protocols: dict[str, Protocol] = {"paper": PAPER, "exact": EXACT}
    found = reference_numbers(
        protocols, dataset, range(len(dataset)), (32, 32), RESOLUTION, lambda _: 0
    )
    assert found["exact"]["floor_gaussian"] == 0
    assert dataset.opened == 5
