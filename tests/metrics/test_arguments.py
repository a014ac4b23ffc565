"""Bad input: the message names the argument, what was expected and what came."""

from typing import Any

import pytest
import torch
from metric_samples import CLASSES, EXACT, KINDS, VIEW, samples

from gapcam.metrics import LocalizationError, MaxBoxAcc, PixelAP, PointingGame
from gapcam.protocol import PUBLISHED

BOX = torch.tensor([0.0, 0.0, 5.0, 5.0])


def boxes(*corners: float) -> torch.Tensor:
    """True boxes of two images; the second one is the given one."""
    return torch.stack([BOX, torch.tensor(corners)])[:, None]


SHARED = [
    ({"maps": torch.zeros(2)}, r"maps must have shape \(.*h, w\).*; got \(2,"),
    ({"maps": torch.zeros(2, 6, 8, dtype=torch.int64)}, r"maps must be .*; got"),
    ({"maps": [[1.0]]}, "maps must be a tensor; got list"),
    ({"maps": None}, "give either maps, or features and weight .*; got none of them"),
    ({"weight": torch.zeros(7, 4)}, "give either maps, or .*; got maps and weight"),
    ({"sizes": torch.zeros(3, 2)}, r"sizes must have shape \(B, 2\) with B = 2; got \(3, 2\)"),
    ({"sizes": torch.tensor([[9, 9], [9, 0]])}, r"sizes must be .* above 0; got \[9, 0\] for samp"),
    ({"regions": torch.zeros(2, 3)}, r"regions must have shape \(B, 4\) .*; got \(2, 3\)"),
    (
        {"regions": boxes(5, 0, 5, 9)[:, 0]},
        r"regions must be .*x0 < x1.*; got \[5.0, 0.0, 5.0, 9.0",
    ),
    ({"index": torch.tensor([0.0, 1.0])}, "index must hold whole numbers; got torch.float32"),
    ({"index": torch.tensor([0, -2])}, "index must be 0 or more; got -2 for sample 1 of the batch"),
    ({"index": torch.tensor([0])}, r"index must have shape \(B\) with B = 2; got \(1,\)"),
]
LOCATED = [
    ({"boxes": torch.zeros(2, 4)}, r"boxes must have shape \(B, G, 4\) with B = 2; got \(2, 4\)"),
    ({"boxes": [BOX[None], BOX], "counts": None}, r"each of boxes must have shape \(G, 4\); got"),
    ({"boxes": [BOX[None]], "counts": None}, r"boxes must have shape .* with B = 2; got \(1, 1, 4"),
    ({"boxes": [BOX[None]] * 2}, "counts must not be given with a list of boxes"),
    (
        {"boxes": boxes(6, 0, 5, 5)},
        r"boxes must be .*; got \[6.0, 0.0, 5.0, 5.0, 40.0, 30.0\] \(box",
    ),
    ({"boxes": boxes(0, 0, 33, 5)}, "boxes must be .* inside it; got .* for sample 1 of the batch"),
    ({"boxes": boxes(0, -3, 9, 5)}, "boxes must be .* inside it; got"),
    ({"boxes": boxes(0, 0, 9, float("nan"))}, "boxes must be .* inside it; got"),
    ({"counts": torch.tensor([1, 2])}, r"counts must lie in 0..1, .*; got 2 for sample 1"),
    ({"counts": torch.tensor([-1, 1])}, "counts must lie in 0..1, .*; got -1 for sample 0"),
    ({"counts": torch.tensor([True, True])}, "counts must hold whole numbers; got torch.bool"),
    ({"labels": torch.tensor([0, CLASSES])}, "labels must lie in 0..6; got 7 for sample 1"),
    ({"labels": torch.tensor([-1, 0])}, "labels must lie in 0..6; got -1 for sample 0"),
]
OWN = {
    "localization": [
        ({"classes": torch.tensor([[0], [0]])}, r"maps must have shape .* M = 1; got \(2, 6"),
        ({"classes": torch.zeros(2, 6)}, "classes must hold whole numbers; got torch.float32"),
        ({"classes": torch.full((2, 6), 7)}, r"classes must lie in 0..6; got \[7, 7"),
        ({"classes": torch.tensor([[1, 2, 3, 4, 5, 6]] * 2)}, "classes must end with the label; g"),
        ({"classes": [1]}, "classes must be a tensor; got list"),
        (
            {"classes": torch.tensor([[0], [0]]), "maps": torch.zeros(2, 1, 6, 8)},
            r"classes must have a guess or more, then the true class: .*; got \(2, 1\)",
        ),
    ],
    "max_box_acc": [
        ({"ranks": torch.tensor([0, -1])}, "ranks must be 0 or more; got -1 for sample 1"),
        ({"ranks": torch.zeros(2, 1)}, r"ranks must have shape \(B\) with B = 2; got \(2, 1\)"),
    ],
    "pixel_ap": [
        ({"masks": torch.zeros(2, 9, 9)}, "masks must be of bool or uint8; got torch.float32"),
        ({"masks": torch.zeros(9, 9) > 0}, r"masks must have shape \(B, H, W\) .*; got \(9, 9\)"),
        ({"ignore": torch.zeros(3, 9, 9) > 0}, r"ignore must have shape .* B = 2; got \(3, 9, 9"),
    ],
    "pointing": [],
}
ROWS = [(kind, *row) for kind in KINDS for row in SHARED] + [
    (kind, *row)
    for kind in KINDS
    for row in (LOCATED if kind != "pixel_ap" else []) + OWN[kind]  # type: ignore[operator]
]


