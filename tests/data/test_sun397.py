from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twins import edit, save_picture
from twins_sun import make_sun397

from gapcam.data.sun397 import SUN397
from gapcam.errors import UserError

ABBEY = "SUN397/a/abbey/sun_ta.jpg"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_sun397(tmp_path / "sun")


def sun(root: Path, **kwargs: Any) -> SUN397:
    common = {"batch_size": 2, "eval_batch_size": 2, "num_workers": 0, "seed": 0, "flip": True}
    data = SUN397(root=root, size=(24, 28), **common, **kwargs)
    data.setup()
    return data


def names(split: Any) -> list[str]:
    return [split.name(row) for row in range(len(split))]


@pytest.mark.parametrize("level", [".", "..", "SUN397"])
def test_reads_a_published_split_from_near_folders(root: Path, level: str) -> None:
    data = sun(root / level)
    assert data.class_names == ["abbey", "apse/indoor", "café terrace"]
    assert names(data.train) == [
        *("a/abbey/sun_ta.jpg", "a/abbey/sun_tb.jpg"),
        *("a/apse/indoor/sun_ta.jpg", "a/apse/indoor/sun_tb.jpg"),
        *("c/café terrace/sun_ta.jpg", "c/café terrace/sun_tb.jpg"),
    ]
    assert data.train.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert names(data.test)[2] == "c/café terrace/sun_tc.jpg"
    assert data.test.labels.tolist() == [0, 1, 2]
    assert data.val.index is data.test.index
    assert data.test[2].size == (40, 60)
    assert not data.test.has_boxes


def test_another_split(root: Path) -> None:
    data = sun(root, split=10)
    assert names(data.train)[:2] == ["a/abbey/sun_td.jpg", "a/abbey/sun_te.jpg"]
    assert names(data.test)[:2] == ["a/abbey/sun_tb.jpg", "a/abbey/sun_tc.jpg"]
    assert data.repetitions() == [{"split": number} for number in range(1, 11)]


@pytest.mark.parametrize("place", [".", "SUN397", "SUN397/Partitions"])
def test_lists_lie_where_people_put_them(root: Path, place: str) -> None:
    (root / place).mkdir(exist_ok=True)
    for path in (root / "Partitions").iterdir():
        path.rename(root / place / path.name)
    assert len(sun(root).train) == 6


def test_lists_lie_elsewhere(root: Path, tmp_path: Path) -> None:
    for kind in ("Training", "Testing"):
        path = root / "Partitions" / f"{kind}_01.txt"
        save_to = tmp_path / "my lists" / path.name
        save_to.parent.mkdir(exist_ok=True)
        save_to.write_text(path.read_text("utf-8").replace("ta.jpg", "te.jpg"), "utf-8")
    data = sun(root, partitions=tmp_path / "my lists")
    assert names(data.train)[0] == "a/abbey/sun_tb.jpg"
    with pytest.raises(UserError, match=r"Training_10.txt .* in none of .*my lists: put Partit"):
        sun(root, partitions=tmp_path / "my lists", split=10)


def test_classes_without_their_list(root: Path) -> None:
    expected = sun(root)
    (root / "SUN397" / "ClassName.txt").unlink()
    data = sun(root)
    assert data.class_names == expected.class_names
    assert data.fingerprint() == expected.fingerprint()


def _line(name: str, old: str, new: str) -> Callable[[Path], None]:
    return lambda root: edit(root / name, lambda text: text.replace(old, new, 1))


def _lose_classes(root: Path) -> None:
    (root / "SUN397" / "ClassName.txt").unlink()
    for path in (root / "SUN397").rglob("*.jpg"):
        path.unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda root: (root / ABBEY).unlink(),
            r"sun/SUN397/a/abbey/sun_ta.jpg: Partitions/Training_01.txt lists it, but it is not",
        ),
        (
            lambda root: (root / "SUN397" / "a" / "apse").rename(root / "apse"),
            r"SUN397/a/apse/indoor/sun_ta.jpg: .* not there\. .*and 2 more",
        ),
        (
            _line("Partitions/Training_01.txt", "abbey/sun_tb", "abbey/sun_ta"),
            r"Training_01.txt: /a/abbey/sun_ta.jpg was listed before, in Partitions/Training_01",
        ),
        (
            _line("Partitions/Testing_01.txt", "abbey/sun_tc", "abbey/sun_ta"),
            r"Testing_01.txt: /a/abbey/sun_ta.jpg was listed before, in Partitions/Training_01",
        ),
        (
            _line("Partitions/Testing_01.txt", "/a/abbey", "/a/abbeys"),
            r"one of 3 classes: '/a/abbeys/sun_tc.jpg'",
        ),
        (
            _line("SUN397/ClassName.txt", "/a/abbey\n/a/apse/indoor", "/a/apse/indoor\n/a/abbey"),
            r"ClassName.txt, line 2: expected .* sorted; got 'a/abbey' after 'a/apse/indoor'",
        ),
        (_line("SUN397/ClassName.txt", "/a/abbey", "/abbey"), r"line 1: expected classes such as"),
        (
            _line("SUN397/ClassName.txt", "/a/abbey\n", "/a/abbey\n/a/abbey\n"),
            r"line 2: expected classes such as /a/abbey, each once",
        ),
        (
            lambda root: (root / "Partitions" / "Testing_01.txt").unlink(),
            r"Testing_01.txt of the published splits is in none of .*sun/Partitions, .*sun, .*SUN",
        ),
        (
            lambda root: (root / "Partitions" / "Testing_01.txt").write_text("\n"),
            r"test split of SUN397 in .* is empty\. It cannot be downloaded",
        ),
        (_lose_classes, r"No class folder in .*sun holds a picture"),
    ],
)
def test_faults_are_named(root: Path, spoil: Callable[[Path], Any], message: str) -> None:
    sun(root)  # an index of the good data must not hide the fault
    spoil(root)
    with pytest.raises(UserError, match=message):
        sun(root)


def test_the_folder_may_have_another_name(root: Path) -> None:
    expected = sun(root).fingerprint()
    (root / "SUN397").rename(root / "scenes of sun")
    assert sun(root).fingerprint() == expected
    (root / "Partitions").rename(root / "scenes of sun" / "Partitions")
    assert sun(root / "scenes of sun").fingerprint() == expected


def test_pictures_in_no_list_do_no_harm(root: Path) -> None:
    save_picture(root / "SUN397" / "a" / "abbey" / "sun_new.jpg")
    save_picture(root / "SUN397" / "z" / "zoo" / "sun_new.jpg")
    assert sun(root).class_names == ["abbey", "apse/indoor", "café terrace"]


@pytest.mark.parametrize("split", [0, 11])
def test_there_are_ten_splits(root: Path, split: int) -> None:
    with pytest.raises(UserError, match=f"data.split must be .*; got {split}"):
        sun(root, split=split)


def test_too_deep(root: Path) -> None:
    with pytest.raises(UserError, match=r"looked for SUN397/\?/\*/ .* It holds: abbey, apse\."):
        sun(root / "SUN397" / "a")


def test_packed_archive_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "SUN397.tar.gz").touch()
    with pytest.raises(UserError, match=r"still packed: cd .* && tar -xf SUN397.tar.gz"):
        sun(tmp_path)
