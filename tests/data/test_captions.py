from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twins import edit
from twins_text import CAPTIONS, coco_file, make_coco, make_sbu, make_table

from gapcam.data.captions import Captions
from gapcam.errors import UserError

PHRASE = "mirror in lake"


def captions(root: Path, phrase: str | None = PHRASE, **kwargs: Any) -> Captions:
    common: dict[str, Any] = {
        "batch_size": 2,
        "eval_batch_size": 2,
        "num_workers": 0,
        "seed": 0,
        "flip": True,
    }
    return Captions(root=root, size=(24, 28), phrase=phrase, **common, **kwargs)


def loaded(root: Path, phrase: str | None = PHRASE, **kwargs: Any) -> Captions:
    data = captions(root, phrase, **kwargs)
    data.setup()
    return data


def names(data: Captions) -> dict[int, set[str]]:
    """Pictures of both splits by their label."""
    both: dict[int, set[str]] = {0: set(), 1: set()}
    for dataset in (data.train, data.test):
        for row, label in enumerate(dataset.labels):
            assert dataset.name(row) not in both[label]
            both[label].add(dataset.name(row))
    return both


def test_phrase_against_pictures_without_its_words(tmp_path: Path) -> None:
    data = loaded(make_table(tmp_path))
    assert data.class_names == ["no mirror in lake", "mirror in lake"]
    assert data.train.labels.tolist() == data.test.labels.tolist() == [0, 1]
    found = names(data)
    # Lines of other words, in other cases and with more blanks; but no "lakes".
    assert found[1] == {"lake/1.jpg", "lake/2 ü.jpg"}
    # Neither "a lake" nor "a mirror in lakes"; "in" is no word that counts.
    assert len(found[0]) == 2
    assert found[0] < {"5.jpg", "6.jpg", "7.jpg"}
    texts = {d.index.text(row) for d in (data.train, data.test) for row in range(2)}
    assert "A mirror in lake water\nmountains" in texts
    assert data.train[0].size == (40, 60)
    assert data.val.index is data.test.index


def test_draw_is_the_same_everywhere(tmp_path: Path) -> None:
    data = loaded(make_table(tmp_path))
    # numpy.random.default_rng(0).permutation(3) is 2 0 1: rows 0 and 2 of 5, 6, 7.jpg are drawn;
    # permutation(2) is 0 1: of both sides the first tests.
    assert [data.train.name(row) for row in (0, 1)] == ["7.jpg", "lake/2 ü.jpg"]
    assert [data.test.name(row) for row in (0, 1)] == ["5.jpg", "lake/1.jpg"]


def test_shares(tmp_path: Path) -> None:
    many = {f"{n}.jpg": ["a red car" if n < 10 else "a tree"] for n in range(40)}
    data = loaded(make_table(tmp_path, many), "red car", test_share=0.3, negatives_per_positive=2)
    assert (len(data.train), len(data.test)) == (7 + 14, 3 + 6)
    assert data.train.labels.sum() == 7
    assert data.test.labels.sum() == 3


def test_short_words_count_where_there_are_no_others(tmp_path: Path) -> None:
    texts = {"1.jpg": ["red car"], "2.jpg": ["a red car"], "3.jpg": ["red"], "4.jpg": ["a car"]}
    root = make_table(tmp_path, {**texts, "5.jpg": ["a tree"], "6.jpg": ["cars"]})
    assert names(loaded(root, "red car"))[0] == {"5.jpg", "6.jpg"}


def test_coco_has_its_own_split(tmp_path: Path) -> None:
    data = loaded(make_coco(tmp_path))
    assert data.train.labels.tolist() == [0, 0, 1, 1]
    assert data.test.labels.tolist() == [0, 1]
    assert data.test.name(1) == f"val2014/{coco_file('val', 1)}"
    assert data.test.index.text(1) == "A mirror in lake water\nmountains"
    assert data.train[0].size == (40, 60)


