"""What a protocol gives to maps that nobody trained: read every number between these two.

A Gaussian in the centre looks at no picture. The true boxes' own map, at the network's mapping
resolution, is what a perfect map of that resolution could reach.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from rich.console import Console

from gapcam.arch.evaluation import Evaluation
from gapcam.cam.reference_maps import centre_gaussian, true_mask_maps
from gapcam.cam.views import Size
from gapcam.data.dataset import LocalizationDataset
from gapcam.map_scores import Maps, score_maps, truth_of
from gapcam.progress_bar import progress_bar
from gapcam.protocol import Protocol

AT_ONCE = 256
MOST_OF_RELEASED = 500
"""Images, evenly spread, that the released rule is tried on: it takes long."""

MAPS = ("floor_gaussian", "ceiling_true_mask")


def reference_metrics(
    evaluation: Evaluation, dataset: LocalizationDataset, resolution: Size, console: Console
) -> dict[str, float]:
    """The numbers of both maps, called as the evaluation calls its own; with a progress bar."""
    protocols = evaluation.protocols
    scored = next(iter(evaluation.details.values())).index.tolist()
    count = reference_count(protocols, dataset, scored)
    with progress_bar("floors and ceiling", count, console) as advance:
        found = reference_numbers(protocols, dataset, scored, evaluation.size, resolution, advance)
    main = evaluation.main.name
    return {
        key if name == main else f"{name}/{key}": round(value, 6)
        for name, numbers in found.items()
        for key, value in numbers.items()
    }


def reference_numbers(
    protocols: Mapping[str, Protocol],
    dataset: LocalizationDataset,
    scored: Sequence[int],
    view: Size,
    resolution: Size,
    on_progress: Callable[[int], None],
) -> dict[str, dict[str, float]]:
    """GT-known errors, in 0..1, of the two maps under each protocol.

    A protocol that tries all thresholds is given the best one for each of the two.

    Args:
        protocols: by name; both maps are shown to them as one view of the whole image.
        dataset: names the true boxes; images without any do not count.
        scored: rows of the images that the other numbers are of.
        view: height and width of a view.
        resolution: height and width of the network's maps.
        on_progress: told how many maps of a batch are done, of `reference_count` in all.
    """
    return {
        name: {
            kind: score_maps(
                Evaluation({name: protocol}, view, "whole", alone=True),
                dataset,
                _batches(dataset, _rows(dataset, protocol, scored), resolution, kind),
                on_progress,
            )["loc_gt_known"]
            for kind in MAPS
        }
        for name, protocol in protocols.items()
        if _rows(dataset, protocol, scored)
    }


def reference_count(
    protocols: Mapping[str, Protocol], dataset: LocalizationDataset, scored: Sequence[int]
) -> int:
    """How many maps there are to score."""
    return sum(len(MAPS) * len(_rows(dataset, rule, scored)) for rule in protocols.values())


def _rows(dataset: LocalizationDataset, protocol: Protocol, scored: Sequence[int]) -> list[int]:
    rows = np.asarray(scored, np.int64)
    rows = rows[dataset.index.box_counts[rows] > 0]
    if protocol.region == "dt_box" and len(rows) > MOST_OF_RELEASED:
        rows = rows[np.linspace(0, len(rows) - 1, MOST_OF_RELEASED).astype(int)]
    return list(rows.tolist())


def _batches(
    dataset: LocalizationDataset, rows: list[int], resolution: Size, kind: str
) -> Iterator[Maps]:
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        if kind == "floor_gaussian":
            maps = centre_gaussian(resolution).expand(len(some), -1, -1)
        else:
            truth = truth_of(dataset, some)
            maps = true_mask_maps(truth.boxes, truth.counts, truth.sizes, truth.regions, resolution)
        yield Maps(some, maps)
