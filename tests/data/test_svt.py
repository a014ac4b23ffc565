from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twins import BOX, edit, save_picture
from twins_text import make_scenes, make_svt, svt_image

from gapcam.data.svt import SVT
from gapcam.errors import UserError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_scenes(tmp_path / "scenes")
    return make_svt(tmp_path / "svt1")


def svt(root: Path, **kwargs: Any) -> SVT:
    common: dict[str, Any] = {
        "batch_size": 2,
        "eval_batch_size": 2,
        "num_workers": 0,
        "seed": 0,
        "flip": True,
    }
    settings = {"negatives": root.parent / "scenes", **kwargs}
    data = SVT(root=root, size=(24, 28), **common, **settings)
    data.setup()
    return data


def negatives(data: SVT, split: str) -> list[str]:
    """Names of pictures without text, below their own folder."""
    dataset = getattr(data, split)
    rows = (row for row in range(len(dataset)) if dataset.labels[row] == 0)
    return [Path(dataset.name(row)).relative_to(data.negatives).as_posix() for row in rows]


def test_text_against_scenes(root: Path) -> None:
    data = svt(root)
    assert data.class_names == ["no text", "text"]
    # Two of the three positives train, and so do three of the five negatives.
    assert data.train.labels.tolist() == [1, 1, 0, 0, 0]
    assert data.test.labels.tolist() == [1, 0, 0]
    assert [data.train.name(row) for row in (0, 1)] == ["img/00_00.jpg", "img/café 1.jpg"]
    assert [data.train.index.text(row) for row in (0, 1, 2)] == ["LIVING ROOM", "CAFÉ", ""]
    # The second word begins 5 pixels left of the picture and ends 10 below it.
    assert data.train[0].boxes.tolist() == [list(BOX), [0, 30, 20, 40]]
    assert data.train.index.sizes.tolist() == [[40, 60], [40, 60], [0, 0], [0, 0], [0, 0]]
    assert data.test[1].size == (40, 60)
    assert data.test[1].boxes.shape == (0, 4)
    assert data.val.index is data.test.index


def test_negatives_are_divided_the_same_way_everywhere(root: Path) -> None:
    data = svt(root)
    both = negatives(data, "train"), negatives(data, "test")
    # numpy.random.default_rng((1,)).permutation(5) begins with 4 2 0.
    assert both == (["a/abbey/d.jpg", "a/apse/indoor/e.jpg", "z.jpg"], ["a/b.jpg", "a/bü c.jpg"])
    drawn = svt(root, negatives_count=3)
    assert len(negatives(drawn, "train")) == 2
    assert len(negatives(drawn, "test")) == 1
    assert drawn.train.index.fingerprint != data.train.index.fingerprint


def test_all_positives_train_and_test(root: Path) -> None:
    data = svt(root, positives="all")
    assert data.train.labels.sum() == data.test.labels.sum() == 3
    assert data.test.index.text(2) == "BAR"
    assert not set(negatives(data, "train")) & set(negatives(data, "test"))
    assert len(negatives(data, "train")) + len(negatives(data, "test")) == 5


def test_size_that_is_not_stated(root: Path) -> None:
    edit(root / "train.xml", lambda text: text.replace('<Resolution x="60" y="40"/>', ""))
    with pytest.raises(UserError, match=r"00_00.jpg: it has 60 x 40 pixels, but a box reaches to"):
        svt(root)


def test_pictures_that_no_list_names_are_left_alone(root: Path) -> None:
    save_picture(root / "img" / "19_20.jpg")
    assert len(svt(root).train) == 5


def test_index_notices_changes_here_and_there(root: Path) -> None:
    assert len(svt(root).train) == 5
    save_picture(root.parent / "scenes" / "a" / "new.jpg")
    assert len(svt(root).train) == 6
    edit(root / "train.xml", lambda text: text.replace("LIVING<", "LEAVING<"))
    assert svt(root).train.index.text(0) == "LEAVING ROOM"


def _change(old: str, new: str) -> Callable[[Path], None]:
    return lambda root: edit(root / "train.xml", lambda text: text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: (root / "img" / "00_02.jpg").unlink(), r"00_02.jpg: test.xml lists it"),
        (_change("img/00_00.jpg", "00_00.jpg"), r"svt1/00_00.jpg: train.xml lists it"),
        (_change("<tag>LIVING</tag>", "<tag>LIVING"), r"train.xml is broken XML at line \d+: "),
        (_change("café 1", "00_00"), r"train.xml: img/00_00.jpg appears again"),
        (_change("café 1", "00_02"), r"test.xml: img/00_02.jpg appears again"),
        (_change('x="8"', 'x="eight"'), r"img/00_00.jpg: expected numbers as x and y .*'eight'"),
        (_change(' y="5"', ""), r"train.xml: img/00_00.jpg: expected numbers"),
        (_change('y="40"', ""), r"train.xml: img/00_00.jpg: expected numbers"),
        (
            _change('x="8"', 'x="61"'),
            r"00_00.jpg: the box of 'LIVING', \[61.0, 5.0, 83.0, 25.0\] .* of 60 x 40 pixels",
        ),
        (_change('width="22"', 'width="0"'), r"box of 'LIVING', \[8.0, 5.0, 8.0, 25.0\]"),
        (
            lambda root: (root / "train.xml").write_text(
                f"<tagset>{svt_image('00_00.jpg', [])}</tagset>"
            ),
            r"img/00_00.jpg: no word is marked in it",
        ),
        (
            lambda root: (root / "test.xml").write_text("<tagset/>"),
            r"test.xml: expected <image> elements",
        ),
        (
            lambda root: (root / "test.xml").unlink(),
            r"does not hold Street View Text: looked for train.xml, test.xml, img\. It holds",
        ),
    ],
)
def test_faults_are_named(root: Path, spoil: Callable[[Path], Any], message: str) -> None:
    svt(root)  # an index of the good data must not hide the fault
    spoil(root)
    with pytest.raises(UserError, match=message):
        svt(root)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"negatives": None}, r"data.negatives is not set: .* has no pictures without text"),
        ({"negatives": "/nowhere"}, r"data.negatives=/nowhere is no folder"),
        ({"positives": "train"}, r"data.positives must be official or all; got 'train'"),
        ({"negatives_count": 6}, r"holds 5 pictures, .*; it is 6"),
        (
            {"negatives_count": 1},
            r"data.negatives_count must be .* whole number, at least 2; got 1",
        ),
    ],
)
def test_settings_are_checked(root: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        svt(root, **settings)


@pytest.mark.parametrize("folder", [".", "img", ".."])
def test_positives_are_not_negatives(root: Path, folder: str) -> None:
    with pytest.raises(UserError, match=r"holds the pictures with text in .*svt1/img too"):
        svt(root, negatives=root / folder)


def test_folder_without_pictures(root: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty holds 0 pictures, looked for up to 3 folders deep"):
        svt(root, negatives=tmp_path / "empty")


def test_real_pictures(real_data: Path) -> None:
    data = svt(real_data / "svt1", negatives=real_data / "scene15")
    # 4 pictures with text train and 6 test; 300 scenes are divided as 4 to 6.
    assert (data.train.labels == 1).sum() == 4
    assert (data.test.labels == 1).sum() == 6
    assert (len(negatives(data, "train")), len(negatives(data, "test"))) == (120, 180)
    for row in range(4):
        sample = data.train[row]
        assert sample.size == (720, 1280)
        assert len(sample.boxes) == len(data.train.index.text(row).split())
        assert (sample.boxes[:, 2:] <= sample.boxes.new_tensor([1280, 720])).all()
    assert data.train[4].size == (200, 200)
