"""Numbers of groups of images: by size of the object, by number of true boxes, by class."""

from typing import NamedTuple

import torch
from torch import Tensor

from gapcam.cam.boxes import are_real, box_area
from gapcam.cam.outcomes import Outcomes

SIZE_BOUNDS = (0.1, 0.25, 0.5)
"""Shares of the image's area. Fixed, so that slices of different data can be compared."""

SIZE_GROUPS = ("no box", "under 10 %", "10 to 25 %", "25 to 50 %", "over 50 %")
"""Groups by the area of the largest true box, as a share of the image's."""

COUNT_GROUPS = ("no box", "1 box", "2 boxes", "3 and more")
"""Groups by the number of true boxes."""


class Slice(NamedTuple):
    """Numbers of S groups that every image belongs to one of.

    `groups` their names; `images` `(S,)` int64 how many each has, `with_boxes` `(S,)` how many of
    them have a true box; `numbers` by name `(S,)` float32, NaN where no image of a group counts.
    """

    groups: tuple[str, ...]
    images: Tensor
    with_boxes: Tensor
    numbers: dict[str, Tensor]


def object_sizes(truth_BG4: Tensor, counts_B: Tensor, sizes_B2: Tensor) -> Tensor:
    """Area of each image's largest true box as a share of the image's.

    Args:
        truth_BG4: `(B, G, 4)` true boxes in pixels of the images, padded.
        counts_B: `(B,)` how many of them are real.
        sizes_B2: `(B, 2)` height and width of the images.

    Returns:
        `(B,)` float32 in 0..1; 0 for an image without a true box.
    """
    if truth_BG4.shape[1] == 0:
        return torch.zeros(len(truth_BG4), device=truth_BG4.device)
    is_real_BG = are_real(truth_BG4, counts_B)
    largest_B = (box_area(truth_BG4) * is_real_BG).amax(1)
    return (largest_B / sizes_B2.prod(1)).float()


def size_groups(object_sizes_N: Tensor, counts_N: Tensor) -> Tensor:
    """Place of each image's group in `SIZE_GROUPS`, `(N,)` int64."""
    bounds = object_sizes_N.new_tensor(SIZE_BOUNDS)
    return (1 + torch.bucketize(object_sizes_N, bounds, right=True)) * (counts_N > 0)


def count_groups(counts_N: Tensor) -> Tensor:
    """Place of each image's group in `COUNT_GROUPS`, `(N,)` int64."""
    return counts_N.clamp(max=len(COUNT_GROUPS) - 1)


def sliced(
    outcomes: Outcomes, has_box_N: Tensor, group_N: Tensor, groups: tuple[str, ...]
) -> Slice:
    """Average outcomes within groups.

    Args:
        outcomes: of N images.
        has_box_N: `(N,)` bool, whether any true box is known.
        group_N: `(N,)` int64, the place of each image's group in `groups`; negative: of none.
        groups: names of the S groups.
    """
    is_in_one_N = group_N >= 0

    def total(values_N: Tensor) -> Tensor:
        sums = torch.zeros(len(groups), dtype=torch.int64, device=group_N.device)
        return sums.index_add(0, group_N.clamp(min=0), (values_N * is_in_one_N).long())

    return Slice(
        groups,
        images=total(torch.ones_like(has_box_N)),
        with_boxes=total(has_box_N),
        numbers={
            name: total(one.points * one.counted) / (one.worth * total(one.counted))
            for name, one in outcomes.items()
        },
    )
