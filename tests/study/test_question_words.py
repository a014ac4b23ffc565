import numpy as np
import pytest

from gapcam.study.vqa.question_words import UNKNOWN, Vocabulary, words_of

QUESTIONS = ["Is the dog the dog's?", "Is it red?", "", "The dog"]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("", []),
        ("?!", []),
        ("What is it?", ["what", "is", "it"]),
        ("Isn't it the man's 2nd T-shirt?", ["isn't", "it", "the", "man's", "2nd", "t", "shirt"]),
        ("Ist das schön?", ["ist", "das", "schön"]),
    ],
)
def test_words_of_a_question(question: str, words: list[str]) -> None:
    assert words_of(question) == words


@pytest.mark.parametrize(
    ("least", "words"),
    [
        (4, []),
        (3, ["the"]),
        (2, ["the", "dog", "is"]),
        (1, ["the", "dog", "is", "dog's", "it", "red"]),
    ],
)
def test_words_are_counted(least: int, words: list[str]) -> None:
    assert Vocabulary(QUESTIONS, least).words == [UNKNOWN, *words]


def test_bags_hold_each_word_once() -> None:
    vocabulary = Vocabulary(QUESTIONS, 2)  # (unknown), the, dog, is
    bags = vocabulary.bags(QUESTIONS)
    words, begins = bags.of(np.array([3, 2, 0, 1]))
    assert [part.tolist() for part in np.split(words, begins[1:])] == [
        [1, 2],
        [],
        [0, 1, 2, 3],
        [0, 3],
    ]
    assert bags.unknown == pytest.approx(3 / 10)
    assert bags.of(np.array([], int))[0].tolist() == []
    assert vocabulary.bags([]).unknown == 0
    assert len(vocabulary.bags([])) == 0