@pytest.mark.parametrize(("kind", "wrong", "message"), ROWS)
def test_bad_input(kind: str, wrong: dict[str, Any], message: str) -> None:
    batch = samples(2)
    batch["sizes"] = torch.tensor([[40, 30], [40, 30]])
    batch["boxes"], batch["counts"] = BOX.expand(2, 1, 4), torch.tensor([1, 1])
    inputs = {**KINDS[kind].inputs(batch), **wrong}
    metric = KINDS[kind].make(**({} if kind == "pixel_ap" else {"num_classes": CLASSES}))
    if kind == "localization" and getattr(inputs["maps"], "ndim", None) == 3:
        inputs["maps"] = inputs["maps"][:, None].expand(-1, 6, -1, -1)
    with pytest.raises(ValueError, match=message):
        metric.update(**inputs)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: LocalizationError("nice"),
            "protocol must be a Protocol or one of paper, .*'nice'",
        ),
        (
            lambda: LocalizationError("paper"),
            r"size must be .* size=\(224, 224\): protocol 'paper'",
        ),
        (lambda: LocalizationError("released"), "size must be .*: protocol 'released' depends on"),
        (lambda: LocalizationError("exact", VIEW), r"needs a threshold, .* protocol.at\(0.2\)"),
        (
            lambda: MaxBoxAcc("paper", VIEW),
            "tries all thresholds, and protocol 'paper' has its own",
        ),
        (lambda: MaxBoxAcc("exact"), "size must be"),
        (lambda: PixelAP("released", VIEW), "PixelAP needs one grid .* grid: view, or a side"),
        (lambda: PointingGame(protocol="released", size=VIEW), "PointingGame needs one grid"),
        (lambda: PointingGame(-1, size=VIEW), "tolerance must be 0 pixels or more; got -1"),
    ],
)
def test_impossible_settings(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_several_iou_need_the_usual_one() -> None:
    protocol = PUBLISHED["exact"].__class__(name="mine", iou=(0.3, 0.7))
    with pytest.raises(ValueError, match=r"iou must have 0.5 among several, .*; got \(0.3, 0.7\)"):
        LocalizationError(protocol, VIEW)


def test_features_need_labels_and_classes_that_exist() -> None:
    features, weight = torch.zeros(1, 4, 3, 3), torch.zeros(CLASSES, 4)
    known = {"boxes": BOX.expand(1, 1, 4), "sizes": torch.tensor([[9, 9]])}
    metric = MaxBoxAcc(EXACT, VIEW)
    with pytest.raises(ValueError, match="labels must be given with features"):
        metric.update(features=features, weight=weight, **known)
    with pytest.raises(ValueError, match=r"classes must lie in 0..6; got \[7\] for sample 0"):
        metric.update(features=features, weight=weight, labels=torch.tensor([7]), **known)
    with pytest.raises(ValueError, match="features must be a tensor; got float"):
        metric.update(features=1.0, weight=weight, labels=torch.tensor([1]), **known)
    with pytest.raises(ValueError, match=r"features must have shape .* with K = 3; got \(1, 4"):
        metric.update(
            features=features, weight=torch.zeros(7, 3), labels=torch.tensor([1]), **known
        )


def test_boxes_may_stick_out_a_little() -> None:
    metric = MaxBoxAcc(EXACT, VIEW)
    metric.update(
        maps=torch.rand(1, 3, 3),
        boxes=torch.tensor([[[-2.0, -2.0, 302.0, 1020.0]]]),  # 2 pixels, or 2 % of a side
        sizes=torch.tensor([[1000, 300]]),
    )


def test_the_number_of_guesses_stays_the_same() -> None:
    batch = samples(2)
    metric = LocalizationError("paper", VIEW)
    metric.update(**KINDS["localization"].inputs(batch))
    batch["maps"], batch["classes"] = batch["maps"][:, -2:], batch["classes"][:, -2:]
    with pytest.raises(
        ValueError, match=r"classes must have the shape of earlier .* 6\); got \(2, 2"
    ):
        metric.update(**KINDS["localization"].inputs(batch))


def test_on_a_device_values_are_judged_by_compute() -> None:
    metric = MaxBoxAcc(EXACT, VIEW).to("meta")  # where asking for a value is an error
    inputs = KINDS["max_box_acc"].inputs(samples(2))
    on_device = {name: value.to("meta") for name, value in inputs.items() if name != "ranks"}
    metric._truth(axes=3, **on_device)
    assert metric.faults.device.type == "meta"
    metric = MaxBoxAcc(EXACT, VIEW)
    metric.faults[3] = 2
    with pytest.raises(ValueError, match="boxes of 2 samples were out of their range"):
        metric.rows()


def test_maps_on_another_device_than_the_metric() -> None:
    inputs = KINDS["max_box_acc"].inputs(samples(2))
    inputs["maps"] = inputs["maps"].to("meta")
    with pytest.raises(ValueError, match=r"metric's device, cpu; got meta: .*\.to\('meta'\)"):
        MaxBoxAcc(EXACT, VIEW).update(**inputs)
