from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat
from twins_sun import cells, make_sun_attribute

from gapcam.data.sun_attribute import SunAttribute
from gapcam.errors import UserError

PICTURE = "images/s/ski slope/sun_ta.jpg"
VOTES = "attributeLabels_continuous"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_sun_attribute(tmp_path / "sun")


def module(root: Path, **kwargs: Any) -> SunAttribute:
    common = {"batch_size": 2, "eval_batch_size": 2, "num_workers": 0, "seed": 0, "flip": True}
    given = {"attribute": "snow", "positive": 0.667, "train_per_class": 2} | common | kwargs
    return SunAttribute(root=root, size=(24, 28), **given)


def sun(root: Path, **kwargs: Any) -> SunAttribute:
    data = module(root, **kwargs)
    data.setup()
    return data


def names(*splits: Any) -> list[str]:
    return sorted(split.name(row) for split in splits for row in range(len(split)))


def letters(data: SunAttribute, label: int) -> str:
    """Of all pictures of a class."""
    return "".join(
        sorted(
            split.name(row)[-5]
            for split in (data.train, data.test)
            for row in np.flatnonzero(split.labels == label)
        )
    )


@pytest.mark.parametrize("level", [".", "..", "SUNAttributeDB", "images"])
def test_pictures_with_and_without(root: Path, level: str) -> None:
    data = sun(root / level)
    assert data.class_names == ["without snow", "with snow"]
    assert letters(data, 0) == "behk"  # no votes
    assert letters(data, 1) == "adfgjl"  # two or three of three
    assert data.train.labels.tolist() == [0, 0, 1, 1]
    assert data.test.labels.tolist() == [0, 0, 1, 1, 1, 1]
    assert len(set(names(data.train, data.test))) == 10
    assert data.test[0].size == (40, 60)


@pytest.mark.parametrize(
    ("labels", "pictures"),
    [("", "images"), ("SUNAttributeDB", "SUNAttributeDB_Images/images")],
)
def test_other_layouts(root: Path, labels: str, pictures: str) -> None:
    expected = sun(root).fingerprint()
    for path in (root / "SUNAttributeDB").iterdir():
        path.rename(root / labels / path.name)
    (root / pictures).parent.mkdir(exist_ok=True)
    (root / "images").rename(root / pictures)
    assert sun(root).fingerprint() == expected


@pytest.mark.parametrize(
    ("positive", "expected"),
    [(1, "adgjl"), (2 / 3, "adfgjl"), (0.66, "adfgjl"), (0.33, "acdfgijl")],
)
def test_votes_that_make_a_picture_positive(root: Path, positive: float, expected: str) -> None:
    data = sun(root, positive=positive)
    assert letters(data, 1) == expected
    assert letters(data, 0) == "behk"


def test_the_draw_is_the_same_everywhere(root: Path) -> None:
    """Recorded once: a NumPy that draws otherwise would change every result, so it must show."""
    drawn = ["".join(name[-5] for name in names(sun(root, split=n).train)) for n in (1, 2, 3)]
    assert drawn == ["klbf", "aefh", "laeh"]


def test_votes(root: Path) -> None:
    for data in (sun(root), module(root, attribute=None)):
        found_names, attributes, votes = data.votes()
        assert (found_names[0], found_names[-1]) == (
            "s/ski slope/sun_ta.jpg",
            "a/apse/indoor/sun_tl.jpg",
        )
        assert attributes == ["sailing/ boating", "snow", "direct sun/sunny"]
        assert votes.shape == (12, 3)
        assert votes[:4, 1].tolist() == pytest.approx([1, 0, 1 / 3, 1])


@pytest.mark.parametrize("attribute", ["all", " All"])
def test_all_attributes_one_after_the_other(root: Path, attribute: str) -> None:
    data = sun(root, attribute=attribute, train_per_class=1)
    assert data.measure == "average_precision"
    assert data.class_names == ["without snow", "with snow"]  # nobody saw any boat
    assert data.repetitions() == [{"attribute": "snow"}, {"attribute": "direct sun/sunny"}]
    assert data.describe().startswith("'snow', the first of all attributes: 2 train, 8 test")
    assert data.notes()[-1] == (
        "1 of 3 attributes are left out, as no more than 1 pictures are with or without: "
        "sailing/ boating"
    )
    assert sun(root, attribute="all").repetitions() == [{"attribute": "snow"}]


def test_no_network_trains_on_all_attributes(root: Path) -> None:
    data = sun(root, attribute="all")
    for loader in (data.train_loader, data.test_dataloader):
        with pytest.raises(UserError, match=r"attribute=all is for python -m gapcam.study; a netw"):
            loader()


