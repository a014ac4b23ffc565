"""Annotations of LabelMe: the objects of a picture, outlined by polygons.

    <annotation>
      <imagesize><nrows>480</nrows><ncols>640</ncols></imagesize>
      <object><name>wall</name><deleted>0</deleted>
        <polygon><pt><x>0</x><y>3</y></pt><pt>...</pt><pt>...</pt></polygon></object>
    </annotation>

Values may be surrounded by line ends. What is deleted, nameless or has less than three points is no
object.
"""

from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from gapcam.data.voc import parse_xml
from gapcam.errors import UserError

_GRID = 512
"""Cells of the long side on which areas are counted."""


class LabelMeObject(NamedTuple):
    """An object: its name in lower case, and the points `(N, 2)`, x y, of its outline."""

    name: str
    polygon: NDArray[np.float32]


class LabelMeAnnotation(NamedTuple):
    """What a file says: `objects`, and height and width, `(0, 0)` if it does not say."""

    objects: list[LabelMeObject]
    size: tuple[int, int]


def read_labelme(path: Path) -> LabelMeAnnotation:
    """Read one annotation.

    Points are as the file has them; annotators also click a little outside of the picture.

    Raises:
        UserError: naming the file, and the line if it is no XML or the object that is wrong.
    """
    root = parse_xml(path)
    objects = []
    for number, element in enumerate(root.iterfind("object"), start=1):
        name = (element.findtext("name") or "").strip().lower()
        try:
            polygon = _polygon(element)
        except ValueError as error:
            raise UserError(
                f"{path}: object {number} ({name or 'nameless'}): expected points with numbers x "
                f"and y; {error}"
            ) from error
        is_deleted = (element.findtext("deleted") or "").strip() == "1"
        if name and not is_deleted and len(polygon) >= 3:
            objects.append(LabelMeObject(name, polygon))
    return LabelMeAnnotation(objects, _size(root, path))


def polygon_box(polygon: NDArray[np.float32]) -> NDArray[np.float32]:
    """The box x0 y0 x1 y1 around a polygon `(N, 2)`.

    Its points are places between pixels, not pixels, so nothing is added to the far corner.

    >>> polygon_box(np.array([[4, 1], [9, 3], [6, 8]], np.float32)).tolist()
    [4.0, 1.0, 9.0, 8.0]
    """
    return np.concatenate([polygon.min(0), polygon.max(0)])


def labelled_share(annotation: LabelMeAnnotation) -> float:
    """Share of the picture that lies in any object, counted on a grid.

    As `LMlabeledarea` of the LabelMe toolbox: where the file states no size, the picture is taken
    to end where the objects end.
    """
    if not annotation.objects:
        return 0.0
    corners = np.concatenate([item.polygon for item in annotation.objects]).max(0)
    extent = np.array(annotation.size[::-1]) if annotation.size[0] else corners
    if extent.min() <= 0:
        return 0.0
    scale = _GRID / extent.max()
    width, height = np.maximum(np.round(extent * scale), 1).astype(int).tolist()
    mask = Image.new("1", (width, height))
    draw = ImageDraw.Draw(mask)
    for item in annotation.objects:
        # Cells are drawn if their centre lies inside.
        draw.polygon([(x, y) for x, y in (item.polygon * scale - 0.5).tolist()], fill=1)
    return float(np.asarray(mask).mean())


def _polygon(element: Element) -> NDArray[np.float32]:
    points = [
        [float(point.findtext(axis) or "") for axis in ("x", "y")]
        for point in element.iterfind("polygon/pt")
    ]
    polygon = np.array(points, np.float32).reshape(-1, 2)
    if not np.isfinite(polygon).all():
        raise ValueError("one is not finite")
    return polygon


def _size(root: Element, path: Path) -> tuple[int, int]:
    try:
        rows, columns = (
            int(float((root.findtext(f"imagesize/{side}") or "").strip() or 0))
            for side in ("nrows", "ncols")
        )
    except ValueError as error:
        raise UserError(f"{path}: imagesize must hold numbers nrows and ncols; {error}") from error
    return (rows, columns) if min(rows, columns) > 0 else (0, 0)
