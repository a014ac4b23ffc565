"""Phrases in captions: who says one, who has none of its words, which are said often.

Texts are the captions of a picture, a line each.
"""

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Sequence

_SHORT = 3
"""Letters of the longest words that say little, such as `of` and `the`."""

_EMPTY = {
    *("with", "from", "into", "onto", "over", "near", "next", "than", "then", "while", "where"),
    *("that", "this", "these", "those", "there", "their", "them", "they", "which", "what"),
    *("have", "been", "being", "were", "some", "many", "several", "very", "other", "another"),
}
"""Longer words that say as little: no phrase that is said often begins or ends with one."""


def has_phrase(phrase: str, between: Sequence[str] = ()) -> re.Pattern[str]:
    """Finds a phrase as whole words, in any case.

    Args:
        phrase: words with single blanks between them.
        between: words that may stand between its words, such as articles.

    Example:
        >>> bool(has_phrase("mirror in lake").search("A Mirror in lakes"))
        False
        >>> bool(has_phrase("mirror in lake", ["the"]).search("A Mirror in the lake"))
        True
    """
    if not between:
        return _whole([re.escape(phrase)])
    joint = rf" (?:(?:{'|'.join(map(re.escape, between))}) )*"
    return _whole([joint.join(map(re.escape, phrase.split()))])


def has_word(phrase: str) -> re.Pattern[str]:
    """Finds any word of a phrase that has more than three letters; any word, if all are short."""
    words = words_of(phrase)
    long = [word for word in words if len(word) > _SHORT] or words
    return _whole(list(map(re.escape, long)))


def words_of(phrase: str) -> list[str]:
    """Words without punctuation; what has none is its own word."""
    return re.findall(r"\w+", phrase) or [phrase]


def near(phrase: str, texts: Iterable[str]) -> str:
    """Words of texts that are like those of a phrase, and how many texts have them."""
    counts = Counter(word for text in texts for word in set(re.findall(r"\w+", text.lower())))
    close = [difflib.get_close_matches(word, counts, n=3) for word in words_of(phrase.lower())]
    like = [word for words in close for word in words]
    return ", ".join(f"{word} ({counts[word]:,})" for word in dict.fromkeys(like)) or "none"


def frequent_phrases(
    texts: Iterable[str], least: int, longest: int, between: Sequence[str] = ()
) -> list[str]:
    """Phrases of two words or more that many texts have, the most frequent first.

    They begin and end with a word that says something: of more than three letters, and none of a
    short list such as `with` and `from`. No punctuation lies within.

    Args:
        texts: to count in; one that says a phrase twice counts once.
        least: so many of them must have it.
        longest: words of the longest phrase.
        between: words that are passed over, see `has_phrase`.
    """
    passed_over = {word.lower() for word in between}
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(_phrases(text.lower(), longest, passed_over)))
    often = [phrase for phrase, count in counts.items() if count >= least]
    return sorted(often, key=lambda phrase: (-counts[phrase], phrase))


def _phrases(text: str, longest: int, passed_over: set[str]) -> Iterable[str]:
    for part in re.split(r"[^\w ]+", text):  # at punctuation and at the end of a line
        words = [word for word in part.split() if word not in passed_over]
        for start, first in enumerate(words):
            if _says_something(first):
                for stop in range(start + 2, min(start + longest, len(words)) + 1):
                    if _says_something(words[stop - 1]):
                        yield " ".join(words[start:stop])


def _says_something(word: str) -> bool:
    return len(word) > _SHORT and word not in _EMPTY


def _whole(patterns: Sequence[str]) -> re.Pattern[str]:
    """Any of these as whole words."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)", re.IGNORECASE)
