from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from gapcam.protocol import PUBLISHED, Protocol


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": -0.1}, r"threshold must be in \[0, 1\), or null to try all; got -0.1"),
        ({"threshold": 1.0}, r"threshold must be in \[0, 1\).*got 1.0"),
        ({"threshold": True}, r"threshold must be in \[0, 1\).*got True"),
        ({"threshold": "0.2"}, r"threshold must be in \[0, 1\).*got '0.2'"),
        ({"view": "nine"}, "view must be one of null, whole, centre, ten; got 'nine'"),
        ({"merge": "max"}, "merge must be one of signed, absolute; got 'max'"),
        ({"coverage": 1}, "coverage must be one of true, false; got 1"),
        ({"grey": None}, "grey must be one of true, false; got None"),
        ({"interpolation": "nearest"}, "must be one of bilinear, cubic, matlab; got 'nearest'"),
        ({"normalise": "softmax"}, "normalise must be one of max, minmax; got 'softmax'"),
        ({"region": "blob"}, "region must be one of component, contour, dt_box; got 'blob'"),
        ({"connectivity": 6}, "connectivity must be one of 8, 4; got 6"),
        ({"grid": 0}, "grid must be view, original or a side of 1 to 4096 pixels; got 0"),
        ({"grid": "image"}, "grid must be view, original or a side"),
        ({"steps": 0}, "steps must be a whole number from 1 to 32767; got 0"),
        ({"steps": 10.0}, "steps must be a whole number from 1 to 32767; got 10.0"),
        ({"percentile": 0}, r"percentile must be in \(0, 100\]; got 0"),
        ({"iou": []}, r"iou must be numbers in \(0, 1\], ascending, without repeats; got \(\)"),
        ({"iou": [0.0]}, r"iou must be numbers in \(0, 1\]"),
        ({"iou": [0.5, 0.3]}, r"iou must be numbers in \(0, 1\], ascending, without repeats"),
        ({"iou": 0.5}, "iou must be a list of numbers; got 0.5"),
        ({"levels": ["a", "b", "c"]}, "levels must be a list of numbers"),
        ({"levels": [1.5, 2, 3]}, "levels must be three ascending grey levels"),
        ({"levels": [20, 100]}, "levels must be three ascending grey levels from 1 to 254"),
        ({"levels": [20, 100, 255]}, "levels must be three ascending grey levels"),
        ({"region": "contour"}, "view must be 'whole', as region=contour is wsolevaluation's rule"),
        ({"region": "dt_box"}, "interpolation must be 'matlab', as region=dt_box is the released"),
        ({"percentile": 90, "threshold": None}, "percentile must be 100 where thresholds are"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Protocol(name="mine", **settings)


def test_a_contour_needs_one_grid_for_all() -> None:
    settings = PUBLISHED["wsolevaluation"].as_dict() | {"grid": "original"}
    for key in ("title", "id", "rule"):
        del settings[key]
    with pytest.raises(ValueError, match="grid must be view or a side, as region=contour"):
        Protocol(**settings)


def test_a_protocol_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        PUBLISHED["paper"].threshold = 0.3  # type: ignore[misc]


def test_the_id_is_of_the_settings() -> None:
    paper = PUBLISHED["paper"]
    assert paper.id == Protocol(name="paper").id
    assert paper.id.startswith("paper-")
    assert paper.at(0.3).id != paper.id
    assert Protocol(name="mine").id.removeprefix("mine") == paper.id.removeprefix("paper")
    assert len({protocol.id for protocol in PUBLISHED.values()}) == len(PUBLISHED)
    # A setting that does nothing, or says the same in other words, changes nothing.
    same = Protocol(name="paper", view="whole", percentile=100, steps=10, levels=(1, 2, 3))
    assert (same.id, same.title) == (paper.id, "paper")
    assert PUBLISHED["released"].at(0.3).id == PUBLISHED["released"].id


@pytest.mark.parametrize(
    ("steps", "first", "last"), [(1, 0.0, 0.0), (4, 0.0, 0.75), (1000, 0.0, 0.999)]
)
def test_thresholds(steps: int, first: float, last: float) -> None:
    thresholds = Protocol(name="mine", threshold=None, steps=steps).thresholds
    assert (len(thresholds), thresholds[0], thresholds[-1]) == (steps, first, last)


@pytest.mark.parametrize(
    ("name", "is_swept", "boxes"),
    [
        ("paper", False, 1),
        ("released", False, 2),
        ("wsolevaluation", True, 1),
        ("exact", True, 1),
    ],
)
def test_what_a_protocol_gives(name: str, is_swept: bool, boxes: int) -> None:
    protocol = PUBLISHED[name]
    assert (protocol.is_swept, protocol.boxes_per_map) == (is_swept, boxes)
    assert not protocol.at(0.4).is_swept


def test_plain_values_for_files() -> None:
    facts = PUBLISHED["released"].as_dict()
    assert facts["levels"] == [20, 100, 110]
    assert facts["title"] == "released"
    assert {"id", "rule", "name", "threshold", "grid"} <= facts.keys()
