"""Overlays, tables and charts in the form W&B takes them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapcam.protocol import Protocol
from gapcam.viz.findings import CONFUSED_COLUMNS, Findings, most_confused, threshold_points
from gapcam.viz.localizations import Localization

_HIGHEST_ID = 127
"""W&B's masks hold 0..127; the highest numbers rarely meet those of classes."""

_MOST_CLASSES = 50
"""With more, a matrix of confusions cannot be read: the most frequent pairs are listed."""

_MOST_PAIRS = 100


def wandb_boxes(found: Localization, class_names: Sequence[str]) -> dict[str, Any]:
    """Predicted and true boxes in W&B's form, in pixels."""
    names = dict(enumerate(class_names))
    score = {"score": found.score, "iou": found.iou}
    return {
        "prediction": {
            "box_data": [
                _box(box, found.guess, found.caption) | {"scores": score} for box in found.boxes
            ],
            "class_labels": names,
        },
        "ground_truth": {
            "box_data": [_box(box, found.label, found.true_name) for box in found.true_boxes],
            "class_labels": names,
        },
    }


def mask_levels(protocol: Protocol) -> dict[str, float]:
    """Levels that masks are cut at, by the masks' names: the protocol's, and half the maximum."""
    if protocol.threshold is not None:
        own = {"at_threshold": protocol.threshold}
    else:
        own = {f"at_grey_level_{level}": level / 255 for level in protocol.levels}
    return {**own, "at_half": 0.5}


def wandb_masks(heat: NDArray[np.floating], levels: Mapping[str, float]) -> dict[str, Any]:
    """Where a heat map `(H, W)` in 0..1 is above each level, in W&B's form."""
    return {
        name: {
            "mask_data": np.where(heat > level, place, 0).astype(np.uint8),
            "class_labels": {place: f"above {level:.1%} of the maximum"},
        }
        for (name, level), place in zip(levels.items(), range(_HIGHEST_ID, 0, -1), strict=False)
    }


def tables_and_charts(found: Findings) -> dict[str, Any]:
    """What a test found, by the names it is logged with."""
    import wandb

    logged: dict[str, Any] = {}
    if found.examples:
        rows = [[*one.values, wandb.Image(one.picture, file_type="jpg")] for one in found.examples]
        logged["test/images"] = wandb.Table([*found.columns, "picture"], rows)
    if found.curves:
        points = wandb.Table(
            ["threshold", "accuracy", "curve"], list(threshold_points(found.curves))
        )
        logged["test/threshold_curve"] = wandb.plot.line(
            points, "threshold", "accuracy", stroke="curve", title="accuracy over threshold"
        )
    if found.mistakes:
        kinds = wandb.Table(
            ["kind", "share"],
            [[kind.replace("_", " "), share] for kind, share in found.mistakes.items()],
        )
        logged["test/mistakes"] = wandb.plot.bar(kinds, "kind", "share", title="the best guesses")
    if found.labels is None or found.guesses is None:
        return logged
    if len(found.class_names) <= _MOST_CLASSES:
        logged["test/confusion"] = wandb.plot.confusion_matrix(
            y_true=found.labels.tolist(),
            preds=found.guesses.tolist(),
            class_names=found.class_names,
            title="true class and best guess",
        )
    pairs = most_confused(found.labels, found.guesses, found.class_names, _MOST_PAIRS)
    logged["test/confused_pairs"] = wandb.Table(list(CONFUSED_COLUMNS), list(map(list, pairs)))
    return logged


def _box(corners: NDArray[np.floating], label: int, caption: str) -> dict[str, Any]:
    keys = ("minX", "minY", "maxX", "maxY")
    return {
        "position": {key: float(value) for key, value in zip(keys, corners, strict=True)},
        "domain": "pixel",
        "class_id": label,
        "box_caption": caption,
    }
