"""Localization accuracy over all thresholds, and the choice of thresholds (Choe et al., 2020).

V1 looks at the largest region's box, V2 at the boxes of all regions. Each image has a bit for each
IoU and threshold: whether the box, or any of the boxes, is found. All numbers follow from the bits.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from gapcam.cam.bits import answer, packed, totals
from gapcam.cam.localization import GUESSES
from gapcam.cam.outcomes import Outcome

UNRANKED = 255
"""Rank of a true class whose place among the guesses is not known."""


class Hits(NamedTuple):
    """Which thresholds find N images' objects: bits `(N, D, ceil(T / 8))` for D IoUs.

    `largest` of the largest region's box (V1), `every` of the boxes of all regions (V2).
    """

    largest: Tensor
    every: Tensor


class Curves(NamedTuple):
    """How many of `images`, those with a true box, are found at every threshold.

    `thresholds` `(T,)` float64; `iou` the D smallest IoUs that count; `largest` and `every`
    `(D, T)` int64 of V1 and V2.
    """

    thresholds: Tensor
    iou: tuple[float, ...]
    largest: Tensor
    every: Tensor
    images: int

    @property
    def v1(self) -> Tensor:
        """Accuracy of the largest region's box, `(D, T)` float32 in 0..1, NaN over no image."""
        return self.largest / self.images if self.images else self.largest * torch.nan

    @property
    def v2(self) -> Tensor:
        """Accuracy of the boxes of all regions, `(D, T)` float32 in 0..1, NaN over no image."""
        return self.every / self.images if self.images else self.every * torch.nan


def hits(iou_NT: Tensor, iou: tuple[float, ...]) -> Tensor:
    """Bits `(N, D, ceil(T / 8))`: which IoU `(N, T)` reach each of the D that count."""
    return packed(torch.stack([iou_NT >= least for least in iou], dim=1))


def curves(hits_N: Hits, has_box_N: Tensor, thresholds_T: Tensor, iou: tuple[float, ...]) -> Curves:
    """Count the images that have a true box and are found, at every threshold."""
    largest, every = (totals(bits_N[has_box_N], len(thresholds_T)) for bits_N in hits_N)
    return Curves(thresholds_T, iou, largest, every, int(has_box_N.sum()))


def percent(iou: float) -> str:
    """The ending of names at an IoU: `50` of 0.5."""
    return f"{100 * iou:g}"


def threshold_names(iou: tuple[float, ...]) -> list[str]:
    """Names of the thresholds that are chosen.

    `threshold` of V1 at the IoU of names without an ending; `threshold_50`, ... of V1 at each of
    the D IoUs; `threshold_v2_50`, ... of V2 at each; `threshold_v2` of V2's mean over them.
    """
    v1 = [f"threshold_{percent(one)}" for one in iou]
    v2 = [f"threshold_v2_{percent(one)}" for one in iou]
    return ["threshold", *v1, *v2, "threshold_v2"]


def best_places(found: Curves, main: float) -> dict[str, int]:
    """Places, among the T, of the thresholds with the highest accuracies; of several the lowest.

    Args:
        found: the accuracies.
        main: the IoU of names without an ending.

    Returns:
        By `threshold_names`.
    """
    at_main = found.largest[found.iou.index(main)]
    rows = [at_main, *found.largest, *found.every, found.every.sum(0)]
    names = threshold_names(found.iou)
    return {name: int(row.argmax()) for name, row in zip(names, rows, strict=True)}


