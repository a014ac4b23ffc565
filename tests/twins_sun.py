"""Generated twins of the SUN data sets, in their real layouts."""

from pathlib import Path

import numpy as np
from scipy.io import savemat
from twins import save_picture

SCENES = ("a/abbey", "a/apse/indoor", "c/café terrace")
"""Of the SUN397 twin, sorted."""


def make_sun397(root: Path) -> Path:
    """Three classes of five pictures; of each, split 1 trains on `ta`, `tb` and tests on `tc`."""
    for shade, scene in enumerate(SCENES):
        for letter in "abcde":
            save_picture(root / "SUN397" / scene / f"sun_t{letter}.jpg", shade)
    (root / "SUN397" / "ClassName.txt").write_text("".join(f"/{s}\n" for s in SCENES), "utf-8")
    (root / "Partitions").mkdir()
    for number, train, test in (("01", "ab", "c"), ("10", "de", "bc")):
        for kind, letters in (("Training", train), ("Testing", test)):
            lines = [f"/{scene}/sun_t{letter}.jpg\n" for scene in SCENES for letter in letters]
            path = root / "Partitions" / f"{kind}_{number}.txt"
            path.write_text("".join(reversed(lines)), "utf-8")
    return root


OBJECTS = """
<object><name>\nWall \n</name><deleted>\n0\n</deleted><verified>0</verified>
<polygon><username>anna</username><pt><x>\n0\n</x><y>\n0\n</y></pt><pt><x>60</x><y>0</y></pt>
<pt><x>60</x><y>20</y></pt><pt><x>-1</x><y>20.5</y></pt></polygon></object>
<object><name>Spüle</name><deleted>0</deleted><polygon><pt><x>8</x><y>5</y></pt>
<pt><x>30</x><y>5</y></pt><pt><x>30</x><y>25</y></pt><pt><x>8</x><y>25</y></pt></polygon></object>
<object><name>ghost</name><deleted>1</deleted><polygon><pt><x>1</x><y>1</y></pt>
<pt><x>2</x><y>1</y></pt><pt><x>2</x><y>9</y></pt></polygon></object>
<object><name>line</name><deleted>0</deleted><polygon><pt><x>1</x><y>1</y></pt>
<pt><x>9</x><y>9</y></pt></polygon></object>
<object><name> </name><polygon><pt><x>1</x><y>1</y></pt><pt><x>2</x><y>1</y></pt>
<pt><x>2</x><y>9</y></pt></polygon></object>
"""
"""A wall over the upper half of a twin picture, a basin on its patch, and three of no account."""


def labelme_xml(
    objects: str = OBJECTS, size: str = "<nrows>\n40\n</nrows><ncols>60</ncols>"
) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotation><filename>sun_x.jpg</filename>'
        "<folder>users/antonio/static_sun_database/k/kitchen</folder>"
        f"<imagesize>{size}</imagesize>{objects}</annotation>\n"
    )


def make_sun_objects(root: Path) -> Path:
    """A kitchen and a building facade with four annotated pictures each; one has no object."""
    for shade, scene in enumerate(("b/Building facade", "k/kitchen", "m/misc")):
        for letter in "abcd":
            save_picture(root / "Images" / scene / f"sun {letter}.jpg", shade)
            path = root / "Annotations" / scene / f"sun {letter}.xml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(labelme_xml(), "utf-8")
    (root / "Annotations" / "k" / "kitchen" / "sun d.xml").write_text(labelme_xml(objects=""))
    return root


ATTRIBUTES = ("sailing/ boating", "snow", "direct sun/sunny")


def cells(words: list[str]) -> np.ndarray:
    """A column of strings as Matlab saves it: a cell array."""
    column = np.empty((len(words), 1), object)
    column[:, 0] = words
    return column


def make_sun_attribute(root: Path) -> Path:
    """Twelve pictures; on snow four have no vote, two one, one two, and five all three votes."""
    names = [f"s/ski slope/sun_t{letter}.jpg" for letter in "abcdefgh"]
    names += [f"a/apse/indoor/sun_t{letter}.jpg" for letter in "ijkl"]
    for shade, name in enumerate(names):
        save_picture(root / "images" / name, shade)
    votes = np.zeros((12, 3))
    votes[:, 1] = np.array([3, 0, 1, 3, 0, 2, 3, 0, 1, 3, 0, 3]) / 3
    votes[:2, 2] = 1
    folder = root / "SUNAttributeDB"
    folder.mkdir()
    savemat(folder / "images.mat", {"images": cells(names)})
    savemat(folder / "attributes.mat", {"attributes": cells(list(ATTRIBUTES))})
    savemat(folder / "attributeLabels_continuous.mat", {"labels_cv": votes}, do_compression=True)
    return root
