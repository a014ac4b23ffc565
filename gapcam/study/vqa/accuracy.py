"""How many people would agree with an answer: the accuracy of VQA, as its authors define it.

Antol et al., "VQA: Visual Question Answering" (ICCV 2015), and the evaluation code that they
published (github.com/GT-Vision-Lab/VQA), whose peculiarities are kept, so that numbers compare.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

AGREE = 3
"""So many people who say the same are enough."""

_MARKS = ';/[]"{}()=+\\_-><@`,?!'
_COMMA_IN_NUMBER = re.compile(r"\d,\d")
_STOP = re.compile(r"\.(?!\d)")
_NUMBERS = {
    **{"none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4"},
    **{"five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10"},
}
_ARTICLES = ("a", "an", "the")
_WITH_APOSTROPHES = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't
haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am might've mightn't
mightn't've must've mustn't needn't not've o'clock oughtn't 'ow's'at shan't she'd've should've
shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've someone'll
someone's something'd something'd've something'll that's there'd there'd've there're there's they'd
they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've
when's where'd where's where've who'd who'd've who'll who's who've why'll why're why's won't
would've wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've
"""


def _contractions() -> dict[str, str]:
    """Contractions by how they are written with one apostrophe left out."""
    found = {"somebody'd": "somebodyd"}  # the wrong way round, as published
    for word in _WITH_APOSTROPHES.split():
        for place, letter in enumerate(word):
            if letter == "'":
                found[word[:place] + word[place + 1 :]] = word
    return found


_CONTRACTIONS = _contractions()


def vqa_accuracy(answer: str, answers: Sequence[str]) -> float:
    """Accuracy of an answer, in 0..1: what people said it, by threes, but three are enough.

    It is the mean over all that are left of the answers when one of them is taken away. Where
    people differ, answers are compared in the form that `normalised` gives them; where all say the
    same, as they stand but for capitals.

    Args:
        answer: to be judged.
        answers: of people, mostly ten.

    Example:
        >>> [round(vqa_accuracy("two", ["2"] * n + ["3"] * (10 - n)), 3) for n in range(5)]
        [0.0, 0.3, 0.6, 0.9, 1.0]
    """
    theirs = [_one_line(one) for one in answers]
    if len(set(theirs)) > 1:
        said = Counter(normalised(one) for one in theirs)[normalised(answer)]
    else:
        said = Counter(one.lower() for one in theirs)[_one_line(answer).lower()]
    without_one_of_them = min((said - 1) / AGREE, 1)
    without_another = min(said / AGREE, 1)
    total = len(theirs)
    return (said * without_one_of_them + (total - said) * without_another) / total


def best_accuracies(questions: Iterable[Sequence[str]], classes: Iterable[str]) -> list[float]:
    """Accuracy of the class that agrees best with people, for each question.

    Args:
        questions: people's answers to each.
        classes: answers that there are.
    """
    as_they_stand = set(classes)
    alike: dict[str, str] = {}
    for one in sorted(as_they_stand):
        alike.setdefault(normalised(one), one)
    best = []
    for answers in questions:
        candidates = as_they_stand.intersection(answers)
        candidates |= {alike[form] for form in map(normalised, answers) if form in alike}
        best.append(max((vqa_accuracy(one, answers) for one in candidates), default=0.0))
    return best


@lru_cache(maxsize=2**18)
def normalised(answer: str) -> str:
    """An answer as it is compared: no capitals, articles or punctuation, numbers in digits.

    Example:
        >>> normalised("The two dogs, dont ask!")
        "2 dogs don't ask"
    """
    words = [_NUMBERS.get(word, word) for word in _without_marks(_one_line(answer)).lower().split()]
    return " ".join(_CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES)


def _without_marks(text: str) -> str:
    """Leave marks out beside a space, and everywhere in a text with 1,000; else they part words."""
    found = text
    has_number = _COMMA_IN_NUMBER.search(text) is not None
    for mark in _MARKS:
        is_outside = f"{mark} " in text or f" {mark}" in text
        found = found.replace(mark, "" if is_outside or has_number else " ")
    return _STOP.sub("", found)


def _one_line(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ").strip()
