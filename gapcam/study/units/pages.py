"""What the study of units has to show: an index of classes, and a page a class."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gapcam.study.bench import Bench
from gapcam.study.drawing import save, side_by_side, with_words
from gapcam.study.outcome import Section, Sheet, Shown
from gapcam.study.units.class_units import most_frequent
from gapcam.study.units.findings import Findings
from gapcam.study.units.pictures import cut_out, field_picture, figure_of_class, sheet_of_unit
from gapcam.study.units.sightings import Sighting


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
