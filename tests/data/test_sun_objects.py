from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from twins import edit, save_picture
from twins_sun import OBJECTS, labelme_xml, make_sun_objects

from gapcam.data.labelme import labelled_share, polygon_box, read_labelme
from gapcam.data.sun_objects import SunObjects
from gapcam.errors import UserError

SCENES = ("k/kitchen", "b/building_facade")
KITCHEN = "Annotations/k/kitchen/sun a.xml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_sun_objects(tmp_path / "SUN2012")


def sun(root: Path, **kwargs: Any) -> SunObjects:
    common = {"batch_size": 2, "eval_batch_size": 2, "num_workers": 0, "seed": 0, "flip": True}
    data = SunObjects(root=root, size=(24, 28), **{"scenes": SCENES} | common | kwargs)
    data.setup()
    return data


def names(split: Any) -> list[str]:
    return [split.name(row) for row in range(len(split))]


@pytest.mark.parametrize("level", [".", "..", "Images"])
def test_reads_scenes_from_near_folders(root: Path, level: str) -> None:
    data = sun(root / level)
    assert data.class_names == ["building facade", "kitchen"]
    assert data.train.labels.tolist() == [0, 0, 1, 1]
    assert data.test.labels.tolist() == [0, 0, 1]  # the kitchen without objects is left out
    everything = names(data.train) + names(data.test)
    assert sorted(everything) == [
        *(f"b/Building facade/sun {letter}.jpg" for letter in "abcd"),
        *(f"k/kitchen/sun {letter}.jpg" for letter in "abc"),
    ]
    assert data.train.index.sizes.tolist() == [[40, 60]] * 4
    assert not data.train.has_boxes
    assert data.test[0].size == (40, 60)


def test_the_draw_is_the_same_everywhere(root: Path) -> None:
    """Recorded once: a NumPy that draws otherwise would change every result, so it must show."""
    drawn = ["".join(name[-5] for name in names(sun(root, split=n).train)) for n in (1, 2, 3)]
    assert drawn == ["abac", "cdac", "cdab"]
    assert names(sun(root, scenes=SCENES[::-1]).train) == names(sun(root).train)


def test_a_share_trains(root: Path) -> None:
    data = sun(root, train_share=0.75)
    assert (len(data.train), len(data.test)) == (5, 2)


def test_objects_of_a_picture(root: Path) -> None:
    edit(root / KITCHEN, lambda text: text.replace("<x>30</x>", "<x>31</x>"))
    data = sun(root, min_objects=0)
    row = names(data.train).index("k/kitchen/sun a.jpg")
    wall, basin = data.objects("train", row)
    assert (wall.name, basin.name) == ("wall", "spüle")
    assert wall.polygon.tolist() == [[0, 0], [60, 0], [60, 20], [-1, 20.5]]
    assert polygon_box(basin.polygon).tolist() == [8, 5, 31, 25]
    row = names(data.test).index("k/kitchen/sun d.jpg")
    assert data.objects("test", row) == []
    again = sun(root, min_objects=0)  # from the index
    assert again.objects("test", row) == []


def test_scarcely_annotated_pictures_are_left_out(root: Path) -> None:
    # The wall is the upper half of the picture; the basin adds 22 x 5 of its 60 x 40 pixels.
    assert len(sun(root, fully_annotated=0.5).train) == 4
    with pytest.raises(
        UserError, match=r"0 pictures of b/building_facade .* annotated well enough"
    ):
        sun(root, fully_annotated=0.6)
    with pytest.raises(UserError, match=r"change data.train_share, data.min_objects or data.full"):
        sun(root, min_objects=3)


def test_changed_annotations_are_noticed(root: Path) -> None:
    assert len(sun(root).test) == 3
    (root / "Annotations" / "k" / "kitchen" / "sun d.xml").write_text(labelme_xml())
    assert len(sun(root).test) == 4


def _spoil(where: str, old: str, new: str) -> Callable[[Path], None]:
    return lambda root: edit(root / where, lambda text: text.replace(old, new, 1))


