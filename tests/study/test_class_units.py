"""Units and classes by hand: ranks, shares, the pictures of a unit, classes by name."""

import numpy as np
import pytest

from gapcam.errors import UserError
from gapcam.study.units.asked_classes import asked_classes
from gapcam.study.units.class_units import most_frequent, top_pictures, units_of_class

MANY = [f"class {number}" for number in range(21)]


@pytest.mark.parametrize(
    ("asked", "names", "expected"),
    [
        (None, ["only"], [0]),
        (None, MANY[:20], list(range(20))),
        ("b", ["a", "b"], [1]),
        (["B", "a"], ["a", "b"], [1, 0]),
        (["b"], ["B", "b"], [1]),  # as it is written comes first
        ([1], ["zero", "1", "two"], [1]),  # a name
        ([1], ["crane", "crane"], [1]),  # a number
    ],
)
def test_classes_that_are_asked_for(asked: object, names: list[str], expected: list[int]) -> None:
    assert asked_classes(asked, names) == expected


@pytest.mark.parametrize(
    ("asked", "names", "match"),
    [
        (None, MANY, r'have 21 classes: name those .* study.classes="\[class 0,class 1\]"'),
        ("crane", ["crane", "x", "crane"], r"2 classes are called crane; .* 0 or 2"),
        ("zzz", MANY, r"no class 'zzz'. There are class 0, .* and 11 more"),
        (True, ["a"], r"no class True"),
        ([["a"]], ["a"], r"no class \['a'\]"),
    ],
)
def test_classes_that_are_not_there(asked: object, names: list[str], match: str) -> None:
    with pytest.raises(UserError, match=match):
        asked_classes(asked, names)


def test_units_of_a_class_by_hand() -> None:
    weight = np.array([[0.0, 0, 0, 0], [1.0, -2, 3, 3]], np.float32)
    pooled = np.array([[4.0, 1, 0, 1], [2.0, 1, 2, 0]], np.float32)  # means 3, 1, 1, 0.5
    found = units_of_class(weight, 1, 3, pooled)
    assert [(one.unit, one.rank, one.contribution) for one in found] == [
        *((2, 1, 3.0), (3, 2, 1.5), (0, 3, 3.0)),
    ]
    assert [one.share for one in found] == pytest.approx([3 / 7.5, 1.5 / 7.5, 3 / 7.5])
    assert [one.contribution_rank for one in found] == [1, 3, 1]
    assert units_of_class(weight, 1, 4, pooled)[3].share == 0  # it speaks against the class
    assert [one.share for one in units_of_class(weight, 0, 2, pooled)] == [None, None]
    assert units_of_class(weight, 1, 1, pooled[:0])[0].contribution is None


def test_top_pictures_and_their_classes() -> None:
    assert top_pictures(np.array([1.0, 3, 2, 3]), 3).tolist() == [1, 3, 2]
    assert most_frequent([4]) == (4, 1.0)
    assert most_frequent([4, 2, 2, 4, 1]) == (4, 0.4)
