"""Phrases in captions: whole words, words that count, what is said often."""

from pathlib import Path

import pytest
from twins_text import CAPTIONS, make_coco, make_table

from gapcam.data.captions import Captions
from gapcam.data.phrases import frequent_phrases, has_phrase, has_word, near
from gapcam.errors import UserError


@pytest.mark.parametrize(
    ("phrase", "between", "text", "is_said"),
    [
        ("lake", (), "", False),
        ("lake", (), "a Lake", True),
        ("lake", (), "lakes", False),
        ("mirror in lake", (), "a mirror in the lake", False),
        ("mirror in lake", ("a", "the"), "a mirror in the lake", True),
        ("mirror in lake", ("a", "the"), "A mirror in lake", True),
        ("mirror in lake", ("a", "the"), "mirror in this lake", False),
        ("mirror in lake", ("a", "the"), "mirror in the a lake", True),
        ("mirror in lake", ("a", "the"), "a mirror in\nthe lake", False),  # of two captions
        ("c. 1900", (), "made c. 1900", True),
        ("c. 1900", (), "made cx 1900", False),
    ],
)
def test_phrases_are_whole_words(
    phrase: str, between: tuple[str, ...], text: str, is_said: bool
) -> None:
    assert bool(has_phrase(phrase, between).search(text)) == is_said


@pytest.mark.parametrize(
    ("phrase", "text", "has_some"),
    [
        ("view out of window", "", False),
        ("view out of window", "out of order", False),  # short words say little
        ("view out of window", "Two Windows and a view", True),
        ("red car", "a car", True),
        ("red car", "cars", False),
        ("!!", "what!!", False),
        ("!!", "what !! is", True),
    ],
)
def test_words_that_count(phrase: str, text: str, has_some: bool) -> None:
    assert bool(has_word(phrase).search(text)) == has_some


def test_near_words_are_counted_by_texts() -> None:
    texts = ["mirror mirror\nMirror", "a lake", "a mirror"]
    assert near("miror in laek", texts) == "mirror (2), lake (1)"
    assert near("zebra", texts) == "none"
    assert near("zebra", []) == "none"


@pytest.mark.parametrize(
    ("texts", "least", "longest", "phrases"),
    [
        ([], 1, 4, []),
        (["horse"], 1, 4, []),
        (["white horse\nwhite horse", "the white horse"], 3, 4, []),  # twice by one counts once
        (["white horse", "A White Horse"], 2, 4, ["white horse"]),
        (["horse with rider"], 1, 2, []),  # neither ends in a word that says little
        (["horse with rider"], 1, 3, ["horse with rider"]),
        (["horse in a field"], 1, 3, ["horse in field"]),  # "a" is passed over
        (["white, horse", "white\nhorse"], 1, 4, []),  # not across punctuation or captions
        (["tall tree", "wild horse", "wild horse"], 1, 4, ["wild horse", "tall tree"]),
    ],
)
def test_frequent_phrases(texts: list[str], least: int, longest: int, phrases: list[str]) -> None:
    assert frequent_phrases(texts, least, longest, ["a", "the"]) == phrases


def test_counts_are_those_of_the_patterns() -> None:
    texts = ["a tall tree in the park", "tall tree", "a tall, tree", "the tall tree-house"]
    for phrase in frequent_phrases(texts, 1, 4, ["a", "the"]):
        said = sum(has_phrase(phrase, ["a", "the"]).search(text) is not None for text in texts)
        assert phrase in frequent_phrases(texts, said, 4, ["a", "the"])
        assert phrase not in frequent_phrases(texts, said + 1, 4, ["a", "the"])


def captions(root: Path) -> Captions:
    settings = {"batch_size": 2, "eval_batch_size": 2, "num_workers": 0, "seed": 0, "flip": True}
    data = Captions(root=root, size=(24, 28), phrase="all", **settings)  # type: ignore[arg-type]
    data.setup()
    return data


def test_all_are_every_picture_in_one_class(tmp_path: Path) -> None:
    table = captions(make_table(tmp_path / "table"))
    assert table.class_names == ["captioned"]
    assert table.describe() == "6 captioned pictures that train, 1 that test"
    assert (len(table.train), len(table.test)) == (6, 1)  # a fifth of seven tests
    texts = {
        split.name(row): split.index.text(row)
        for split in (table.train, table.test)
        for row in range(len(split))
    }
    assert texts == {
        name: "\n".join(" ".join(t.split()) for t in said) for name, said in CAPTIONS.items()
    }
    coco = captions(make_coco(tmp_path / "coco"))
    assert (len(coco.train), len(coco.test)) == (7, 2)


def test_no_network_trains_on_all(tmp_path: Path) -> None:
    data = captions(make_table(tmp_path))
    with pytest.raises(UserError, match=r"data.phrase=all is for python -m gapcam.study; a netw"):
        data.train_loader()
    with pytest.raises(UserError, match=r"a network trains and is tested on one phrase: give its"):
        data.test_dataloader()
