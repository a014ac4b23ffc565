"""What one protocol says of a split, beyond its numbers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from gapcam.cam.bootstrap import Interval
from gapcam.cam.max_box import Curves
from gapcam.cam.slices import Slice
from gapcam.metrics import LocalizationError, MaxBoxAcc
from gapcam.metrics.localization import LocalizationRows

_NAMED = 5
"""Classes that a note names."""


class Details(NamedTuple):
    """Details of the images scored.

    `index` `(N,)` their rows of the split; `rows` their boxes and `kinds` the shares of kinds of
    mistakes, where the protocol has a threshold; `slices` numbers by groups of images; `intervals`
    bootstrap intervals of the numbers (95 %); `curves` over all thresholds, where they were tried;
    `classes_without_boxes` those that no image of has a true box.
    """

    index: Tensor  # type: ignore[assignment]  # tuple.index is not used
    rows: LocalizationRows | None
    kinds: dict[str, float]
    slices: dict[str, Slice]
    intervals: dict[str, Interval]
    curves: Curves | None
    classes_without_boxes: list[int]


def details_of(
    error: LocalizationError | None,
    sweep: MaxBoxAcc | None,
    chosen: Mapping[str, float] | None,
) -> Details:
    """Gather what the metrics of a protocol have seen, one of which may be missing.

    Every process has to ask, as they exchange what they saw.

    Args:
        error: of boxes at a threshold.
        sweep: of all thresholds; it is asked for what both know.
        chosen: thresholds that slices and intervals are of; None: the best of these images.
    """
    main: LocalizationError | MaxBoxAcc | None = error if sweep is None else sweep
    assert main is not None
    return Details(
        index=main.rows().index,
        rows=None if error is None else error.rows(),
        kinds={} if error is None else {k: float(v) for k, v in error.taxonomy().items()},
        slices=main.slices() if sweep is None else sweep.slices(chosen),
        intervals=main.confidence() if sweep is None else sweep.confidence(thresholds=chosen),
        curves=None if sweep is None else sweep.curve(),
        classes_without_boxes=main.classes_without_boxes(),
    )


def note_on_classes(details: Details, class_names: Sequence[str]) -> list[str]:
    """What a reader must know where numbers by class are missing: a line, or none."""
    missing = details.classes_without_boxes
    if not missing or len(missing) == len(class_names):
        return []
    named = ", ".join(class_names[label] for label in missing[:_NAMED])
    return [
        f"{len(missing):,} of {len(class_names):,} classes have no true box among the images "
        f"scored: {named}{', …' if len(missing) > _NAMED else ''}"
    ]


def facts_of(details: Mapping[str, Details]) -> dict[str, Any]:
    """What details hold, by protocol, for a file.

    `intervals` (95 %), `mistakes`, shares of kinds of the best guess, and
    `classes_without_boxes`, their numbers; these are the same under all protocols.
    """
    return {
        "intervals": {
            name: {
                key: [round(end, 6) for end in ends]
                for key, ends in one.intervals.items()
                if not math.isnan(ends.low)
            }
            for name, one in details.items()
        },
        "mistakes": {
            name: {kind: round(share, 6) for kind, share in one.kinds.items()}
            for name, one in details.items()
            if one.kinds and not any(map(math.isnan, one.kinds.values()))
        },
        "classes_without_boxes": next(iter(details.values())).classes_without_boxes,
    }
