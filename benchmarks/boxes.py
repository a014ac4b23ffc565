"""What a box costs at one threshold, against OpenCV's ways to it.

    uv run python benchmarks/boxes.py

From maps at mapping resolution to the box of the largest region on the 224x224 grid, at a fifth of
the range. The rivals are the procedure of wsolevaluation (cubic resize in double precision,
min-max, 8 bits, `findContours`, the box of the largest contour), and the way that most code goes
(`cv2.resize`, compare, `cv2.connectedComponentsWithStats`, the box of the largest label). All take
turns on one thread, whose processor time counts, because others use this machine; ratios are
medians over the rounds, with the lowest and the highest.

A second table tells whether boxes and torch's own work get in each other's way when both have two
threads: what they take in turn, against the sum of what each takes alone.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import torch
from maps import smooth_maps
from numpy.typing import NDArray
from rich.console import Console
from wsolevaluation import contour_boxes, enlarged

from gapcam.cam.components import largest_component_above

SIZE = (224, 224)
THRESHOLD = 0.2
MAPS = 384
"""A batch of validation: the six maps of each of 64 images."""

ROUNDS = 11
KINDS = {
    "7x7, smooth": (7, 0.05),
    "14x14, smooth": (14, 0.05),
    "14x14, noisy": (14, 0.25),
    "28x28, smooth": (28, 0.05),
    "28x28, mostly noise": (28, 2.0),
}
"""Cells of a side, and the noise's share of a hill's height."""

RESULTS = Path(__file__).parent / "results" / "boxes.md"

Maps = NDArray[np.float32]


def by_wsolevaluation(maps: Maps) -> None:
    for one in maps:
        grey = (enlarged(one, SIZE) * 255).astype(np.uint8)
        contour_boxes(grey, int(THRESHOLD * grey.max()), every=False)


def by_components(maps: Maps) -> list[NDArray[np.int32]]:
    boxes = []
    for one in maps:
        large = cv2.resize(one, SIZE[::-1], interpolation=cv2.INTER_LINEAR)
        mask = (large > THRESHOLD * large.max()).astype(np.uint8)
        count, _, facts, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        if count > 1:
            boxes.append(facts[1 + facts[1:, cv2.CC_STAT_AREA].argmax()])
    return boxes


def by_gapcam(maps: Maps, engine: str) -> None:
    largest_component_above(torch.from_numpy(maps), SIZE, THRESHOLD, engine=engine)


WAYS: dict[str, Callable[[Maps], object]] = {
    "numba": lambda maps: by_gapcam(maps, "numba"),
    "torch": lambda maps: by_gapcam(maps, "torch"),
    "wsolevaluation": by_wsolevaluation,
    "connectedComponentsWithStats": by_components,
}


def seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    work()
    return clock() - start


def spread(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f})"


def microseconds(way: str, maps: Maps) -> float:
    """Of the thread, for one map."""
    if way == "torch":
        maps = maps[::16]  # it takes a hundred times as long
    return 1e6 * seconds(lambda: WAYS[way](maps), time.thread_time) / len(maps)


def one_thread(kind: str) -> list[str]:
    """A row of the first table: microseconds a map, and how many times faster numba is."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    maps = smooth_maps(MAPS, *KINDS[kind])
    spent: dict[str, list[float]] = {way: [] for way in WAYS}
    for number in range(ROUNDS + 1):
        for way, times in spent.items():
            taken = microseconds(way, maps)
            if number:  # the first is a warm-up
                times.append(taken)
    cells = [f"{statistics.median(times):.0f}" for times in spent.values()]
    for rival in list(WAYS)[2:]:
        ratios = [a / b for a, b in zip(spent[rival], spent["numba"], strict=True)]
        cells.append(spread(ratios))
    return [kind, *cells]


def in_turns() -> list[str]:
    """The second table: torch's convolutions and boxes in turn, over the sum of each alone."""
    torch.set_num_threads(2)
    maps = smooth_maps(MAPS, 14)
    images, kernels = torch.rand(8, 64, 56, 56), torch.rand(64, 64, 3, 3)

    def convolve() -> None:
        torch.nn.functional.conv2d(images, kernels)

    def box() -> None:
        by_gapcam(maps, "numba")

    def many(*works: Callable[[], None]) -> None:
        for _ in range(20):
            for work in works:
                work()

    many(convolve, box)
    ratios: dict[str, list[float]] = {"wall": [], "processor": []}
    for _ in range(ROUNDS):
        for name, clock in (("wall", time.perf_counter), ("processor", time.process_time)):
            alone = seconds(lambda: many(convolve), clock) + seconds(lambda: many(box), clock)
            ratios[name].append(seconds(lambda: many(convolve, box), clock) / alone)
    return [f"{statistics.median(r):.2f} ({min(r):.2f}-{max(r):.2f})" for r in ratios.values()]


def table(columns: list[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def main() -> None:
    columns = ["maps", *(f"{way}, us a map" for way in WAYS)]
    columns += [f"numba is faster than {rival}" for rival in list(WAYS)[2:]]
    versions = ", ".join(
        f"{name} {version(name)}" for name in ("torch", "numba", "numpy", "opencv-python-headless")
    )
    page = (
        "# Boxes at one threshold\n\n"
        f"`benchmarks/boxes.py` on {platform.processor() or platform.machine()}, {os.cpu_count()} "
        f"shared cores, Python {platform.python_version()}, {versions}; {MAPS} maps a call, "
        f"{ROUNDS} rounds: medians (lowest-highest).\n\n"
        "From maps to boxes on the 224x224 grid, one thread:\n\n"
        f"{table(columns, [one_thread(kind) for kind in KINDS])}\n"
        "Convolutions and boxes in turn, two threads each, over the sum of each alone:\n\n"
        f"{table(['wall time', 'processor time'], [in_turns()])}"
    )
    RESULTS.write_text(page)
    Console(width=160).print(page)


if __name__ == "__main__":
    main()
