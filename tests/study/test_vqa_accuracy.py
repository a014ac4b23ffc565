"""VQA accuracy against its definition, spelt out, and cases worked by hand from its rules."""

from collections.abc import Sequence

import pytest

from gapcam.study.vqa.accuracy import best_accuracies, normalised, vqa_accuracy

TEN = ["red"] * 2 + ["Red."] + ["dark red"] * 4 + ["the two", "2", "maroon"]


def slowly(answer: str, answers: Sequence[str]) -> float:
    """The mean over all subsets of nine of what three of them say."""
    scores = []
    for left_out in range(len(answers)):
        others = [one for place, one in enumerate(answers) if place != left_out]
        if len(set(answers)) > 1:
            agree = [one for one in others if normalised(one) == normalised(answer)]
        else:
            agree = [one for one in others if one.lower() == answer.lower()]
        scores.append(min(len(agree) / 3, 1))
    return sum(scores) / len(scores)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("", 0.0),
        ("blue", 0.0),
        ("maroon", 0.3),
        ("two", 0.6),
        ("red", 0.9),
        ("a RED!", 0.9),
        ("dark red", 1.0),
        ("dark\nred ", 1.0),
    ],
)
def test_three_people_are_enough(answer: str, expected: float) -> None:
    assert vqa_accuracy(answer, TEN) == pytest.approx(expected)
    assert vqa_accuracy(answer, TEN) == pytest.approx(slowly(answer, TEN))


def test_where_all_agree_answers_are_compared_as_they_stand() -> None:
    assert vqa_accuracy("2", ["2"] * 10) == 1
    assert vqa_accuracy("two", ["2"] * 10) == 0
    assert vqa_accuracy("Yes", ["yes"] * 10) == 1
    assert vqa_accuracy("two", ["2"] * 9 + ["3"]) == 1


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_other_numbers_of_people(count: int) -> None:
    for same in range(count + 1):
        answers = ["yes"] * same + [f"no {n}" for n in range(count - same)]
        assert vqa_accuracy("yes", answers) == pytest.approx(slowly("yes", answers))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("", ""),
        ("the", ""),
        ("A Man and An apple", "man and apple"),
        ("none", "0"),
        ("Ten of the twenty", "10 of twenty"),
        # Marks part words, but not beside a space.
        ("black/white", "black white"),
        ("black /white", "black white"),
        ("black/ white/red", "black whitered"),
        ("t-shirt", "t shirt"),
        ("yes, please!", "yes please"),
        # In a text with a comma between digits all marks go.
        ("1,000", "1000"),
        ("1,000 t-shirts", "1000 tshirts"),
        # A full stop stays before a digit alone.
        ("2.5", "2.5"),
        (".5 p.m.", ".5 pm"),
        ("mr. t", "mr t"),
        # Marks that are not among those of the rules stay.
        ("5:30", "5:30"),
        ("50%", "50%"),
        ("dont", "don't"),
        ("couldnt've", "couldn't've"),
        ("couldn'tve", "couldn't've"),
        ("couldntve", "couldntve"),
        ("Oclock Yall", "o'clock y'all"),
        ("somebody'd", "somebodyd"),
        ("its", "its"),
        ("im", "im"),
    ],
)
def test_the_form_in_which_answers_are_compared(answer: str, expected: str) -> None:
    assert normalised(answer) == expected


def test_the_best_class_for_each_question() -> None:
    questions = [TEN, ["2"] * 10, ["nobody", *["knows"] * 9], ["Two", *["3"] * 9]]
    assert best_accuracies(questions, ["two", "red"]) == pytest.approx([0.9, 0, 0, 0.3])
    assert best_accuracies([TEN], []) == [0]
    classes = ["two", "2", "red", "maroon", "blue", "3"]
    assert best_accuracies(questions, classes) == pytest.approx(
        [max(slowly(one, answers) for one in classes) for answers in questions]
    )