def max_box_outcomes(
    hits_N: Hits,
    ranks_N: Tensor,
    has_box_N: Tensor,
    places: Mapping[str, int],
    iou: tuple[float, ...],
    main: float,
) -> dict[str, Outcome]:
    """What each of N images adds to the numbers at given thresholds.

    Args:
        hits_N: bits.
        ranks_N: `(N,)` place of the true class among the guesses, 0 is the first; `UNRANKED`.
        has_box_N: `(N,)` bool, whether any true box is known.
        places: of the thresholds among the T, by `threshold_names`.
        iou: the D smallest IoUs that count.
        main: the one of names without an ending.

    Returns:
        By name. Accuracies, a point being a hit: `max_box_acc` and `max_box_acc_50`, ... (V1);
        `max_box_acc_v2`, the mean over `max_box_acc_v2_50`, ..., each at its own threshold; and
        `max_box_acc_v2_one_threshold`. Errors, as in `localization_outcomes`, at V1's threshold
        for `main`: `loc_top1`, `loc_top5`, `loc_gt_known`, `cls_top1`, `cls_top5`.
    """
    endings = [percent(one) for one in iou]
    v1 = [
        answer(hits_N.largest[:, row], places[f"threshold_{ending}"])
        for row, ending in enumerate(endings)
    ]
    v2 = [
        answer(hits_N.every[:, row], places[f"threshold_v2_{ending}"])
        for row, ending in enumerate(endings)
    ]
    one_v2 = answer(hits_N.every, places["threshold_v2"]).sum(1)
    row = iou.index(main)
    found_N = answer(hits_N.largest[:, row], places["threshold"])
    return {
        "max_box_acc": Outcome(found_N, has_box_N),
        **{f"max_box_acc_{e}": Outcome(v, has_box_N) for e, v in zip(endings, v1, strict=True)},
        "max_box_acc_v2": Outcome(torch.stack(v2).sum(0), has_box_N, worth=len(iou)),
        **{f"max_box_acc_v2_{e}": Outcome(v, has_box_N) for e, v in zip(endings, v2, strict=True)},
        "max_box_acc_v2_one_threshold": Outcome(one_v2, has_box_N, worth=len(iou)),
        **ranked_outcomes(found_N, ranks_N, has_box_N),
    }


def ranked_outcomes(found_N: Tensor, ranks_N: Tensor, has_box_N: Tensor) -> dict[str, Outcome]:
    """Localization and classification errors where the true class's box alone is known.

    A guess is right if its class is the true one and its box is; so it is enough to know whether
    the true class's box is right, `found_N`, and which place the true class has, `ranks_N`.
    Images whose rank is unknown do not count where it is needed.
    """
    is_ranked_N = ranks_N != UNRANKED
    counted_N = has_box_N & is_ranked_N
    return {
        "loc_top1": Outcome(~(found_N & (ranks_N < 1)), counted_N),
        "loc_top5": Outcome(~(found_N & (ranks_N < GUESSES)), counted_N),
        "loc_gt_known": Outcome(~found_N, has_box_N),
        "cls_top1": Outcome(ranks_N >= 1, is_ranked_N),
        "cls_top5": Outcome(ranks_N >= GUESSES, is_ranked_N),
    }


def outcomes_so_far(
    largest_NB: Tensor, ranks_N: Tensor, has_box_N: Tensor, steps: int
) -> dict[str, Outcome]:
    """`ranked_outcomes` at V1's best threshold, from the bits `(N, bytes)` of one IoU alone."""
    place = int(totals(largest_NB[has_box_N], steps).argmax())
    return ranked_outcomes(answer(largest_NB, place), ranks_N, has_box_N)


def places_of(
    thresholds: Mapping[str, float], tried_T: Tensor, names: Collection[str]
) -> dict[str, int]:
    """Places of thresholds among those that are tried.

    Args:
        thresholds: by name.
        tried_T: `(T,)`, ascending.
        names: of those that are needed.

    Raises:
        ValueError: if one is missing or is not tried.
    """
    missing = [name for name in names if name not in thresholds]
    if missing:
        raise ValueError(
            f"thresholds must name {', '.join(names)}, as best_thresholds() does; "
            f"{', '.join(missing)} is missing"
        )
    places = {name: int((tried_T - thresholds[name]).abs().argmin()) for name in names}
    for name, place in places.items():
        if not abs(float(tried_T[place]) - thresholds[name]) < 1e-9:  # NaN is near nothing
            raise ValueError(
                f"thresholds[{name!r}] must be one of the {len(tried_T)} that are tried, from "
                f"{float(tried_T[0]):g} to {float(tried_T[-1]):g}; got {thresholds[name]!r}"
            )
    return places
