import numpy as np
import pytest
import torch

from gapcam.cam.localization import FLOOR_SIDES, floor_errors, localization_errors, ranked_classes


def devkit_errors(classes: list[list[int]], iou: list[list[float]], labels: list[int]) -> list:
    """Image by image and guess by guess, as the devkit's eval_clsloc loops."""
    totals = np.zeros(5)
    for guesses, ious, label in zip(classes, iou, labels, strict=True):
        loc = [not (c == label and o >= 0.5) for c, o in zip(guesses[:-1], ious, strict=False)]
        cls = [c != label for c in guesses[:-1]]
        totals += [loc[0], min(loc), not ious[-1] >= 0.5, cls[0], min(cls)]
    return (totals / len(labels)).tolist()


@pytest.mark.parametrize("num_classes", [2, 5, 12])
def test_equals_the_devkits_loop(num_classes: int) -> None:
    generator = torch.Generator().manual_seed(num_classes)
    labels = torch.randint(num_classes, (50,), generator=generator)
    classes = ranked_classes(torch.randn(50, num_classes, generator=generator), labels)
    iou = torch.rand(classes.shape, generator=generator)
    iou[0] = 0.5  # exactly on the threshold counts as found
    errors = localization_errors(classes, iou, labels, torch.ones(50, dtype=torch.bool))
    expected = devkit_errors(classes.tolist(), iou.tolist(), labels.tolist())
    assert list(errors) == ["loc_top1", "loc_top5", "loc_gt_known", "cls_top1", "cls_top5"]
    assert [float(error) for error in errors.values()] == pytest.approx(expected)


def test_no_images_have_no_error_rate() -> None:
    classes, labels = torch.zeros(0, 6, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)
    errors = localization_errors(classes, torch.zeros(0, 6), labels, labels > 0)
    errors |= floor_errors(torch.zeros(0, len(FLOOR_SIDES)), labels > 0)
    assert all(torch.isnan(error) for error in errors.values())


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
    floors = floor_errors(iou, torch.tensor([True, True, True, True, False]))
    assert floors["floor_whole_image"] == 0.75
    assert floors["floor_best_centred"] == 0.25
    assert float(floors["floor_centred_side"]) == pytest.approx(FLOOR_SIDES[3])
