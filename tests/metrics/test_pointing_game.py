import math

import pytest
import torch
from metric_samples import CLASSES, KINDS, VIEW, plain, samples, updated

from gapcam.cam.enlarge import enlarge
from gapcam.metrics import PointingGame


def slow_hits(batch: dict[str, torch.Tensor], tolerance: float) -> list[tuple[int, bool]]:
    """Label, and whether the point is a hit, of each image that has a box."""
    found = []
    for row in range(len(batch["maps"])):
        heat = enlarge(batch["maps"][row, -1], VIEW)
        place = int(heat.flatten().argmax())
        height, width = batch["sizes"][row].tolist()
        x = (place % VIEW[1] + 0.5) * width / VIEW[1]
        y = (place // VIEW[1] + 0.5) * height / VIEW[0]
        count = int(batch["counts"][row])
        distances = [
            math.hypot(max(x0 - x, x - x1, 0), max(y0 - y, y - y1, 0))
            for x0, y0, x1, y1 in batch["boxes"][row, :count].tolist()
        ]
        if count:
            found.append((int(batch["labels"][row]), min(distances) <= tolerance))
    return found


@pytest.mark.parametrize("tolerance", [0, 3, 15])
def test_equals_the_slow_loop(tolerance: float) -> None:
    batch = samples(60)
    batch["counts"][batch["labels"] == 2] = 0
    metric = PointingGame(tolerance, size=VIEW)
    metric.update(**KINDS["pointing"].inputs(batch))
    hits = slow_hits(batch, tolerance)
    numbers = plain(metric.compute())
    assert numbers["pointing"] == pytest.approx(sum(hit for _, hit in hits) / len(hits))
    means = [
        sum(hit for label, hit in hits if label == one) / sum(label == one for label, _ in hits)
        for one in range(CLASSES)
        if one != 2
    ]
    assert numbers["pointing_class_mean"] == pytest.approx(sum(means) / len(means))
    assert numbers["classes_without_boxes"] == 1
    assert metric.classes_without_boxes() == [2]
    assert metric.slices()["class"].numbers["pointing"][2].isnan()


def test_the_tolerance_of_the_paper_is_the_default() -> None:
    assert PointingGame(size=VIEW).tolerance == 15


def test_points_are_in_pixels_of_the_original() -> None:
    maps = torch.zeros(1, *VIEW)
    maps[0, 5, 7] = 1
    metric = PointingGame(tolerance=0, size=VIEW)
    metric.update(
        maps=maps,
        boxes=torch.tensor([[[129.0, 72.0, 132.0, 74.0]]]),
        sizes=torch.tensor([[200, 300]]),
        regions=torch.tensor([[100.0, 50.0, 228.0, 146.0]]),  # 4 pixels a pixel of the view
    )
    assert metric.rows().points.tolist() == [[130, 72]]
    assert metric.compute()["pointing"] == 1
    assert metric.compute()["pointing_centre"] == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0, -1.0])
def test_a_map_that_points_at_nothing_is_no_hit(value: float) -> None:
    batch = samples(4)
    batch["counts"] = batch["counts"].clamp(min=1)
    batch["boxes"] = torch.tensor([0.0, 0, 20, 20]).expand(4, 3, 4)  # where a plain argmax points
    batch["maps"] = torch.full_like(batch["maps"], value)
    metric = updated("pointing", batch)
    assert metric.compute()["pointing"] == 0
    assert metric.rows().points.isnan().all()


def test_without_labels_there_is_no_mean_of_classes() -> None:
    batch, metric = samples(9), KINDS["pointing"].make()
    inputs = KINDS["pointing"].inputs(batch)
    inputs.pop("labels")
    metric.update(**inputs)
    numbers, expected = plain(metric.compute()), plain(updated("pointing", batch).compute())
    assert numbers["pointing_class_mean"] is None
    assert numbers["pointing"] == expected["pointing"]
    assert list(metric.slices()) == ["size", "boxes"]


def test_intervals() -> None:
    metric = updated("pointing", samples(60))
    low, high = metric.confidence(resamples=200)["pointing"]
    assert low < float(metric.compute()["pointing"]) < high
