"""The text lists of wsolevaluation (Choe et al. 2020), in which CUBv2 and others are published.

class_labels.txt     <path>,<label>
localization.txt     <path>,<x0>,<y0>,<x1>,<y1>       one line a box; pixels of the original
image_sizes.txt      <path>,<width>,<height>
"""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from gapcam.data.index import Entry
from gapcam.data.tree import Tree
from gapcam.data.voc import half_open


def read_lists(tree: Tree, where: str) -> Iterator[Entry]:
    """Read the pictures, labels, boxes and sizes that the lists in a folder name.

    The corners are those of the original annotations (for ILSVRC the inclusive ones of its XML
    files); they become half-open. A picture whose file is not there is a fault.

    Args:
        tree: the data.
        where: folder of the lists; paths in them start there too.

    Raises:
        UserError: if a list is missing.
    """
    sizes = {
        name: (int(height), int(width))
        for name, width, height in _rows(tree, f"{where}/image_sizes.txt", 3)
    }
    boxes = defaultdict(list)
    for name, *corners in _rows(tree, f"{where}/localization.txt", 5):
        boxes[name].append([float(corner) for corner in corners])
    seen = set()
    for name, label in _rows(tree, f"{where}/class_labels.txt", 2):
        if name in seen:
            tree.fault("listed twice", f"{where}/class_labels.txt", f"{name} appears again.")
            continue
        seen.add(name)
        if not tree.has(f"{where}/{name}"):
            tree.fault("missing picture", f"{where}/{name}", "it is listed, but not there.")
            continue
        if not boxes[name]:
            tree.fault(
                "missing annotation", f"{where}/{name}", "localization.txt has no box of it."
            )
        corners_G4 = half_open(np.array(boxes[name], np.float32).reshape(-1, 4))
        yield Entry(name, int(label), corners_G4, sizes.get(name, (0, 0)))
    for name in sorted(boxes.keys() - seen):
        tree.fault("missing picture", f"{where}/{name}", "class_labels.txt does not list it.")


def _rows(tree: Tree, where: str, fields: int) -> Iterator[list[str]]:
    for number, line in enumerate(tree.lines(where), start=1):
        row = line.rsplit(",", fields - 1)  # a path may hold commas
        if len(row) == fields:
            yield row
        else:
            tree.fault("broken list", where, f"line {number}: expected {fields} fields: {line!r}")