def test_sbu_counts_dead_links(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_sbu(tmp_path)
    data = captions(tmp_path, None)
    assert [path.name for path, _ in data.pairs()] == [
        "0_b0.jpg",
        "1_b0.jpg",
        "2_b0.jpg",
        "4_b0.jpg",
    ]
    assert (
        f"2 of the 7 pictures of SBU are not in {root} and are left out" in capsys.readouterr().err
    )
    # Of the pictures that are there, one alone has none of the phrase's words.
    with pytest.raises(UserError, match=r"1 captioned pictures in .* but 2 are needed: 1 for each"):
        loaded(root)


def test_pairs_are_everything(tmp_path: Path) -> None:
    pairs = dict(captions(make_table(tmp_path / "table"), None).pairs())
    assert len(pairs) == len(CAPTIONS)
    assert pairs[tmp_path / "table/lake/1.jpg"] == ["A mirror in lake water", "mountains"]
    assert pairs[tmp_path / "table/6.jpg"] == ["two dogs, inside"]
    coco = [path.name for path, _ in captions(make_coco(tmp_path / "coco"), None).pairs()]
    assert len(coco) == 9
    assert coco[-1] == coco_file("val", 2)


def test_index_notices_captions_and_settings(tmp_path: Path) -> None:
    root = make_table(tmp_path)
    assert "lake/3.jpg" not in names(loaded(root))[1]
    edit(root / "captions.tsv", lambda text: text.replace("in lakes", "in lake "))
    assert "lake/3.jpg" in names(loaded(root))[1]
    assert loaded(root, "mirror").class_names == ["no mirror", "mirror"]


@pytest.mark.parametrize(
    ("phrase", "settings", "message"),
    [
        (None, {}, r"data.phrase is not set"),
        ("  ", {}, r"data.phrase is not set"),
        ("miror on lake", {}, r"0 of the 7 .* expected 2 .* near: mirror \(3\), .*lake \(3\)"),
        ("lake como", {}, r"1 of the 7 captioned pictures in .* have 'lake como' in a caption"),
        ("zebra", {}, r"come near: none"),
        (PHRASE, {"negatives_per_positive": 2}, r"3 captioned .* but 4 are needed: 2 for each of"),
        (
            PHRASE,
            {"negatives_per_positive": 0},
            r"negatives_per_positive must be a whole number, at least 1; got 0",
        ),
        (PHRASE, {"test_share": 1.0}, r"test_share must lie between 0 and 1; got 1.0"),
    ],
)
def test_settings_are_checked(
    tmp_path: Path, phrase: str | None, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        loaded(make_table(tmp_path), phrase, **settings)


def test_coco_needs_the_phrase_in_both_splits(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"0 of the 2 captioned pictures in .*val2014 .*least\. "):
        loaded(make_coco(tmp_path), "lake como")


def _change(file: str, old: str, new: str) -> Callable[[Path], None]:
    return lambda root: edit(root / file, lambda text: text.replace(old, new, 1))


def _lose(file: str) -> Callable[[Path], None]:
    return lambda root: (root / file).unlink()


TRAIN = "annotations/captions_train2014.json"


@pytest.mark.parametrize(
    ("make", "spoil", "message"),
    [
        (make_table, _lose("5.jpg"), r"5.jpg: line 7 of captions.tsv lists it"),
        (make_table, _lose("lake/1.jpg"), r"lake/1.jpg: line 2 of captions.tsv lists it"),
        (make_table, _change("captions.tsv", "7.jpg\ta cat", "7.jpg a cat"), r"tsv: line 9: expe"),
        (make_table, _change("captions.tsv", "a cat", " "), r"captions.tsv: line 9: expected"),
        (make_table, _change("captions.tsv", "image\t", "file\t"), r"begins 'file\\tcaption': exp"),
        (make_table, _lose("captions.tsv"), r"captions.tsv \(table layout\); or annotations/capt"),
        (make_table, lambda root: (root / "captions.tsv").write_bytes(b"\xff"), r"no UTF-8 text"),
        (make_table, _change("captions.tsv", "7.jpg\t", "no/7.jpg\t"), r"no/7.jpg: line 9 of capt"),
        (make_coco, _lose(f"train2014/{coco_file('train', 4)}"), r"000004.jpg: annotations/captio"),
        (make_coco, _change(TRAIN, '"id": 2,', '"id": 1,'), r"00002.jpg: .* has no caption of it"),
        (make_coco, _change(TRAIN, '"image_id": 7', '"image_id": 70'), r"7.jpg: .* has no caption"),
        (make_coco, _change(TRAIN, '"image_id": 1,', '"image_id": 70,'), r"captions of picture 70"),
        (make_coco, _change(TRAIN, "0002.jpg", "0001.jpg"), r"0001.jpg \(id 2\) appears again"),
        (make_coco, _change(TRAIN, '"image_id": 7', '"picture": 7'), r"record 8 of annotations: e"),
        (make_coco, _change(TRAIN, '"id": 7,', '"id": "7",'), r"record 7 of images: expected id"),
        (make_coco, _change(TRAIN, "[", "("), r"captions_train2014.json is broken JSON at line 2"),
        (make_coco, _change(TRAIN, '"images"', '"pictures"'), r"annotations; images is missing"),
        (
            make_sbu,
            _change("SBU_captioned_photo_dataset_urls.txt", "http://", "http://static\nhttp://"),
            r"urls.txt has 8 lines and SBU_captioned_photo_dataset_captions.txt 7, but they belong",
        ),
    ],
)  # fmt: skip
def test_faults_are_named(
    tmp_path: Path, make: Callable[[Path], Path], spoil: Callable[[Path], None], message: str
) -> None:
    root = make(tmp_path)
    spoil(root)
    with pytest.raises(UserError, match=message):
        loaded(root)
