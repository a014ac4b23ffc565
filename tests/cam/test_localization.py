import numpy as np
import pytest
import torch
from torch import Tensor

from gapcam.cam.boxes import box_iou
from gapcam.cam.localization import (
    FLOOR_SIDES,
    errors_by_guesses,
    floor_ious,
    floor_numbers,
    floor_outcomes,
    localization_outcomes,
    ranked_classes,
)
from gapcam.cam.outcomes import rates


def devkit_errors(classes: list[list[int]], iou: list[list[float]], labels: list[int]) -> dict:
    """Image by image and guess by guess, as the devkit's eval_clsloc loops."""
    totals = np.zeros(5)
    for guesses, ious, label in zip(classes, iou, labels, strict=True):
        loc = [not (c == label and o >= 0.5) for c, o in zip(guesses[:-1], ious, strict=False)]
        cls = [c != label for c in guesses[:-1]]
        totals += [loc[0], min(loc), not ious[-1] >= 0.5, cls[0], min(cls)]
    names = ["loc_top1", "loc_top5", "loc_gt_known", "cls_top1", "cls_top5"]
    return dict(zip(names, (totals / len(labels)).tolist(), strict=True))


def generated(num_classes: int, images: int = 50, boxes: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """Classes, IoU and labels."""
    generator = torch.Generator().manual_seed(num_classes)
    labels = torch.randint(num_classes, (images,), generator=generator)
    classes = ranked_classes(torch.randn(images, num_classes, generator=generator), labels)
    iou = torch.rand(*classes.shape, boxes, generator=generator)
    iou[0] = 0.5  # exactly on the threshold counts as found
    return classes, iou, labels


@pytest.mark.parametrize("num_classes", [2, 5, 12])
def test_equals_the_devkits_loop(num_classes: int) -> None:
    classes, iou, labels = generated(num_classes)
    errors = rates(localization_outcomes(classes, iou, labels, torch.ones(50) > 0))
    expected = devkit_errors(classes.tolist(), iou[..., 0].tolist(), labels.tolist())
    assert {name: float(error) for name, error in errors.items()} == pytest.approx(expected)
    assert list(errors) == list(expected)


def test_tight_boxes_are_scored_as_loose_ones() -> None:
    classes, iou, labels = generated(7, boxes=2)
    has_box = torch.ones(50) > 0
    both = rates(localization_outcomes(classes, iou, labels, has_box))
    for kind, suffix in ((0, ""), (1, "_tight")):
        one = rates(localization_outcomes(classes, iou[..., kind : kind + 1], labels, has_box))
        for name in ("loc_top1", "loc_top5", "loc_gt_known"):
            assert both[name + suffix] == one[name]
    assert set(both) - set(one) == {f"{name}_tight" for name in one if name[:3] == "loc"} | {
        "loc_top5_heuristic"
    }


@pytest.mark.parametrize(
    ("place", "loose", "tight", "found"),
    [
        (None, 1, 1, False),  # the class is not named
        (0, 0, 0, False),
        (0, 1, 0, True),
        (0, 0, 1, True),
        (1, 1, 0, True),
        (1, 0, 1, True),
        (2, 1, 0, True),
        (2, 0, 1, False),  # no tight box of the third
        (3, 1, 1, False),  # no box of the fourth
        (4, 1, 1, False),
    ],
)
def test_the_five_boxes_of_three_classes(
    place: int | None, loose: float, tight: float, found: bool
) -> None:
    classes = torch.tensor([[1, 2, 3, 4, 5, 9]])
    iou = torch.zeros(1, 6, 2)
    if place is not None:
        classes[0, place] = 9
        iou[0, place] = torch.tensor([loose, tight])
    outcomes = localization_outcomes(classes, iou, torch.tensor([9]), torch.tensor([True]))
    assert bool(outcomes["loc_top5_heuristic"].points) is not found


def test_errors_fall_with_each_guess() -> None:
    classes, iou, labels = generated(8, images=300)
    has_box = torch.rand(300) < 0.8
    errors = errors_by_guesses(classes, iou[..., 0], labels, has_box)
    for guesses in range(1, 6):
        kept = torch.cat([classes[:, :guesses], classes[:, -1:]], dim=1)
        ious = torch.cat([iou[:, :guesses], iou[:, -1:]], dim=1)
        few = rates(localization_outcomes(kept, ious, labels, has_box))
        assert errors[guesses - 1] == few["loc_top5"]
    assert errors[0] == rates(localization_outcomes(classes, iou, labels, has_box))["loc_top1"]
    assert (errors.diff() < 0).all()


def test_no_images_have_no_error_rate() -> None:
    classes, labels = torch.zeros(0, 6, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)
    errors = rates(localization_outcomes(classes, torch.zeros(0, 6, 2), labels, labels > 0))
    errors |= floor_numbers(torch.zeros(0, len(FLOOR_SIDES)), labels > 0)
    assert all(torch.isnan(error) for error in errors.values())
    assert errors_by_guesses(classes, torch.zeros(0, 6), labels, labels > 0).isnan().all()


@pytest.mark.parametrize(
    ("num_classes", "expected"),
    [(1, [0, 0]), (3, [1, 2, 0, 0]), (7, [1, 6, 5, 4, 3, 0])],
)
def test_ranked_classes_end_with_the_true_one(num_classes: int, expected: list[int]) -> None:
    logits = torch.tensor([[0.0, 9.0, 1.0, 2.0, 3.0, 4.0, 5.0]])[:, :num_classes]
    assert ranked_classes(logits, torch.tensor([0])).tolist() == [expected]


def test_floors_choose_the_best_side() -> None:
    iou = torch.zeros(5, len(FLOOR_SIDES))
    iou[:, -1] = torch.tensor([0.5, 0.0, 0.0, 0.0, 0.0])
    iou[:, 3] = torch.tensor([0.9, 0.5, 0.49, 0.6, 0.0])
    has_box = torch.tensor([True, True, True, True, False])
    floors = floor_numbers(iou, has_box)
    assert floors["floor_whole_image"] == 0.75
    assert floors["floor_best_centred"] == 0.25
    assert float(floors["floor_centred_side"]) == pytest.approx(FLOOR_SIDES[3])
    outcome = floor_outcomes(iou, has_box)["floor_best_centred"]
    assert outcome.points.tolist() == [False, False, True, False, True]


def test_floors_are_boxes_around_the_centre() -> None:
    truth = torch.tensor([[[10.0, 0.0, 40.0, 20.0], [0, 0, 1, 1]]])
    ious = floor_ious(truth, torch.tensor([1]), torch.tensor([[30, 60]]))
    for side, iou in zip(FLOOR_SIDES, ious[0], strict=True):
        box = torch.tensor([30 - 30 * side, 15 - 15 * side, 30 + 30 * side, 15 + 15 * side])
        assert float(iou) == pytest.approx(float(box_iou(box, truth[0, 0])), abs=1e-6)
