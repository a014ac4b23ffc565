"""Receptive fields of units, measured in the pictures that they answer to most."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch

from gapcam.arch.gap_module import GAPModule
from gapcam.study.bench import Bench
from gapcam.study.steps import Arrays, Steps
from gapcam.study.units.occlusion import Occluders, discrepancies
from gapcam.study.units.receptive_field import Cells, Field, average_field
from gapcam.study.units.sightings import Pictures, Sighting


class Measured(NamedTuple):
    """Fields by unit; how many pictures were occluded; seconds a picture, on average."""

    fields: dict[int, Field]
    pictures: int
    seconds: float


def measure_fields(
    bench: Bench,
    network: GAPModule,
    pictures: Pictures,
    seen: Mapping[int, Sequence[Sighting]],
    occluders: Occluders,
    cells: Cells,
) -> Measured:
    """Occlude every picture once for all units that answer to it, and average for each unit.

    Processes share the pictures. One that is done is kept, so the work goes on after a crash.

    Args:
        bench: keeps what is done and shows progress.
        network: on the device it is to run on.
        pictures: that the sightings are of.
        seen: by unit.
        occluders: of the view's size.
        cells: of the network's maps.
    """
    by_picture: dict[int, list[Sighting]] = {}
    for ones in seen.values():
        for one in ones:
            by_picture.setdefault(one.picture, []).append(one)

    def occluded(number: int, steps: Steps, advance: Callable[[int], None]) -> Arrays:
        ones = by_picture[number]
        told = 0

        def count(more: int) -> None:
            nonlocal told
            told += more
            advance(more)

        def compute() -> Arrays:
            start = time.perf_counter()
            found = discrepancies(
                network,
                occluders,
                pictures.view(number).to(network.device),
                cells,
                [one.unit for one in ones],
                [one.place for one in ones],
                bench.data.eval_batch_size,
                count,
            )
            return {"maps": found, "seconds": np.array(time.perf_counter() - start)}

        dataset, row = pictures.home(number)
        key = {
            "picture": dataset.stamp(row),
            "occluders": occluders.facts,
            # Another network, or a changed one, has other activations.
            "units": [[one.unit, *one.place, one.activation] for one in ones],
        }
        kept = steps.arrays(f"occluded-{number:07d}", key, compute)
        advance(len(occluders) - told)
        return kept

    kept = _shared(bench, list(by_picture), len(occluders), occluded)
    maps = {
        (one.unit, number): discrepancy
        for number, ones in by_picture.items()
        for one, discrepancy in zip(ones, kept[number]["maps"], strict=True)
    }
    fields = {
        unit: average_field(
            [maps[unit, one.picture] for one in ones],
            [cells.centre(*one.place) for one in ones],
            occluders.rows,
            occluders.columns,
            occluders.size,
        )
        for unit, ones in seen.items()
    }
    seconds = [float(one["seconds"]) for one in kept.values()]
    return Measured(fields, len(by_picture), float(np.mean(seconds)))


def _shared(
    bench: Bench,
    numbers: Sequence[int],
    copies: int,
    occluded: Callable[[int, Steps, Callable[[int], None]], Arrays],
) -> dict[int, Arrays]:
    """What is found in each picture, by all processes that were started, a part of them each."""
    rank, processes, steps = 0, 1, bench.steps
    # Where features were there already, no other process was started.
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        rank, processes = torch.distributed.get_rank(), torch.distributed.get_world_size()
        steps = Steps(steps.folder)  # each writes its own part
    mine = numbers[rank::processes]
    with bench.progress("Occluding pictures", len(mine) * copies) as advance:
        found = {number: occluded(number, steps, advance) for number in mine}
    bench.trainer.strategy.barrier()
    return {n: found[n] if n in found else occluded(n, bench.steps, _silent) for n in numbers}


def _silent(_: int) -> None:
    """Others have shown their progress."""
