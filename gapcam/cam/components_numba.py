"""The largest connected component on the CPU, compiled.

A mask becomes runs: unbroken stretches of foreground in a row. Runs that touch runs of the row
above are united by union-find, whose roots are the earliest runs of their components. Of a batch of
maps, one enlarged map a thread is kept at a time.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapcam.cam.comparing import AT_ONCE, bits_above, place_of_lowest
from gapcam.cam.compiled import compiled, run
from gapcam.cam.enlarge_numba import Enlarging, enlarge_into, enlarging, value_range
from gapcam.cam.union_find import root

Array = NDArray[Any]


def largest(masks_NHW: Tensor, connectivity: int) -> tuple[Tensor, Tensor]:
    """Boxes and areas as `gapcam.cam.components.largest_component` describes them."""
    boxes_N4, areas_N = _results(len(masks_NHW))
    masks = masks_NHW.contiguous().view(torch.uint8).numpy()
    reach = int(connectivity == 8)
    run(_largest_of_masks, len(masks), masks, reach, boxes_N4.numpy(), areas_N.numpy())
    return boxes_N4, areas_N


def largest_above(
    maps_Nhw: Tensor,
    size: tuple[int, int],
    threshold: float,
    normalise: str,
    interpolation: str,
    connectivity: int,
) -> tuple[Tensor, Tensor]:
    """Boxes and areas as `gapcam.cam.components.largest_component_above` describes them."""
    boxes_N4, areas_N = _results(len(maps_Nhw))
    maps = maps_Nhw.detach().contiguous().numpy()
    run(
        _largest_of_maps,
        len(maps),
        maps,
        enlarging(maps, size, interpolation),
        maps.dtype.type(threshold),
        normalise == "minmax",
        int(connectivity == 8),
        boxes_N4.numpy(),
        areas_N.numpy(),
    )
    return boxes_N4, areas_N


def _results(count: int) -> tuple[Tensor, Tensor]:
    return torch.zeros(count, 4), torch.zeros(count, dtype=torch.int64)


class _Runs(NamedTuple):
    """Room for the runs of one mask, in raster order.

    `edges`: first column, and column past the last, of run after run; `row_ends` `(H+1,)`: how many
    runs there are before each row; `parents`: an earlier run of the same component, or the run
    itself; `areas`: pixels of a component, at its first run.
    """

    edges: Array
    row_ends: Array
    parents: Array
    areas: Array


@compiled
def _room(height: int, width: int) -> _Runs:
    most = height * ((width + 1) // 2)
    return _Runs(
        np.empty(2 * most, np.int32),
        np.zeros(height + 1, np.int64),
        np.empty(most, np.int32),
        np.empty(most, np.int32),
    )


@compiled
def _largest_of_masks(
    first: int, last: int, masks_NHW: Array, reach: int, boxes_N4: Array, areas_N: Array
) -> None:
    height, width = masks_NHW.shape[1:]
    runs = _room(height, width)
    values = np.empty(height * width + AT_ONCE, np.uint8)
    for n in range(first, last):
        mask = masks_NHW[n].reshape(height * width)
        for pixel in range(height * width):
            values[pixel] = mask[pixel]
        areas_N[n] = _largest(values, width, np.uint8(0), reach, runs, boxes_N4[n])


@compiled
def _largest_of_maps(
    first: int,
    last: int,
    maps_Nhw: Array,
    how: Enlarging,
    threshold: float,
    is_minmax: bool,
    reach: int,
    boxes_N4: Array,
    areas_N: Array,
) -> None:
    height, width = how.down.cells.shape[1], how.across.cells.shape[1]
    runs = _room(height, width)
    wide_hW = np.empty((maps_Nhw.shape[1], width), maps_Nhw.dtype)
    values = np.empty(height * width + AT_ONCE, maps_Nhw.dtype)
    values_HW = values[: height * width].reshape(height, width)
    for n in range(first, last):
        enlarge_into(maps_Nhw[n], how, wide_hW, values_HW)
        low, high = value_range(values_HW)
        if not is_minmax:
            low = values.dtype.type(0)
        if high > low:
            level = low + threshold * (high - low)
            areas_N[n] = _largest(values, width, level, reach, runs, boxes_N4[n])


@compiled
def _largest(values: Array, width: int, level: Any, reach: int, runs: _Runs, box: Array) -> int:
    """Put the box of the largest component of `values > level` into `box`; return its area.

    The values of row after row are followed by `AT_ONCE` others, which do not matter.
    """
    height = len(runs.row_ends) - 1
    for y in range(height):
        count = _append_runs(values, y * width, width, level, runs.edges, runs.row_ends[y])
        runs.row_ends[y + 1] = count
        _unite_with_row_above(y, reach, runs)
    count = runs.row_ends[height]
    if count == 0:
        return 0
    _add_areas(count, runs)
    winner = int(runs.areas[:count].argmax())  # the first of equals
    _fit_box(winner, runs, box)
    return int(runs.areas[winner])


@compiled
def _append_runs(values: Array, row: int, width: int, level: Any, edges: Array, count: int) -> int:
    """Append the runs of the row that begins at `values[row]`; return how many there are now."""
    edge = 2 * count
    before = np.uint64(0)
    for x in range(0, width + 1, AT_ONCE):
        bits = bits_above(values, row + x, level)
        if width - x < AT_ONCE:  # the row's end, where a run ends at the latest
            bits &= (np.uint64(1) << np.uint64(width - x)) - np.uint64(1)
        changes = bits ^ ((bits << np.uint64(1)) | before)
        before = bits >> np.uint64(AT_ONCE - 1)
        while changes:
            edges[edge] = x + place_of_lowest(changes)
            edge += 1
            changes &= changes - np.uint64(1)
    return edge // 2


@compiled
def _unite_with_row_above(y: int, reach: int, runs: _Runs) -> None:
    """Unite the runs of row y with those that touch them; diagonally, too, where `reach` is 1."""
    edges, parents = runs.edges, runs.parents
    above, end_above = runs.row_ends[max(y - 1, 0)], runs.row_ends[y]
    for current in range(end_above, runs.row_ends[y + 1]):
        parents[current] = current
        while above < end_above and edges[2 * above + 1] + reach <= edges[2 * current]:
            above += 1
        earliest = current
        touching = above
        while touching < end_above and edges[2 * touching] < edges[2 * current + 1] + reach:
            other = root(parents, touching)
            parents[max(earliest, other)] = min(earliest, other)
            earliest = min(earliest, other)
            touching += 1
        parents[current] = earliest
        above = max(above, touching - 1)  # the last one may touch the next run, too


@compiled
def _add_areas(count: int, runs: _Runs) -> None:
    """Point every run at its root, and add its pixels there."""
    for current in range(count):
        earliest = runs.parents[runs.parents[current]]
        runs.parents[current] = earliest
        runs.areas[current] = 0
        runs.areas[earliest] += runs.edges[2 * current + 1] - runs.edges[2 * current]


@compiled
def _fit_box(winner: int, runs: _Runs, box: Array) -> None:
    x0, x1, y0, y1 = runs.edges[2 * winner], runs.edges[2 * winner + 1], -1, 0
    for y in range(len(runs.row_ends) - 1):
        for current in range(max(winner, runs.row_ends[y]), runs.row_ends[y + 1]):
            if runs.parents[current] == winner:
                x0 = min(x0, runs.edges[2 * current])
                x1 = max(x1, runs.edges[2 * current + 1])
                y0 = y if y0 < 0 else y0
                y1 = y + 1
    box[0], box[1], box[2], box[3] = x0, y0, x1, y1
