"""What was found of units: numbers, and tables as files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gapcam.study.outcome import Sheet
from gapcam.study.units.class_units import ClassUnit, most_frequent
from gapcam.study.units.receptive_field import Field, field_size
from gapcam.study.units.sightings import Pictures, Sighting


@dataclass(frozen=True)
class Findings:
    """All that was found.

    `chosen` are the units of each class, by label; `seen` what each unit answers to; `masks` the
    part of each of these pictures, in the same order; `fields` the measured receptive fields, empty
    where they were not; `reach` the theoretical side of all of them, None where it is unknown.
    """

    class_names: Sequence[str]
    pictures: Pictures
    chosen: Mapping[int, Sequence[ClassUnit]]
    seen: Mapping[int, Sequence[Sighting]]
    masks: Mapping[int, Sequence[NDArray[np.bool_]]]
    fields: Mapping[int, Field]
    reach: int | None

    def labels(self, unit: int) -> list[int]:
        """Classes of the pictures that a unit answers to."""
        return [int(self.pictures.labels[one.picture]) for one in self.seen[unit]]

    def purity(self, one: ClassUnit) -> float:
        """Share of its pictures that show the class it speaks for."""
        labels = self.labels(one.unit)
        return labels.count(one.label) / len(labels)

    def share(self, label: int) -> float | None:
        """Part of the class score that a class's units carry together."""
        shares = [one.share for one in self.chosen[label]]
        return None if None in shares else sum(one for one in shares if one is not None)

    @property
    def mean_share(self) -> float | None:
        """Average of `share` over the classes that have one."""
        shares = [share for label in self.chosen if (share := self.share(label)) is not None]
        return float(np.mean(shares)) if shares else None

    @property
    def mean_purity(self) -> float:
        """Average of `purity` over classes and their units."""
        return float(np.mean([self.purity(one) for ones in self.chosen.values() for one in ones]))

    def size(self, unit: int) -> float | None:
        """Side of a unit's measured receptive field in pixels of the view; None of a silent one."""
        is_seen = unit in self.fields and bool(self.fields[unit].any())
        return field_size(self.fields[unit]) if is_seen else None

    @property
    def silent(self) -> list[int]:
        """Units that no occluder changed."""
        return [unit for unit, field in self.fields.items() if not field.any()]


def headline(found: Findings) -> str:
    """What came out, in a sentence or two."""
    each = len(next(iter(found.chosen.values())))
    units = "The unit" if each == 1 else f"The {each} units"
    pictures = (
        f"{found.mean_purity:.0%} of the pictures to which these units answer most show the class."
    )
    if found.mean_share is None:
        return pictures
    return (
        f"{units} of largest weight carry {found.mean_share:.0%} of what speaks for a class; "
        f"{pictures}"
    )


def units_sheet(found: Findings) -> Sheet:
    """A line for each unit of each class; shares in 0..1."""
    rows = []
    for label, ones in found.chosen.items():
        for one in ones:
            most, share = most_frequent(found.labels(one.unit))
            rows.append(
                [
                    *(found.class_names[label], one.rank, one.unit, one.weight),
                    *(one.contribution, one.contribution_rank, one.share, found.purity(one)),
                    *(found.class_names[most], share, found.size(one.unit), found.reach),
                ]
            )
    columns = ["class", "rank", "unit", "weight", "contribution", "contribution_rank", "share"]
    more = ["purity", "most_frequent", "most_frequent_share", "receptive_field", "reach"]
    return Sheet(columns + more, rows)


def sightings_sheet(found: Findings) -> Sheet:
    """A line for each picture of each unit."""
    rows = []
    for unit, ones in found.seen.items():
        for rank, one in enumerate(ones, 1):
            dataset, row = found.pictures.home(one.picture)
            name = found.class_names[int(found.pictures.labels[one.picture])]
            rows.append(
                [unit, rank, dataset.split, dataset.name(row), name, one.activation, *one.place]
            )
    columns = ["unit", "rank", "split", "picture", "label", "activation", "cell_row", "cell_column"]
    return Sheet(columns, rows)