def test_no_attribute_has_enough_pictures(root: Path) -> None:
    with pytest.raises(UserError, match=r"0 pictures are with sailing/ boating, but data.train_p"):
        sun(root, attribute="all", train_per_class=4)


def test_splits_of_one_attribute(root: Path) -> None:
    assert sun(root, splits=2).repetitions() == [{"split": 1}, {"split": 2}]


@pytest.mark.parametrize("attribute", ["Snow", " snow "])
def test_capitals_do_not_matter(root: Path, attribute: str) -> None:
    assert sun(root, attribute=attribute).class_names == ["without snow", "with snow"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"attribute": "sailing"},
            r"one of 3 attributes; got sailing\. Like it: sailing/ boating$",
        ),
        ({"attribute": None}, r"got None\. They are: sailing/ boating, snow, direct sun/sunny$"),
        ({"train_per_class": 4}, r"4 pictures are without snow, but data.train_per_class=4 of"),
        ({"attribute": "direct sun/sunny"}, r"2 pictures are with direct sun/sunny, but"),
        ({"train_per_class": 0}, "data.train_per_class must be a whole number, at least 1; got 0"),
        ({"split": 11}, "data.split must be 1 to data.splits=10; got 11"),
        ({"positive": 0}, "data.positive must be above 0 and at most 1; got 0"),
        ({"positive": 2}, "data.positive must be above 0 and at most 1; got 2"),
    ],
)
def test_settings(root: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        sun(root, **settings)


def _mat(name: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def spoil(root: Path) -> None:
        path = root / "SUNAttributeDB" / f"{name}.mat"
        found = {k: v for k, v in loadmat(path).items() if not k.startswith("__")}
        savemat(path, change(found))

    return spoil


def _cut(root: Path) -> None:
    path = root / "SUNAttributeDB" / f"{VOTES}.mat"
    path.write_bytes(path.read_bytes()[:200])


def _twice(found: dict[str, Any]) -> dict[str, Any]:
    words = [cell.item() for cell in found["images"].ravel()]
    return {"images": cells([words[0], words[0], *words[2:]])}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda root: (root / PICTURE).unlink(),
            r"images/s/ski slope/sun_ta.jpg: images.mat lists it, but it is not there",
        ),
        (
            lambda root: (root / "images" / "a" / "apse").rename(root / "apse"),
            r"images/a/apse/indoor/sun_ti.jpg: .*and 3 more",
        ),
        (_mat("images", _twice), r"images.mat: s/ski slope/sun_ta.jpg appears again"),
        (_cut, r"attributeLabels_continuous.mat cannot be read: .*\. Unpack this file again"),
        (
            lambda root: (root / "SUNAttributeDB" / "attributes.mat").write_text("<html>" * 99),
            r"attributes.mat cannot be read: Unknown mat file type",
        ),
        (
            lambda root: (root / "SUNAttributeDB" / "attributes.mat").unlink(),
            r"attributes.mat is missing\. Get it: python -m gapcam.data get",
        ),
        (
            _mat(VOTES, lambda found: {"attribute_labels": found["labels_cv"]}),
            r"expected a variable labels_cv, but it holds \['attribute_labels'\]",
        ),
        (
            _mat(VOTES, lambda found: {"labels_cv": found["labels_cv"][1:]}),
            r"must be 12 pictures x 3 attributes in 0..1; got float64 \(11, 3\)",
        ),
        (
            _mat(VOTES, lambda found: {"labels_cv": found["labels_cv"] * 3}),
            r"must be 12 pictures x 3 attributes in 0..1; got float64 \(12, 3\), or other num",
        ),
        (
            _mat(VOTES, lambda found: {"labels_cv": found["labels_cv"] * np.nan}),
            r"must be 12 pictures x 3 attributes in 0..1",
        ),
        (
            _mat("attributes", lambda _: {"attributes": cells(["sailing", "snow", [1, 2]])}),
            r"attributes of attributes.mat in .* must be a cell array of strings",
        ),
        (
            lambda root: (root / "images").rename(root / "pictures"),
            r"does not hold SUN Attribute: looked for SUNAttributeDB/images.mat, images/\?/\*/ \(",
        ),
    ],
)
def test_faults_are_named(root: Path, spoil: Callable[[Path], Any], message: str) -> None:
    sun(root)  # an index of the good data must not hide the fault
    spoil(root)
    with pytest.raises(UserError, match=message):
        sun(root)
