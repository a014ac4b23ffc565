"""Numbers, tables and notes of the study of informative objects."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from gapcam.data.sun_objects import SunObjects
from gapcam.study.objects.informative import Looked, Ranked, Scene
from gapcam.study.outcome import Sheet


def numbers(
    scenes: Sequence[Scene], error: float, top: int
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """The study's metrics, and those of each scene behind the means.

    `object_overlap` is the mean overlap of the most informative objects, over scenes;
    `floor_object_overlap` what comes of looking into the centre of each picture: objects are ranked
    by their overlap with the centre instead, and the mean is of the best of these.

    Args:
        scenes: ranked.
        error: top-1, of the SVM on test pictures.
        top: objects of each scene.
    """
    ours, floors = [], []
    for scene in scenes:
        best = [one.overlap for one in scene.informative[:top] if one.overlap is not None]
        centre = [one.centre for one in scene.informative if one.centre is not None]
        if best:
            ours.append(float(np.mean(best)))
            floors.append(float(np.mean(sorted(centre, reverse=True)[:top])))
    metrics = {"cls_top1": error}
    if not ours:
        return metrics, {}
    metrics |= {
        "object_overlap": float(np.mean(ours)),
        "floor_object_overlap": float(np.mean(floors)),
    }
    return metrics, {"object_overlap": ours, "floor_object_overlap": floors}


def object_sheet(scenes: Sequence[Scene]) -> Sheet:
    """Every object of every scene, the most frequent first."""
    return Sheet(
        columns=[
            *("scene", "object", "pictures", "frequency", "area", "judged"),
            *("overlap", "anywhere", "centre", "above_chance", "rank_frequent", "rank_informative"),
        ],
        rows=[row for scene in scenes for row in _object_rows(scene)],
    )


def row_sheet(data: SunObjects, looked: Sequence[Looked]) -> Sheet:
    """A line for each picture and object; a picture without objects has one without an object."""
    return Sheet(
        columns=[
            *("image", "split", "scene", "guess", "counts", "region", "object", "outlines"),
            *("area", "inside", "overlaps", "anywhere", "centre"),
        ],
        rows=[row for one in looked for row in _picture_rows(data, one)],
    )


def notes(
    scenes: Sequence[Scene], converged: bool, splits: Sequence[str], least: int
) -> Iterator[str]:
    """What somebody who reads the numbers must know."""
    looked = [one for scene in scenes for one in scene.looked]
    empty = sum(not one.picture.objects for one in looked)
    if empty:
        yield f"{empty:,} of {len(looked):,} pictures have no outlined object"
    flat = sum(len(one.picture.objects) - len(one.judged) for one in looked)
    if flat:
        yield f"{flat:,} objects have no area in their picture, and were left out"
    nowhere = sum(one.counts and not one.region for one in looked)
    if nowhere:
        yield f"{nowhere:,} pictures have no region of high activation: nothing overlaps in them"
    unranked = [scene.name for scene in scenes if not scene.informative]
    if unranked:
        yield f"no object was judged in study.least={least} pictures of {', '.join(unranked)}"
    if "train" in splits:
        yield "study.pictures=all: the SVM has learnt from some of these pictures"
    if not converged:
        yield "the SVM's solver did not converge: a smaller study.c may help"


def _object_rows(scene: Scene) -> Iterator[list[object]]:
    places = {one.name: place for place, one in enumerate(scene.informative, start=1)}
    for place, one in enumerate(scene.objects, start=1):
        yield [
            *(scene.name, one.name, one.pictures, one.frequency, one.area, one.judged),
            *(one.overlap, one.anywhere, one.centre, one.above, place, places.get(one.name)),
        ]


def _picture_rows(data: SunObjects, one: Looked) -> Iterator[list[object]]:
    picture = one.picture
    dataset = getattr(data, picture.split)
    names = data.class_names
    start = [
        *(dataset.name(picture.row), picture.split, names[picture.label], names[one.guess]),
        *(int(one.counts), one.region),
    ]
    for found in one.judged:
        overlaps, centre = (None if v is None else int(v) for v in (found.overlaps, found.centre))
        yield [
            *(*start, found.name, found.outlines, found.area),
            *(found.inside, overlaps, found.anywhere, centre),
        ]
    if not one.judged:
        yield [*start, *[None] * 7]


def paper_sheets(scene: Scene, numbers: Mapping[str, Mapping[str, float]]) -> Iterator[Sheet]:
    """A publication's numbers beside ours, for a scene."""
    ours = {one.name: one for one in scene.objects}
    places = {one.name: place for place, one in enumerate(scene.informative, start=1)}
    if "frequent" in numbers:
        rows = [
            [name, share, _frequency(ours.get(name))] for name, share in numbers["frequent"].items()
        ]
        yield Sheet(["object", "published", "here"], rows, f"{scene.name}: share of the pictures")
    if "informative" in numbers:
        rows = []
        for name, share in numbers["informative"].items():
            one = ours.get(name)
            here = (None, None) if one is None else (one.overlap, one.chance)
            rows.append([name, share, *here, places.get(name)])
        yield Sheet(
            ["object", "published", "here", "by chance", "place here"],
            rows,
            f"{scene.name}: overlap with high activation",
        )


def _frequency(one: Ranked | None) -> float | None:
    return None if one is None else one.frequency
