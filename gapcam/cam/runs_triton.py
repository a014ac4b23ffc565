# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls, allow-untyped-decorators
"""Kernels that find and unite the runs of masks `(N, H, W)` on a GPU; one program looks at a tile.

In each row of a tile, foreground becomes runs. `beginnings`, a byte a pixel, says in which column
of the tile a pixel's run begins, from 1; 0 is background. Runs that touch, in the row above or
across the border of two tiles, are united by union-find: `parents` has, at the first pixel of a
run, the first pixel of an earlier run of its component, or its own. Only atomic minima change these
while others may look, so what was read too early is still in the same component, and the loop goes
on from what the atomic operation found. Pixels are numbered in raster order, in each mask from 0.
"""

import triton
import triton.language as tl

ROWS = tl.constexpr(4)
COLUMNS = tl.constexpr(128)
"""Of a tile; at most 255 columns, so that beginnings fit into bytes."""

LAST = tl.constexpr(2**31 - 1)
"""No pixel has a higher number."""


@triton.jit
def _tile(H, W):
    """Number of this program's mask, of its tile, and the tile's rows and columns."""
    across = tl.cdiv(W, COLUMNS)
    tiles = tl.cdiv(H, ROWS) * across
    mask = (tl.program_id(0) // tiles).to(tl.int64)
    tile = tl.program_id(0) % tiles
    y = tile // across * ROWS + tl.arange(0, ROWS)[:, None]
    x = tile % across * COLUMNS + tl.arange(0, COLUMNS)[None, :]
    return mask, tile, y, x


@triton.jit
def _enlarged(
    maps, rows, columns, cells_down, weights_down, cells_across, weights_across,
    mask, y, x, H, W, TAPS_DOWN: tl.constexpr, TAPS_ACROSS: tl.constexpr,
):  # fmt: skip
    """Pixels of the enlarged map: sums across, then down, in the order of `gapcam.cam.enlarge`."""
    cells = maps + mask * rows * columns
    total = tl.zeros((ROWS, COLUMNS), maps.dtype.element_ty)
    for down in range(TAPS_DOWN):
        row = tl.load(cells_down + down * H + y, mask=y < H, other=0)
        wide = tl.zeros((ROWS, COLUMNS), maps.dtype.element_ty)
        for across in range(TAPS_ACROSS):
            column = tl.load(cells_across + across * W + x, mask=x < W, other=0)
            weight = tl.load(weights_across + across * W + x, mask=x < W, other=0)
            wide += tl.load(cells + row * columns + column) * weight
        total += wide * tl.load(weights_down + down * H + y, mask=y < H, other=0)
    return total


@triton.jit
def extremes_of_maps(
    maps, rows, columns, cells_down, weights_down, cells_across, weights_across,
    lows, highs, H, W, TAPS_DOWN: tl.constexpr, TAPS_ACROSS: tl.constexpr,
):  # fmt: skip
    """Smallest and largest value in each tile of each enlarged map."""
    mask, tile, y, x = _tile(H, W)
    value = _enlarged(
        maps, rows, columns, cells_down, weights_down, cells_across, weights_across,
        mask, y, x, H, W, TAPS_DOWN, TAPS_ACROSS,
    )  # fmt: skip
    is_inside = (y < H) & (x < W)
    place = mask * (tl.cdiv(H, ROWS) * tl.cdiv(W, COLUMNS)) + tile
    tl.store(lows + place, tl.min(tl.where(is_inside, value, float("inf"))))
    tl.store(highs + place, tl.max(tl.where(is_inside, value, float("-inf"))))


@triton.jit
def runs_of_maps(
    maps, rows, columns, cells_down, weights_down, cells_across, weights_across,
    levels, beginnings, parents, areas, H, W, TAPS_DOWN: tl.constexpr, TAPS_ACROSS: tl.constexpr,
):  # fmt: skip
    """Begin with the mask of each enlarged map above its level."""
    mask, _, y, x = _tile(H, W)
    value = _enlarged(
        maps, rows, columns, cells_down, weights_down, cells_across, weights_across,
        mask, y, x, H, W, TAPS_DOWN, TAPS_ACROSS,
    )  # fmt: skip
    foreground = (value > tl.load(levels + mask)) & (y < H) & (x < W)
    _store_runs(foreground, mask, y, x, beginnings, parents, areas, H, W)


@triton.jit
def runs_of_masks(masks, beginnings, parents, areas, H, W):
    """Begin with masks: bytes, 0 for background."""
    mask, _, y, x = _tile(H, W)
    is_inside = (y < H) & (x < W)
    value = tl.load(masks + mask * H * W + y * W + x, mask=is_inside, other=0)
    _store_runs(value != 0, mask, y, x, beginnings, parents, areas, H, W)


@triton.jit
def _store_runs(foreground, mask, y, x, beginnings, parents, areas, H, W):
    column = x % COLUMNS
    last_background = tl.associative_scan(tl.where(foreground, -1, column), 1, _greater)
    beginning = last_background + 1
    pixel = y * W + x
    begins = foreground & (beginning == column)
    start = mask * H * W
    stored = tl.where(foreground, beginning + 1, 0).to(tl.uint8)
    tl.store(beginnings + start + pixel, stored, mask=(y < H) & (x < W))
    tl.store(parents + start + pixel, pixel, mask=begins)
    tl.store(areas + start + pixel, 0, mask=begins)


@triton.jit
def _greater(a, b):
    return tl.maximum(a, b)


@triton.jit
def _beginning(beginnings, mask, y, x, H, W):
    """Beginnings at pixels that may lie outside of the mask, where there is background."""
    is_inside = (y >= 0) & (y < H) & (x >= 0) & (x < W)
    pixel = mask * H * W + y * W + x
    return tl.load(beginnings + pixel, mask=is_inside, other=0).to(tl.int32)


@triton.jit
def _first_pixel(beginning, y, x, W):
    """First pixel of the run of a pixel, by its beginning."""
    return y * W + x // COLUMNS * COLUMNS + beginning - 1


@triton.jit
def unite(beginnings, parents, H, W, CONNECTIVITY: tl.constexpr):
    """Unite runs at the first column where they touch, and those that a border of tiles cuts."""
    mask, _, y, x = _tile(H, W)
    parents += mask * H * W
    here = _beginning(beginnings, mask, y, x, H, W)
    left = _beginning(beginnings, mask, y, x - 1, H, W)
    up = _beginning(beginnings, mask, y - 1, x, H, W)
    up_left = _beginning(beginnings, mask, y - 1, x - 1, H, W)
    own = _first_pixel(here, y, x, W)
    is_cut = (here > 0) & (left > 0) & (x % COLUMNS == 0)
    _join(parents, own, _first_pixel(left, y, x - 1, W), is_cut)
    touches = (here > 0) & (up > 0) & ((left == 0) | (up_left == 0))
    _join(parents, own, _first_pixel(up, y - 1, x, W), touches)
    if CONNECTIVITY == 8:
        right = _beginning(beginnings, mask, y, x + 1, H, W)
        up_right = _beginning(beginnings, mask, y - 1, x + 1, H, W)
        touches = (here > 0) & (up == 0) & (up_left > 0) & (left == 0)
        _join(parents, own, _first_pixel(up_left, y - 1, x - 1, W), touches)
        touches = (here > 0) & (up == 0) & (up_right > 0) & (right == 0)
        _join(parents, own, _first_pixel(up_right, y - 1, x + 1, W), touches)


@triton.jit
def _join(parents, a, b, is_open):
    """Unite the components of runs a and b, each pixel of the tile for itself."""
    while tl.max(is_open.to(tl.int32)) > 0:
        later = tl.maximum(a, b)
        earlier = tl.minimum(a, b)
        found = tl.atomic_min(parents + later, earlier, mask=is_open, sem="relaxed")
        # Who found another run there has let it go, and has to unite it with the earlier one.
        is_open = is_open & (found != later) & (found != earlier)
        a = found
        b = earlier


@triton.jit
def _last_of_run(beginnings, mask, y, x, H, W):
    """Beginnings, and which pixels are the last of their runs."""
    here = _beginning(beginnings, mask, y, x, H, W)
    right = _beginning(beginnings, mask, y, x + 1, H, W)
    return here, (here > 0) & ((right == 0) | (x % COLUMNS == COLUMNS - 1))


@triton.jit
def add_areas(beginnings, parents, areas, ranks, H, W):
    """Add the pixels of each run at its root, and point it there; keep the highest rank.

    A rank is an area, and below it how early its component begins. Areas only grow, so the highest
    rank on the way is the highest in the end.
    """
    mask, _, y, x = _tile(H, W)
    parents += mask * H * W
    here, is_last = _last_of_run(beginnings, mask, y, x, H, W)
    first = tl.where(is_last, _first_pixel(here, y, x, W), 0)
    root = first
    parent = tl.load(parents + root, mask=is_last, other=0)
    while tl.max((parent != root).to(tl.int32)) > 0:
        root = parent
        parent = tl.load(parents + root, mask=is_last, other=0)
    tl.store(parents + first, root, mask=is_last)
    pixels = y * W + x - first + 1
    before = tl.atomic_add(areas + mask * H * W + root, pixels, mask=is_last, sem="relaxed")
    rank = ((before + pixels).to(tl.int64) << 32) + (root ^ LAST)  # LAST - root
    tl.atomic_max(ranks + mask, tl.max(tl.where(is_last, rank, 0)), sem="relaxed")


@triton.jit
def fit_boxes(beginnings, parents, ranks, lows, highs, H, W):
    """Widen the box of each mask by the runs of the component with the highest rank."""
    mask, _, y, x = _tile(H, W)
    winner = ((tl.load(ranks + mask) & LAST) ^ LAST).to(tl.int32)
    here, is_last = _last_of_run(beginnings, mask, y, x, H, W)
    first = _first_pixel(here, y, x, W)
    root = tl.load(parents + mask * H * W + first, mask=is_last, other=-1)
    wins = is_last & (root == winner)
    tl.atomic_min(lows + 2 * mask, tl.min(tl.where(wins, first - y * W, LAST)), sem="relaxed")
    tl.atomic_min(lows + 2 * mask + 1, tl.min(tl.where(wins, y, LAST)), sem="relaxed")
    tl.atomic_max(highs + 2 * mask, tl.max(tl.where(wins, x + 1, 0)), sem="relaxed")
    tl.atomic_max(highs + 2 * mask + 1, tl.max(tl.where(wins, y + 1, 0)), sem="relaxed")