def _empty(root: Path) -> None:
    for path in (root / "Images" / "k" / "kitchen").iterdir():
        (root / "Images" / "k" / "kitchen" / "modern").mkdir(exist_ok=True)
        path.rename(path.parent / "modern" / path.name)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda root: (root / KITCHEN).unlink(),
            r"Images/k/kitchen/sun a.jpg: there is no Annotations/k/kitchen/sun a.xml\. Unpack",
        ),
        (
            lambda root: (root / "Annotations" / "k" / "kitchen").rename(root / "lost"),
            r"Images/k/kitchen/sun a.jpg: there is no .*and 3 more",
        ),
        (
            lambda root: (root / "Images" / "k" / "kitchen" / "sun a.jpg").unlink(),
            r"Annotations/k/kitchen/sun a.xml: Images/k/kitchen lacks its picture",
        ),
        (_spoil(KITCHEN, "</object>", ""), r"sun a.xml is broken XML at line"),
        (_spoil(KITCHEN, "<annotation>", "\n\n</annotation>"), r"broken XML at line 4"),
        (_spoil(KITCHEN, "20.5", "far"), r"object 1 \(wall\): expected points .* 'far'"),
        (_spoil(KITCHEN, "20.5", "nan"), r"object 1 \(wall\): expected points .* not finite"),
        (_spoil(KITCHEN, "<y>5</y>", ""), r"object 2 \(spüle\): expected points with numbers"),
        (_spoil(KITCHEN, "<ncols>60", "<ncols>wide"), r"imagesize must hold numbers .*'wide'"),
        (
            lambda root: (root / "Images" / "k" / "kitchen").rename(root / "Images/k/kitchens"),
            r"has no folder kitchen for the scene k/kitchen .* like it: kitchens",
        ),
        (_empty, r"Images/k/kitchen: expected pictures; it holds modern\."),
        (
            lambda root: (root / "Annotations").rename(root / "XML"),
            r"does not hold SUN2012 .*: looked for Images/\?/\*/, Annotations/\?/\*/\. It holds",
        ),
    ],
)
def test_faults_are_named(root: Path, spoil: Callable[[Path], Any], message: str) -> None:
    sun(root)  # an index of the good data must not hide the fault
    spoil(root)
    with pytest.raises(UserError, match=message):
        sun(root)


def test_inner_folders_are_scenes_too(root: Path) -> None:
    _empty(root)
    (root / "Annotations" / "k" / "kitchen").rename(root / "Annotations" / "k" / "old")
    target = root / "Annotations" / "k" / "kitchen" / "modern"
    target.parent.mkdir()
    (root / "Annotations" / "k" / "old").rename(target)
    data = sun(root, scenes=("k/kitchen/modern", "m/misc"))
    assert data.class_names == ["kitchen modern", "misc"]
    assert len(data.train) == 4


def test_a_scene_with_one_picture_cannot_be_split(root: Path) -> None:
    for kind in ("Images/l/lobby/sun.jpg", "Annotations/l/lobby/sun.xml"):
        (root / kind).parent.mkdir(parents=True)
    save_picture(root / "Images" / "l" / "lobby" / "sun.jpg")
    (root / "Annotations" / "l" / "lobby" / "sun.xml").write_text(labelme_xml())
    with pytest.raises(UserError, match=r"1 pictures of l/lobby .* too few to train on 0.5 of"):
        sun(root, scenes=("k/kitchen", "l/lobby"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scenes": ["k/kitchen"]}, "data.scenes must be two or more"),
        ({"scenes": ["k/kitchen", "K/Kitchen"]}, "each once"),
        ({"scenes": ["kitchen", "b/building_facade"]}, "folders below Images, such as b/bathroom"),
        ({"train_share": 1}, "data.train_share must lie between 0 and 1; got 1"),
        ({"split": 0}, "data.split must be 1 or more"),
        ({"min_objects": -1}, "data.min_objects 0 or more; got 1 and -1"),
        ({"fully_annotated": 1.0}, "data.fully_annotated must be null or a share"),
    ],
)
def test_settings_out_of_range(root: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        sun(root, **settings)


def test_annotation_file(tmp_path: Path) -> None:
    path = tmp_path / "sun.xml"
    path.write_text(labelme_xml(), "utf-8")
    found = read_labelme(path)
    assert [item.name for item in found.objects] == ["wall", "spüle"]
    assert found.objects[0].polygon.dtype == np.float32
    assert found.size == (40, 60)
    for size in ("", "<nrows></nrows><ncols>\n</ncols>", "<nrows>0</nrows><ncols>60</ncols>"):
        path.write_text(labelme_xml(size=size), "utf-8")
        assert read_labelme(path).size == (0, 0)
    with pytest.raises(UserError, match=r"none.xml cannot be read: No such file"):
        read_labelme(tmp_path / "none.xml")


def test_labelled_share(tmp_path: Path) -> None:
    path = tmp_path / "sun.xml"
    path.write_text(labelme_xml(), "utf-8")
    # Upper half, and of the basin what lies below it: 22 x 5 of 60 x 40 pixels.
    assert labelled_share(read_labelme(path)) == pytest.approx(0.5 + 110 / 2400, abs=0.01)
    basin = OBJECTS.partition("<object><name>Spüle")[2]
    path.write_text(labelme_xml("<object><name>Spüle" + basin), "utf-8")
    assert labelled_share(read_labelme(path)) == pytest.approx(440 / 2400, abs=0.005)
    path.write_text(labelme_xml("<object><name>Spüle" + basin, size=""), "utf-8")
    assert labelled_share(read_labelme(path)) == pytest.approx(440 / 750, abs=0.01)
    path.write_text(labelme_xml(objects=""))
    assert labelled_share(read_labelme(path)) == 0
