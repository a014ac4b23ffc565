"""What the study of units has to show: an index of classes, a page a class, tables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gapcam.study.bench import Bench
from gapcam.study.drawing import save, side_by_side, with_words
from gapcam.study.outcome import Section, Sheet, Shown
from gapcam.study.units.class_units import ClassUnit, most_frequent
from gapcam.study.units.pictures import cut_out, field_picture, figure_of_class, sheet_of_unit
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


def sections(bench: Bench, found: Findings, how: Sequence[str]) -> list[Section]:
    """The parts of the page, and a page for each class.

    Args:
        bench: says where pictures go.
        found: to be shown.
        how: it was done, a paragraph each.
    """
    tiles = {
        unit: [
            cut_out(_pixels(found, one), mask)
            for one, mask in zip(ones, found.masks[unit], strict=True)
        ]
        for unit, ones in found.seen.items()
    }
    figures = []
    for label, ones in found.chosen.items():
        picture = figure_of_class([tiles[one.unit] for one in ones])
        units = ", ".join(f"{one.unit} ({one.weight:.2f})" for one in ones)
        caption = f"{found.class_names[label]}: units {units}, one a row"
        figures.append(save(bench, f"class-{label:04d}", picture, caption))
    index = Section("Classes and their units", how, [_classes(found)], pictures=figures)
    fields = [_fields(found)] if found.fields else []
    return [index, *fields, *(_page(bench, found, label, tiles) for label in found.chosen)]


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


def _page(
    bench: Bench, found: Findings, label: int, tiles: Mapping[int, Sequence[Image.Image]]
) -> Section:
    name = found.class_names[label]
    chosen = found.chosen[label]
    shown = []
    for one in chosen:
        labels = found.labels(one.unit)
        words = [
            (found.class_names[of], f"{sighting.activation:.3g}")
            for of, sighting in zip(labels, found.seen[one.unit], strict=True)
        ]
        picture = sheet_of_unit(tiles[one.unit], words)
        caption = (
            f"unit {one.unit}, weight {one.weight:.3f}: {labels.count(label)} of {len(labels)} "
            f"pictures are of class {name}"
        )
        shown.append(save(bench, f"class-{label:04d}-unit-{one.unit:04d}", picture, caption))
    if found.fields:
        shown.append(_field_pictures(bench, found, label))
    text = [
        f"The units with the largest weights for {name}, and the pictures of all classes to which "
        "each of them answers most; below each its class and the unit's activation."
    ]
    share = found.share(label)
    if share is not None:
        text.append(f"Together they carry {share:.0%} of what speaks for the class.")
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return Section(
        name, text, [_units(found, label)], pictures=shown, anchor=f"{label:04d}-{slug}".strip("-")
    )


def _units(found: Findings, label: int) -> Sheet:
    rows = []
    for one in found.chosen[label]:
        most, share = most_frequent(found.labels(one.unit))
        rows.append(
            [
                *(str(one.unit), one.weight, one.contribution, one.contribution_rank),
                *(_percent(one.share), _percent(found.purity(one))),
                *(f"{found.class_names[most]} ({share:.0%})", found.size(one.unit)),
            ]
        )
    columns = ["unit", "weight", "adds to the score", "place by that", "share, %"]
    more = ["own class, %", "mostly", "field, px"]
    return Sheet(columns + more, rows)


def _field_pictures(bench: Bench, found: Findings, label: int) -> Shown:
    pictures = [
        with_words(
            field_picture(found.fields[one.unit], found.reach),
            f"unit {one.unit}: " + _pixels_of(found, one.unit),
        )
        for one in found.chosen[label]
    ]
    caption = "receptive fields around the unit's cell; outlined: half height; frame: theoretical"
    return save(bench, f"class-{label:04d}-fields", side_by_side(pictures), caption)


def _pixels_of(found: Findings, unit: int) -> str:
    size = found.size(unit)
    if size is None:
        return "nothing changed it"
    return f"{size:.0f} px" + (f" of {found.reach}" if found.reach else "")


def _classes(found: Findings) -> Sheet:
    rows = [
        [
            found.class_names[label],
            ", ".join(str(one.unit) for one in ones),
            _percent(found.share(label)),
            100 * float(np.mean([found.purity(one) for one in ones])),
        ]
        for label, ones in found.chosen.items()
    ]
    columns = ["class", "units", "their share of the score, %", "their pictures, own class, %"]
    return Sheet(columns, rows)


def _fields(found: Findings) -> Section:
    rows = []
    for unit in found.fields:
        size = found.size(unit)
        part = 100 * size / found.reach if found.reach and size is not None else None
        rows.append([str(unit), size, found.reach, part])
    columns = ["unit", "measured, px", "theoretical, px", "part of its side, %"]
    text = [
        "Side of the square as large as the area above half of the field's height, in pixels of "
        "the network's view, beside the side that the layers allow."
    ]
    return Section("Receptive fields", text, [Sheet(columns, rows)])


def _pixels(found: Findings, one: Sighting) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = found.pictures.view(one.picture).permute(1, 2, 0).numpy()
    return pixels


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
