import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from splits import Boxes

from gapcam.arch.evaluation import Evaluation
from gapcam.protocol import PUBLISHED, Protocol
from gapcam.threshold_choice import choose_thresholds

PAPER, EXACT = PUBLISHED["paper"], replace(PUBLISHED["exact"], steps=10)
BOXES, NONE = [[[0, 0, 9, 9]]] * 3, [[]] * 3
CHOSEN = "exact: thresholds chosen on 3 images of the val split"
HERE = (
    "exact: thresholds are the best for the very images scored, which favours the numbers; no "
    "other images have true boxes to choose thresholds on"
)


def choice(
    protocols: dict[str, Protocol], best: float, val: Any, test: Any, needs_boxes: bool
) -> tuple[list[str], list[str], dict[str, dict[str, float]]]:
    """The notes, what was looked at, and the thresholds that the test uses."""
    module: Any = SimpleNamespace(
        test_evaluation=Evaluation(protocols, (8, 8)),
        val_evaluation=SimpleNamespace(best={"exact": {"threshold_50": best}}, seen=3),
    )
    data: Any = SimpleNamespace(val=Boxes(val), val_dataloader=lambda: "val images")
    data.val.split = "val"
    looked: list[str] = []
    trainer: Any = SimpleNamespace(
        validate=lambda module, dataloaders, verbose: looked.append(dataloaders)
    )
    scored = data.val if test == "val" else Boxes(test)
    notes = choose_thresholds(trainer, module, data, scored, needs_boxes)
    return notes, looked, module.test_evaluation.chosen


@pytest.mark.parametrize(
    ("swept", "val", "test", "needs_boxes", "is_chosen", "notes"),
    [
        (False, BOXES, BOXES, True, False, []),
        (True, NONE, NONE, True, False, []),
        (True, BOXES, NONE, False, False, []),
        (True, BOXES, BOXES, False, True, [CHOSEN]),
        (True, BOXES, BOXES, True, True, [CHOSEN]),
        (True, NONE, BOXES, True, False, [HERE]),
        (True, BOXES, "val", False, False, [HERE]),
        (True, BOXES, "val", True, True, [HERE]),
        (True, NONE, "val", True, False, []),
    ],
)
def test_thresholds_come_from_other_images(
    swept: bool, val: Any, test: Any, needs_boxes: bool, is_chosen: bool, notes: list[str]
) -> None:
    protocols = {"paper": PAPER} | ({"exact": EXACT} if swept else {})
    told, looked, chosen = choice(protocols, 0.3, val, test, needs_boxes)
    assert told == notes
    assert looked == ["val images"] * is_chosen
    assert chosen == ({"exact": {"threshold_50": 0.3}} if is_chosen else {})


def test_a_part_of_the_images_may_have_no_true_box() -> None:
    told, looked, chosen = choice({"exact": EXACT}, math.nan, BOXES, BOXES, False)
    assert looked == ["val images"]
    assert told == [HERE]
    assert chosen == {}
