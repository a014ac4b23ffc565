"""Boxes of contours at every threshold: the rules of wsolevaluation, bit for bit.

Choe et al., CVPR 2020, score an 8-bit mask's contours as OpenCV finds them: that of largest
polygon area (MaxBoxAcc), or every one, those around holes included (MaxBoxAccV2). All thresholds
are done in one pass (`gapcam.cam.sweep`), without OpenCV. Their rules, kept as published:

- A map is enlarged by OpenCV's cubic interpolation in double precision, brought to 0..1 by its
  minimum and maximum, and cut off to 8 bits; thresholds are cut off, too: `int(t * 255)`.
- Boxes are `x, y, x + width, y + height` as inclusive corners, so one pixel too large, but not
  beyond the last pixel. True boxes are whole numbers, inclusive.
- Of contours with equal areas the one that OpenCV lists first counts.
- Without a contour the box is `0, 0, 0, 0`, which is the pixel in the corner, and is scored.

One thing differs: a map that is constant before it is enlarged, or holds infinity, has no
contour. As published, the first can have contours of rounding errors, and the second stops the
evaluation.
"""

import torch
from torch import Tensor

from gapcam.cam.sweep_data import Sweep, SweepInput, prepare, prepare_truth


def contour_iou(
    maps_Nhw: Tensor,
    size: tuple[int, int],
    thresholds_T: Tensor,
    truth_NG4: Tensor,
    counts_N: Tensor,
    *,
    largest: bool = True,
    every: bool = True,
) -> Sweep:
    """Score the contours of each map's masks against true boxes, at every threshold.

    Args:
        maps_Nhw: `(N, h, w)` at mapping resolution, any floating type.
        size: height and width of the grid that masks are cut on (published: 224, 224).
        thresholds_T: `(T,)` ascending, in [0, 1); best float64, as `int(t * 255)` depends on it.
        truth_NG4: `(N, G, 4)` int64 true boxes, inclusive, in pixels of the grid (see
            `truncated_boxes`). Padded.
        counts_N: `(N,)` how many of the G boxes are real; IoU is 0 where none is.
        largest: whether to compute `largest_NT`, of the largest contour.
        every: whether to compute `any_NT`, of all contours.

    Raises:
        ValueError: if an argument has a wrong shape, type or value.
    """
    given = _prepare(maps_Nhw, size, thresholds_T)
    inclusive_NG4, counts_N = prepare_truth(maps_Nhw, truth_NG4, counts_N)
    from gapcam.cam.compiled import run
    from gapcam.cam.contours_numba import score_contours
    from gapcam.cam.scores import score_boxes

    largest_NM, any_NM = given.zeros(largest), given.zeros(every)
    half_open_NG4 = inclusive_NG4 + inclusive_NG4.new_tensor([0, 0, 1, 1])
    truth, counts = half_open_NG4.numpy(), counts_N.numpy()
    if largest:
        last_pixel = torch.tensor([size[1] - 1, size[0] - 1])
        boxes_NM4 = _largest(given)
        boxes_NM4[..., 2:] = torch.minimum(boxes_NM4[..., 2:], last_pixel) + 1
        run(score_boxes, len(truth), boxes_NM4.numpy(), truth, counts, largest_NM.numpy())
    if every:
        out = any_NM.numpy()
        run(score_contours, len(truth), given.maps, given.masks, truth, counts, out)
    return Sweep(given.spread(largest_NM), given.spread(any_NM))


def contour_boxes(maps_Nhw: Tensor, size: tuple[int, int], thresholds_T: Tensor) -> Tensor:
    """Box each map's largest contour at every threshold, for drawing; see `contour_iou`.

    Returns:
        `(N, T, 4)` float32, half-open, tight around the contour: `x, y, x + width, y + height` as
        published, before that is taken for inclusive corners. Zeros where there is no contour.
    """
    given = _prepare(maps_Nhw, size, thresholds_T)
    return given.spread(_largest(given))


def truncated_boxes(corners_NG4: Tensor, sizes_N2: Tensor, size: tuple[int, int]) -> Tensor:
    """True boxes as published: resized to the grid with the image, and cut off to whole numbers.

    Args:
        corners_NG4: `(N, G, 4)` inclusive corners in pixels of the original image, as in the files.
        sizes_N2: `(N, 2)` height and width of the original images.
        size: height and width of the grid.

    Returns:
        `(N, G, 4)` int64 inclusive corners in pixels of the grid.
    """
    height_N11, width_N11 = sizes_N2.double()[:, :, None, None].unbind(1)
    x_NG2 = corners_NG4[..., 0::2].double() * size[1] / width_N11
    y_NG2 = corners_NG4[..., 1::2].double() * size[0] / height_N11
    return torch.stack([x_NG2, y_NG2], dim=-1).flatten(-2).long()


def _largest(given: SweepInput) -> Tensor:
    from gapcam.cam.compiled import run
    from gapcam.cam.contours_numba import box_contours

    boxes_NM4 = torch.zeros(len(given.maps), given.count, 4)
    run(box_contours, len(given.maps), given.maps, given.masks, boxes_NM4.numpy())
    return boxes_NM4


def _prepare(maps_Nhw: Tensor, size: tuple[int, int], thresholds_T: Tensor) -> SweepInput:
    return prepare(
        maps_Nhw.double() if maps_Nhw.is_floating_point() else maps_Nhw,
        size,
        thresholds_T,
        normalise="minmax",
        interpolation="cubic",
        grey=True,
        connectivity=8,
    )
