import pytest

from gapcam.recipes.duration import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "60 s"), (60.6, "1 min 01 s")),
        *((3599.7, "1 h 00 min"), (86399, "23 h 59 min"), (86400, "1 d 0 h")),
    ],
)
def test_two_units_that_matter(seconds: float, words: str) -> None:
    assert duration(seconds) == words
