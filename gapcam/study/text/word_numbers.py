"""Numbers over all pictures, and how much they would move if others had been drawn."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from gapcam.cam.pixel_curve import PixelCurve, pixel_curve
from gapcam.study.text.word_scores import CENTRE, OTHERS, OWN, MapScore, Rules

Counts = NDArray[np.integer]

Ends = Mapping[str, tuple[float, float]]
"""Lower and upper end of intervals, by the number's name."""

COMPARED = ("pixel_ap", "box_recall")
"""Numbers of maps that are compared with floors."""

RESAMPLES = 1000
_TAILS = (0.025, 0.975)


class Tally:
    """What one kind of map is worth in each of P pictures, ready to be added up.

    Args:
        scores: one for each picture with words.
        rules: they were judged by.
    """

    def __init__(self, scores: Sequence[MapScore], rules: Rules) -> None:
        self._edges = rules.edges
        self._once = np.ones(len(scores), np.int64)
        self._below = np.concatenate([one.below for one in scores])
        self._counts = np.stack([one.counts for one in scores])
        self._columns = np.array(
            [
                (
                    len(one.covered),
                    one.is_found.sum(),
                    (one.iou >= rules.iou).sum(),
                    one.counts.sum(),
                    one.marked,
                    one.hits,
                )
                for one in scores
            ]
        )

    def curve(self, times: Counts | None = None) -> PixelCurve:
        """Precision and recall of pixels, of pictures that count so many times `(P,)`, or once."""
        counts = np.tensordot(self._once if times is None else times, self._counts, 1)
        return pixel_curve(torch.from_numpy(counts), self._edges)

    def words_found(self) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Shares of pixels marked and of words found, at each of the thresholds but zero.

        From the highest threshold to the lowest, and last of all where everything is marked.
        """
        thresholds = self.curve().thresholds.numpy()[:-1]
        marked = self._counts.sum((0, 1))[::-1].cumsum()[1:-1] / self._counts.sum()
        found = (self._below[None] > thresholds[:, None]).mean(1)
        return np.append(marked, 1.0), np.append(found, 1.0)

    def numbers(self, times: Counts | None = None) -> dict[str, float]:
        """Of pictures that count so many times, `(P,)`, or once; NaN over nothing.

        Returns:
            `pixel_ap`; `true`, the share of pixels that are true; `box_recall`, of words found;
            `box_recall_iou`, of words met by a box; `marked`, the share of pixels that are marked;
            `precision`, the share of marked pixels that are true.
        """
        times = self._once if times is None else times
        words, found, met, pixels, marked, hits = (times @ self._columns).tolist()
        true = int((times @ self._counts.sum(2)[:, 1]).sum())
        return {
            "pixel_ap": float(self.curve(times).average_precision),
            "true": _share(true, pixels),
            "box_recall": _share(found, words),
            "box_recall_iou": _share(met, words),
            "marked": _share(marked, pixels),
            "precision": _share(hits, marked),
        }


def detector_numbers(
    labels: NDArray[np.integer], decisions: NDArray[np.floating], times: Counts
) -> dict[str, float]:
    """How well pictures with text (label 1) are told from those without (label 0).

    Args:
        labels: `(N,)`.
        decisions: `(N,)`, above zero for text.
        times: `(N,)`, how often each picture counts.

    Returns:
        `cls_top1`, the share that is told wrongly, `average_precision` of pictures ranked by their
        decision values, and `floor_average_precision`, that of chance.
    """
    is_wrong = (decisions > 0) != (labels == 1)
    with_text = _share(times @ (labels == 1), times.sum())
    counts = times > 0
    precision = (
        average_precision_score(labels[counts], decisions[counts], sample_weight=times[counts])
        if with_text > 0
        else np.nan
    )
    return {
        "cls_top1": _share(times @ is_wrong, times.sum()),
        "average_precision": float(precision),
        "floor_average_precision": with_text,
    }


def map_numbers(tallies: Mapping[str, Tally], times: Counts) -> dict[str, float]:
    """Numbers of the pictures' own maps, and what maps reach that do not look.

    Args:
        tallies: by kind of map.
        times: `(P,)`, how often each picture with words counts.

    Returns:
        `pixel_ap`, `box_recall`, `box_recall_iou`, `marked` and `pixel_precision` as
        `Tally.numbers` says; the floors `floor_pixel_ap` (the same heat everywhere),
        `floor_pixel_ap_centre` and `floor_box_recall` (a Gaussian in the middle),
        `floor_pixel_ap_others` and `floor_box_recall_others` (mean map of the other pictures).
    """
    own = tallies[OWN].numbers(times)
    middle = tallies[CENTRE].numbers(times)
    found = {name: own[name] for name in (*COMPARED, "box_recall_iou", "marked")}
    found |= {
        "pixel_precision": own["precision"],
        "floor_pixel_ap": own["true"],
        "floor_pixel_ap_centre": middle["pixel_ap"],
        "floor_box_recall": middle["box_recall"],
    }
    if OTHERS in tallies:
        others = tallies[OTHERS].numbers(times)
        found |= {f"floor_{name}_others": others[name] for name in COMPARED}
    return found


def highest_floors(found: Mapping[str, float]) -> dict[str, str]:
    """The name of the highest floor of each number that has some."""
    floors = {
        name: [floor for floor in found if floor.startswith(f"floor_{name}")] for name in COMPARED
    }
    return {name: max(every, key=lambda floor: found[floor]) for name, every in floors.items()}


def gains(found: Mapping[str, float], floors: Mapping[str, str]) -> dict[str, float]:
    """By how much numbers are above a floor that is given for each: `pixel_ap_gain`, ..."""
    return {f"{name}_gain": found[name] - found[floor] for name, floor in floors.items()}


def bootstrap(
    numbers: Callable[[Counts], Mapping[str, float]],
    count: int,
    seed: int,
    advance: Callable[[int], None],
) -> dict[str, tuple[float, float]]:
    """Percentile intervals (95 %) of numbers under resampling of the pictures (Efron, 1979).

    Args:
        numbers: of pictures that count so many times, `(N,)`.
        count: N.
        seed: of the draws.
        advance: is told of each resample.

    Returns:
        By name; resamples in which a number is NaN are left out, and NaN is the end if all are.
    """
    random = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {}
    for _ in range(RESAMPLES):
        times = np.bincount(random.integers(count, size=count), minlength=count)
        for name, value in numbers(times).items():
            drawn.setdefault(name, []).append(value)
        advance(1)
    return {name: _ends(np.array(values)) for name, values in drawn.items()}


def _ends(values: NDArray[np.floating]) -> tuple[float, float]:
    there = values[~np.isnan(values)]
    if not len(there):
        return np.nan, np.nan
    low, high = np.quantile(there, _TAILS)
    return float(low), float(high)


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else np.nan
