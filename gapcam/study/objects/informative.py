"""Which objects of a scene lie where the network looks, and which are merely often there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gapcam.study.objects.guess_maps import Map, Spread
from gapcam.study.objects.outlined import Outlined, Polygon
from gapcam.study.objects.overlap import Mask, centred, cover, high_region, measure, moved

RANKINGS = ("overlap", "pictures", "above_chance")


@dataclass(frozen=True)
class Rule:
    """When an object counts as overlapping with the region of high activation.

    Args:
        region: `max` or `share`, see `gapcam.study.objects.overlap.high_region`.
        level: of the region.
        overlap: `object`, `region` or `iou`, see `gapcam.study.objects.overlap.measure`.
        least: overlap from which it counts, in (0, 1].
        grid: cells along each side of the picture.
    """

    region: str
    level: float
    overlap: str
    least: float
    grid: int


class Judged(NamedTuple):
    """An object of a picture, all of its outlines together.

    `area` is its share of the picture; `inside` its overlap with the region and `overlaps` whether
    that is enough; `anywhere` the share of all places of the region, moved around the picture, at
    which it would be; `centre` whether it would be with a rectangle of the region's area in the
    picture's centre. The last four are None where no view shows the object.
    """

    name: str
    outlines: int
    area: float
    inside: float | None
    overlaps: bool | None
    anywhere: float | None
    centre: bool | None


class Ranked(NamedTuple):
    """An object of a scene.

    It is seen in `pictures`, the share `frequency` of the scene's, and covers the share `area` of
    them; in `judged` of these it was held against the region: it overlaps in the share `overlap`,
    and would by chance in the shares `anywhere` and `centre`, None where none was judged.
    """

    name: str
    pictures: int
    frequency: float
    area: float
    judged: int
    overlap: float | None
    anywhere: float | None
    centre: float | None

    @property
    def chance(self) -> float | None:
        """The larger of the two chances."""
        if self.anywhere is None or self.centre is None:
            return None
        return max(self.anywhere, self.centre)

    @property
    def above(self) -> float | None:
        """By how much it overlaps more often than by chance."""
        return None if self.overlap is None else self.overlap - (self.chance or 0.0)


class Looked(NamedTuple):
    """A picture: the `guess` of its scene, the guess's `map`, and whether its overlaps count.

    `region` is the share of what was seen that is of high activation.
    """

    picture: Outlined
    guess: int
    counts: bool
    map: Map
    judged: Sequence[Judged]
    region: float


@dataclass(frozen=True)
class Scene:
    """A scene: its pictures; all objects, the most frequent first; the most informative first."""

    name: str
    looked: Sequence[Looked]
    objects: Sequence[Ranked]
    informative: Sequence[Ranked]


def region_of(heat: Spread, rule: Rule) -> tuple[Mask, tuple[slice, slice]]:
    """The region of high activation, and the part of the grid that views show, which it is of."""
    rows, columns = (np.flatnonzero(heat.shown.any(axis)) for axis in (1, 0))
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return high_region(heat.values[part], rule.region, rule.level), part


def judge(
    heat: Spread, objects: Mapping[str, Sequence[Polygon]], rule: Rule
) -> tuple[list[Judged], float]:
    """Hold the objects of a picture against its region.

    Objects without any area in the picture are left out.

    Returns:
        Them, and the region's share of what the views show.
    """
    region, part = region_of(heat, rule)
    area = int(region.sum())
    in_centre = centred(area, (region.shape[0], region.shape[1]))
    found = []
    for name, polygons in objects.items():
        whole = cover(polygons, (rule.grid, rule.grid))
        if whole.any():
            seen = whole[part]
            verdict = _verdict(seen, region, in_centre, rule) if seen.any() else (None,) * 4
            found.append(Judged(name, len(polygons), float(whole.mean()), *verdict))
    return found, area / region.size


def rank(pictures: Sequence[Sequence[Judged]], counted: Sequence[bool]) -> list[Ranked]:
    """Count the objects of one scene, the most frequent first.

    Args:
        pictures: of the scene.
        counted: whether the overlaps of each count; frequencies are of all.
    """
    seen: dict[str, list[tuple[Judged, bool]]] = {}
    for objects, counts in zip(pictures, counted, strict=True):
        for one in objects:
            seen.setdefault(one.name, []).append((one, counts and one.inside is not None))
    ranked = [_ranked(name, found, len(pictures)) for name, found in seen.items()]
    return sorted(ranked, key=lambda one: (-one.frequency, one.name))


def most_informative(objects: Sequence[Ranked], by: str, least: int) -> list[Ranked]:
    """Those judged in enough pictures, the most informative first.

    Args:
        objects: of a scene.
        by: `overlap` ranks by how often it overlaps where it is; `pictures` by how often it is
            there and overlaps; `above_chance` by how much more often than by chance. Of equals
            the one farther above chance comes first.
        least: pictures in which an object must have been judged.
    """

    def value(one: Ranked) -> float:
        assert one.overlap is not None
        assert one.above is not None
        values = {"overlap": one.overlap, "above_chance": one.above}
        return values.get(by, one.overlap * one.judged)

    enough = [one for one in objects if one.judged >= least]
    return sorted(enough, key=lambda one: (-value(one), -(one.above or 0.0), one.name))


def _verdict(
    seen: Mask, region: Mask, in_centre: Mask, rule: Rule
) -> tuple[float, bool, float, bool]:
    size, area = int(seen.sum()), int(region.sum())

    def overlap(common: int, other: int) -> float:
        return float(measure(common, size, other, rule.overlap))

    inside = overlap(int((seen & region).sum()), area)
    centre = overlap(int((seen & in_centre).sum()), int(in_centre.sum()))
    places = measure(moved(seen, region), size, area, rule.overlap)
    return (
        inside,
        inside >= rule.least,
        float((places >= rule.least).mean()),
        centre >= rule.least,
    )


def _ranked(name: str, found: Sequence[tuple[Judged, bool]], pictures: int) -> Ranked:
    judged = [one for one, counts in found if counts]

    def share(values: Sequence[float | bool | None]) -> float | None:
        return float(np.mean([float(value or 0) for value in values])) if judged else None

    return Ranked(
        name=name,
        pictures=len(found),
        frequency=len(found) / pictures,
        area=float(np.mean([one.area for one, _ in found])),
        judged=len(judged),
        overlap=share([one.overlaps for one in judged]),
        anywhere=share([one.anywhere for one in judged]),
        centre=share([one.centre for one in judged]),
    )
