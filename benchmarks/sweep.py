"""What all thresholds together cost, against the procedure of wsolevaluation.

    uv run python benchmarks/sweep.py

From maps at mapping resolution to the best IoU with two true boxes at every threshold, on the
224x224 grid. The rival is the published procedure as it is, and mended (`wsolevaluation.py` says
of what). `contour_iou` gives the same numbers, which is checked first; `sweep_iou` keeps to our own
rule. All take turns on one thread, whose processor time counts, because others use this machine;
ratios are medians over the rounds, with the lowest and the highest.

A second table compares the two ways to a map's tree, of which the faster is taken.
"""

import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from maps import smooth_maps
from numpy.typing import NDArray
from rich.console import Console
from rich.markdown import Markdown
from wsolevaluation import as_published, mended

from gapcam.cam.levels import cut, room_for_map
from gapcam.cam.merge_tree import merge_tree
from gapcam.cam.pixel_tree import pixel_tree
from gapcam.cam.sweep import contour_iou, sweep_iou
from gapcam.cam.sweep_data import prepare
from gapcam.cam.tree_nodes import NODE

SIZE = (224, 224)
TRUTH = np.array([[40, 50, 160, 170], [100, 20, 220, 120]])
ROUNDS = 5
KINDS = {
    "7x7, smooth": (7, 0.05, 32),
    "14x14, smooth": (14, 0.05, 32),
    "14x14, noisy": (14, 0.25, 32),
    "28x28, smooth": (28, 0.05, 32),
    "224x224, noisy": (224, 0.25, 2),
}
"""Cells of a side, the noise's share of a hill's height, and how many maps."""

RESULTS = Path(__file__).parent / "results" / "sweep.md"

Maps = NDArray[np.float32]


def ways(maps: Maps, count: int, every: bool) -> dict[str, Callable[[], Any]]:
    thresholds = np.arange(count) / count
    tensor, thresholds_T = torch.from_numpy(maps), torch.from_numpy(thresholds)
    truth = torch.from_numpy(TRUTH).expand(len(maps), -1, -1)
    half_open = truth + torch.tensor([0, 0, 1, 1])
    counts = torch.full((len(maps),), 2)

    def ours_bit_for_bit() -> Any:
        return contour_iou(
            tensor, SIZE, thresholds_T, truth, counts, largest=not every, every=every
        )[every]

    def ours() -> Any:
        return sweep_iou(
            tensor,
            SIZE,
            thresholds_T,
            half_open,
            counts,
            normalise="minmax",
            largest=not every,
            every=every,
        )

    def one_by_one(procedure: Callable[..., Any]) -> Callable[[], Any]:
        return lambda: [procedure(one, SIZE, thresholds, TRUTH, every) for one in maps]

    return {
        "as published": one_by_one(as_published),
        "mended": one_by_one(mended),
        "contour_iou": ours_bit_for_bit,
        "sweep_iou": ours,
    }


def seconds(way: Callable[[], Any]) -> float:
    start = time.thread_time()
    way()
    return time.thread_time() - start


def measure(taking_turns: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    rounds = [{name: seconds(way) for name, way in taking_turns.items()} for _ in range(ROUNDS)]
    return {name: [one[name] for one in rounds] for name in taking_turns}


def ratio(slow: list[float], fast: list[float]) -> str:
    ratios = [a / b for a, b in zip(slow, fast, strict=True)]
    digits = 0 if min(ratios) >= 10 else 1
    middle, low, high = statistics.median(ratios), min(ratios), max(ratios)
    return f"{middle:.{digits}f}x ({low:.{digits}f}-{high:.{digits}f})"


def milliseconds(found: list[float], maps: int) -> str:
    return f"{1e3 * statistics.median(found) / maps:.3g}"


def compare(kind: str, count: int, every: bool) -> str:
    side, noise, number = KINDS[kind]
    maps = smooth_maps(number, side, noise)
    taking_turns = ways(maps, count, every)
    assert np.array_equal(taking_turns["mended"](), taking_turns["contour_iou"]().numpy())
    taking_turns["sweep_iou"]()
    if side == SIZE[0] and every:  # it would take an hour
        del taking_turns["as published"]
    found = measure(taking_turns)
    cells = [kind, str(count), "every" if every else "largest"]
    names = ("as published", "mended", "contour_iou", "sweep_iou")
    cells += [milliseconds(found[name], number) if name in found else "" for name in names]
    for ours in ("contour_iou", "sweep_iou"):
        for rival in ("as published", "mended"):
            cells.append(ratio(found[rival], found[ours]) if rival in found else "")
    return "| " + " | ".join(cells) + " |"


def compare_trees(kind: str, count: int) -> str:
    side, noise, number = KINDS[kind]
    given = prepare(
        torch.from_numpy(smooth_maps(number, side, noise)),
        SIZE,
        torch.arange(count) / count,
        normalise="minmax",
        interpolation="bilinear",
        grey=False,
        connectivity=8,
    )
    cuts, weights, nodes = [], np.ones(SIZE, np.uint8), np.empty(SIZE[0] * SIZE[1], NODE)
    for one in given.maps:
        room = room_for_map(given.maps, given.masks)
        cut(one, given.masks, room)
        cuts.append((room.values_HW, room.levels_HW))
    taking_turns = {
        "merge": lambda: [merge_tree(*one, weights, count, 1, nodes) for one in cuts],
        "pixel": lambda: [pixel_tree(levels, weights, count, 1, nodes) for _, levels in cuts],
    }
    is_smooth = min(taking_turns["merge"]()) >= 0
    taking_turns["pixel"]()
    found = measure(taking_turns)
    cells = [kind, str(count), milliseconds(found["pixel"], number)]
    if is_smooth:
        cells += [milliseconds(found["merge"], number), ratio(found["pixel"], found["merge"])]
    else:
        cells += [f"given up after {milliseconds(found['merge'], number)}", ""]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    packages = ("torch", "numba", "numpy", "opencv-python-headless")
    lines = [
        "# All thresholds in one pass",
        "",
        f"`benchmarks/sweep.py` on {platform.processor() or platform.machine()}, one thread; "
        + ", ".join(f"{name} {version(name)}" for name in packages)
        + ". Milliseconds of processor time a map, and how many times faster, median of "
        f"{ROUNDS} rounds (lowest-highest).",
        "",
        "| maps | thresholds | contour | as published | mended | `contour_iou` | `sweep_iou` "
        "| `contour_iou` to published | to mended | `sweep_iou` to published | to mended |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for count in (100, 1000):
        for kind in KINDS:
            lines += [compare(kind, count, every) for every in (False, True)]
    lines += [
        "",
        "Ways to a map's tree (`merge_tree` gives up on rugged maps, and `pixel_tree` takes over):",
        "",
        "| maps | thresholds | `pixel_tree` | `merge_tree` | faster |",
        "|---|---|---|---|---|",
    ]
    lines += [compare_trees(kind, count) for count in (10, 100, 1000) for kind in KINDS]
    RESULTS.write_text("\n".join(lines) + "\n")
    Console().print(Markdown(RESULTS.read_text()))


if __name__ == "__main__":
    main()
