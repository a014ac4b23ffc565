"""What a network sees of a picture, and the way back: views as regions of the original image.

A region is a box in pixels of the original image: the part that a view shows. A resized picture
is a grid of its own; crops are cut on that grid, at whole pixels, so every view's region follows
from three sizes and two offsets, and a box found in the view goes back by one multiplication.
"""

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor

from gapcam.cam.boxes import clip_boxes

Size = tuple[int, int]
"""Height and width."""


def resized(size: Size, resize: int, keep_shape: bool) -> Size:
    """Size of a picture after resizing.

    Args:
        size: of the original.
        resize: side that is asked for.
        keep_shape: bring the short side to `resize` and keep the shape (the long side is rounded
            down, as torchvision does); or squash both sides to it, as the paper's code does.
    """
    if not keep_shape:
        return resize, resize
    height, width = size
    if height <= width:
        return resize, max(resize, resize * width // height)
    return max(resize, resize * height // width), resize


def centre_offset(full: Size, crop: Size) -> tuple[int, int]:
    """Top and left of the crop in the middle; halves are rounded to even, as torchvision does."""
    return round((full[0] - crop[0]) / 2), round((full[1] - crop[1]) / 2)


def ten_offsets(full: Size, crop: Size) -> list[tuple[int, int, bool]]:
    """Top, left and mirroring of the ten crops: four corners and the centre, then their mirrors.

    The order of the paper's code (prepare_image.m): top left, bottom left, top right, bottom right,
    centre. The mirrored ones show the same regions.
    """
    down, across = full[0] - crop[0], full[1] - crop[1]
    corners = [(top, left) for left in (0, across) for top in (0, down)]
    places = [*corners, centre_offset(full, crop)]
    return [(top, left, mirrored) for mirrored in (False, True) for top, left in places]


def region(size: Size, full: Size, top: int, left: int, crop: Size) -> tuple[float, ...]:
    """Part of the original that a crop shows: `x0, y0, x1, y1`.

    Args:
        size: of the original image.
        full: its size after resizing, where the crop is cut.
        top: first row of the crop.
        left: first column of the crop.
        crop: size of the crop.
    """
    down, across = size[0] / full[0], size[1] / full[1]
    return (
        left * across,
        top * down,
        (left + crop[1]) * across,
        (top + crop[0]) * down,
    )


def boxes_from_view(boxes_BM4: Tensor, view: Size, regions_B4: Tensor) -> Tensor:
    """Take boxes from views back to the original images.

    Args:
        boxes_BM4: `(B, M, 4)` in pixels of the views.
        view: height and width of the views.
        regions_B4: `(B, 4)` what each view shows, in pixels of its original image.

    Returns:
        `(B, M, 4)` in pixels of the original images.
    """
    # By plain numbers: a tensor made of them here would be a copy to the device in every batch.
    x0, y0, x1, y1 = regions_B4.to(boxes_BM4).unbind(-1)
    across, down = (x1 - x0) / view[1], (y1 - y0) / view[0]
    scale_B14 = torch.stack([across, down, across, down], dim=-1)[:, None]
    return boxes_BM4 * scale_B14 + torch.stack([x0, y0, x0, y0], dim=-1)[:, None]


def boxes_to_view(boxes_BM4: Tensor, view: Size, regions_B4: Tensor) -> Tensor:
    """Take boxes of original images into views of them; what a view does not show is cut off.

    The inverse of `boxes_from_view` for boxes inside the region; a box outside becomes empty.
    """
    x0, y0, x1, y1 = regions_B4.to(boxes_BM4).unbind(-1)
    across, down = view[1] / (x1 - x0), view[0] / (y1 - y0)
    scale_B14 = torch.stack([across, down, across, down], dim=-1)[:, None]
    moved = (boxes_BM4 - torch.stack([x0, y0, x0, y0], dim=-1)[:, None]) * scale_B14
    return clip_boxes(moved, view)


def mirror_boxes(boxes_BM4: Tensor, view: Size) -> Tensor:
    """Boxes in views mirrored left to right; its own inverse."""
    x0, y0, x1, y1 = boxes_BM4.unbind(-1)
    return torch.stack([view[1] - x1, y0, view[1] - x0, y1], dim=-1)


VIEWS = {"whole": 1, "centre": 1, "ten": 10}
"""Kinds of views, and how many views of an image they are."""


def view_slices(kinds: Sequence[str]) -> dict[str, slice]:
    """Where the views of each kind stand among those of all kinds, in order.

    Example:
        >>> view_slices(["whole", "ten"])
        {'whole': slice(0, 1, None), 'ten': slice(1, 11, None)}
    """
    ends = list(accumulate(VIEWS[kind] for kind in kinds))
    return {kind: slice(end - VIEWS[kind], end) for kind, end in zip(kinds, ends, strict=True)}


def mirrored_views(count: int) -> tuple[bool, ...]:
    """Which of the views of one kind are mirrored: of ten crops the second five."""
    return tuple(view >= 5 for view in range(count)) if count == VIEWS["ten"] else (False,) * count
