"""Pictures of scenes, and the objects that are outlined in them."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gapcam.data.dataset import LocalizationDataset
from gapcam.data.sun_objects import SunObjects
from gapcam.study.objects.names import joined_plurals, plain_name

Polygon = NDArray[np.float32]
"""`(N, 2)`, x y as shares of the picture's width and height; may reach out of 0..1."""


class Outlined(NamedTuple):
    """A picture: its `row` of the `split`, its scene's `label`, and its objects' outlines by name.

    Objects of one name are one entry with several polygons.
    """

    split: str
    row: int
    label: int
    objects: Mapping[str, Sequence[Polygon]]


def read_outlined(
    data: SunObjects,
    splits: Sequence[str],
    ignored: Sequence[str],
    join_plurals: bool,
    advance: Callable[[int], None],
) -> list[Outlined]:
    """Read the annotations of all pictures of some splits.

    Args:
        data: has them.
        splits: in order, such as train and test.
        ignored: words left out of names.
        join_plurals: whether "chairs" are "chair", where both names occur.
        advance: told of each picture.

    Raises:
        UserError: if an annotation was damaged or removed since the folder was read.
    """
    pictures = []
    for split in splits:
        dataset: LocalizationDataset = getattr(data, split)
        for row, label in enumerate(dataset.labels.tolist()):
            objects = _objects(data, dataset, split, row, ignored)
            pictures.append(Outlined(split, row, label, objects))
            advance(1)
    if not join_plurals:
        return pictures
    singular = joined_plurals({name for picture in pictures for name in picture.objects})
    return [picture._replace(objects=_joined(picture.objects, singular)) for picture in pictures]


def _objects(
    data: SunObjects, dataset: LocalizationDataset, split: str, row: int, ignored: Sequence[str]
) -> dict[str, list[Polygon]]:
    found: dict[str, list[Polygon]] = {}
    objects = data.objects(split, row)
    if objects:
        size = np.array(dataset.own_size(row)[::-1], np.float32)
        for name, polygon in objects:
            found.setdefault(plain_name(name, ignored), []).append(polygon / size)
    return found


def _joined(
    objects: Mapping[str, Sequence[Polygon]], singular: Mapping[str, str]
) -> dict[str, list[Polygon]]:
    found: dict[str, list[Polygon]] = {}
    for name, polygons in objects.items():
        found.setdefault(singular.get(name, name), []).extend(polygons)
    return found
