"""Objects of a picture against its map, and their ranking, against values known by hand."""

from typing import Any

import numpy as np
import pytest
import torch

from gapcam.study.objects.guess_maps import Map, spread
from gapcam.study.objects.informative import Judged, Rule, judge, most_informative, rank
from gapcam.study.objects.names import joined_plurals, plain_name


@pytest.mark.parametrize(
    ("name", "ignored", "plain"),
    [
        ("", [], ""),
        ("Wall", [], "wall"),
        ("  dining_table ", [], "dining table"),
        ("wall, occluded", ["occluded"], "wall"),
        ("chair crop occluded", ["occluded", "crop"], "chair"),
        ("occluded", ["occluded"], "occluded"),
        ("cropland", ["crop"], "cropland"),
        ("wall-mounted tv", [], "wall-mounted tv"),
    ],
)
def test_names(name: str, ignored: list[str], plain: str) -> None:
    assert plain_name(name, ignored) == plain


@pytest.mark.parametrize(
    ("names", "joined"),
    [
        ([], {}),
        (["flowers", "glass", "s"], {}),
        (["chairs", "chair", "glasses", "glass"], {"chairs": "chair", "glasses": "glass"}),
    ],
)
def test_plurals(names: list[str], joined: dict[str, str]) -> None:
    assert joined_plurals(names) == joined


RULE = Rule("max", 0.5, "object", 0.5, 16)
WHOLE = np.array([[0, 0, 160, 80]], np.float32)
RIGHT_HALF = np.array([[80, 0, 160, 80]], np.float32)
SIZE = np.array([80, 160])


def one_map(cells: list[list[float]], regions: np.ndarray = WHOLE) -> Map:
    return Map(np.array(cells, np.float32).reshape(len(regions), 2, 2), regions, SIZE)


def half(name: str, x0: float, x1: float) -> dict[str, list[np.ndarray]]:
    return {name: [np.array([[x0, 0], [x1, 0], [x1, 1], [x0, 1]], np.float32)]}


@pytest.mark.parametrize(
    ("cells", "objects", "verdicts", "region"),
    [
        ([[1, 0], [1, 0]], {}, {}, 0.5),
        ([[0, 0], [0, 0]], half("door", 0, 0.5), {"door": (0, False, 0, False)}, 0),
        ([[1, 0], [1, 0]], half("gone", 2, 3), {}, 0.5),
        # A half is high: of 16 shifts across nine have half of the door or more. The rectangle in
        # the centre has 12 x 12 of 16 x 16 cells, so 6 x 12 of the door's 8 x 16.
        ([[1, 0], [1, 0]], half("door", 0, 0.5), {"door": (1, True, 9 / 16, True)}, 0.5),
        ([[0, 1], [0, 1]], half("door", 0, 0.5), {"door": (0, False, 9 / 16, True)}, 0.5),
        ([[1, 0], [1, 0]], half("wall", 0, 1), {"wall": (0.5, True, 1, True)}, 0.5),
    ],
)
def test_objects_of_a_picture(
    cells: list[list[float]], objects: Any, verdicts: Any, region: float
) -> None:
    found, share = judge(spread(one_map(cells), 16), objects, RULE)
    assert share == pytest.approx(region)
    seen = {one.name: (one.inside, one.overlaps, one.anywhere, one.centre) for one in found}
    assert seen == {name: pytest.approx(values) for name, values in verdicts.items()}


def test_only_what_a_view_shows_is_judged() -> None:
    """The view shows the right half; the high part of the map is the left half of that."""
    heat = spread(one_map([[1, 0], [1, 0]], RIGHT_HALF), 16)
    assert heat.shown.tolist() == [[False] * 8 + [True] * 8] * 16
    objects = half("hidden", 0, 0.5) | half("half", 0.25, 0.75) | half("seen", 0.75, 1)
    found = {one.name: one for one in judge(heat, objects, RULE)[0]}
    assert found["hidden"].inside is None
    assert found["hidden"].area == 0.5
    assert found["half"].inside == 1
    assert found["seen"].inside == 0


def test_views_are_averaged_where_both_show_the_same() -> None:
    both = one_map([[1, 1, 1, 1], [3, 3, 3, 3]], np.concatenate([WHOLE, RIGHT_HALF]))
    values = spread(both, 16).values
    assert values[:, :8] == pytest.approx(1)
    assert values[:, 8:] == pytest.approx(2)


def test_a_spread_map_is_the_enlarged_one() -> None:
    cells = np.random.default_rng(0).normal(size=(1, 2, 2)).astype(np.float32)
    enlarged = torch.nn.functional.interpolate(
        torch.from_numpy(cells)[None], (32, 32), mode="bilinear"
    )[0, 0]
    found = spread(Map(cells, WHOLE, SIZE), 32).values
    np.testing.assert_allclose(found, enlarged.numpy(), atol=1e-5)


def judged(name: str, overlaps: bool, anywhere: float = 0.0) -> Judged:
    return Judged(name, 1, 0.5, float(overlaps), overlaps, anywhere, False)


def test_frequencies_and_overlaps() -> None:
    pictures = [
        [judged("wall", False), judged("table", True)],
        [judged("wall", True, 0.5), judged("table", True)],
        [judged("wall", True), judged("vase", True)],
        [],
    ]
    frequent = rank(pictures, [True, True, False, True])
    assert [(one.name, one.frequency, one.judged, one.overlap) for one in frequent] == [
        ("wall", 0.75, 2, 0.5),
        ("table", 0.5, 2, 1.0),
        ("vase", 0.25, 0, None),
    ]
    assert frequent[0].chance == 0.25
    assert frequent[0].above == 0.25
    assert rank([], []) == []


@pytest.mark.parametrize(
    ("by", "least", "order"),
    [
        ("overlap", 5, []),
        ("overlap", 1, ["table", "cup", "wall"]),
        ("overlap", 2, ["table", "wall"]),
        ("pictures", 1, ["wall", "table", "cup"]),
        ("above_chance", 1, ["table", "wall", "cup"]),
    ],
)
def test_orders(by: str, least: int, order: list[str]) -> None:
    walls = [judged("wall", number < 3, 0.2) for number in range(4)]
    tables = [judged("table", number < 2, 0.1) for number in range(2)]
    pictures = [[wall] for wall in walls]
    for picture, table in zip(pictures, tables, strict=False):
        picture.append(table)
    pictures[0].append(judged("cup", True, 0.9))
    found = most_informative(rank(pictures, [True] * 4), by, least)
    assert [one.name for one in found] == order
