"""Receptive fields of units, measured in the pictures that they answer to most."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gapcam.arch.gap_module import GAPModule
from gapcam.study.bench import Bench
from gapcam.study.steps import Arrays
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

    A picture that is done is kept, so the work goes on after a crash.

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
    maps: dict[tuple[int, int], NDArray[Any]] = {}
    seconds = []
    with bench.progress("Occluding pictures", len(by_picture) * len(occluders)) as advance:
        for number, ones in by_picture.items():
            told = 0

            def count(more: int) -> None:
                nonlocal told
                told += more
                advance(more)

            def compute(number: int = number, ones: Sequence[Sighting] = ones) -> Arrays:
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
            kept = bench.steps.arrays(f"occluded-{number:07d}", key, compute)
            advance(len(occluders) - told)
            maps |= {(one.unit, number): m for one, m in zip(ones, kept["maps"], strict=True)}
            seconds.append(float(kept["seconds"]))
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
    return Measured(fields, len(by_picture), float(np.mean(seconds)))
