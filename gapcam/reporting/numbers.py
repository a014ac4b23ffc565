"""What a run's `metrics.json` says for a column of a table."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from gapcam.reporting.table import PERCENT, Column
from gapcam.score_table import ACCURACIES, CHANCES, ERRORS, WITHOUT_MAPS, by_protocol

OF_STUDIES = ("average_precision", "pixel_ap", "box_recall", "vqa_accuracy")
_COMPLEMENT = "1 - "


class Measured(NamedTuple):
    """A number in percent, and how far its 95 % bootstrap interval reaches, if that is known.

    `parts` are what it is the mean of where a run repeats something itself: of each split, say.
    """

    value: float
    interval: float | None
    parts: tuple[float, ...] = ()


class Rule(NamedTuple):
    """By what a number was found: numbers with different `key` must not share a column."""

    key: str
    words: str


def columns(title: str, names: Sequence[str]) -> list[Column]:
    """Columns of a recipe's entry, whose protocols are not known yet.

    Args:
        title: of the entry.
        names: of its numbers: `loc_top1`, `exact/loc_top1`, `1 - cls_top1`.

    Example:
        >>> columns("accuracy", ["1 - exact/cls_top1"])[0].name
        'exact/cls_top1'
    """
    return [
        Column(title, name.removeprefix(_COMPLEMENT), name.startswith(_COMPLEMENT))
        for name in names
    ]


def usual_columns(facts: Sequence[Mapping[str, Any]]) -> list[Column]:
    """Columns for runs that belong to no recipe: what any of them has measured."""
    numbers = [_by_protocol(one) for one in facts]
    wanted = ["cls_top1", "loc_top1", "loc_top5", "loc_gt_known", "max_box_acc_v2", *OF_STUDIES]
    if not any(one.get("cls_top5", 0) > 0 for run in numbers for one in run.values()):
        wanted.remove("loc_top5")  # five guesses among five classes are always right
    found = []
    for name in wanted:
        mains = [next(iter(run.values())) for run in numbers]
        others = {
            f"{key}/{name}": None
            for run in numbers
            for key in list(run)[1:]
            if name == "max_box_acc_v2" and name in run[key]
        }
        names = [name] if any(name in main for main in mains) else list(others)
        found += [Column((ERRORS | ACCURACIES)[name], one) for one in names]
    return found


def measured(facts: Mapping[str, Any], column: Column) -> Measured | None:
    """The number of a run in a column, None where it has none."""
    key, name = _place(facts, column.name)
    value = _by_protocol(facts).get(key, {}).get(name)
    if value is None or math.isnan(value):
        return None
    ends = facts["intervals"].get(key, {}).get(name)
    # The farther end: the interval is not symmetric.
    width = None if ends is None else PERCENT * max(value - ends[0], ends[1] - value)
    parts = facts.get("repeats", {}).get(f"test/{name}", ())
    shown = [PERCENT * (1 - one if column.is_accuracy else one) for one in (value, *parts)]
    return Measured(shown[0], width, tuple(shown[1:]))


def rule(facts: Mapping[str, Any], column: Column) -> Rule:
    """By what rule a run's number was found: of a classification, from which view."""
    key, name = _place(facts, column.name)
    protocol = facts["protocols"].get(key, {})
    if name in WITHOUT_MAPS:
        view = str(protocol.get("view") or "whole")
        return Rule(view, f"classified from the view {view!r}")
    return Rule(str(protocol.get("id", key)), str(protocol.get("title", key)))


def with_protocol(column: Column, facts: Mapping[str, Any]) -> Column:
    """The column with the protocol that a run's number was found by."""
    key, name = _place(facts, column.name)
    protocol = facts["protocols"].get(key)
    if protocol is None or name in WITHOUT_MAPS:
        return column
    return replace(
        column,
        protocol=key,
        protocol_title=protocol["title"],
        protocol_id=protocol["id"],
        rule=protocol["rule"],
    )


def floor(facts: Mapping[str, Any], column: Column, name: str) -> float | None:
    """What a floor would have in a column, in percent, None where it says nothing.

    Args:
        facts: of a run.
        column: of the number that the floor belongs to: a localization error (best with the class
            given), or an accuracy that has a floor of its own.
        name: of the floor.
    """
    key, bare = _place(facts, column.name)
    is_accuracy = bare == "cls_top1" and column.is_accuracy
    own = "floor_accuracy" if is_accuracy else f"floor_{bare}"
    if name != own and (name in CHANCES or not bare.startswith("loc_")):
        return None
    value = _by_protocol(facts).get(key, {}).get(name)
    if value is None or math.isnan(value):
        return None
    return PERCENT * (1 - value if column.is_accuracy and name not in CHANCES else value)


def _place(facts: Mapping[str, Any], name: str) -> tuple[str, str]:
    """The protocol's key and the bare name; plain names are the first protocol's."""
    key, _, bare = name.rpartition("/")
    return key or next(iter(facts["protocols"]), ""), bare


def _by_protocol(facts: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    return by_protocol(facts["metrics"], facts["protocols"])
