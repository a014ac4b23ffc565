"""What the tests of the text detector share: its command, data to be spoilt, and how it is done."""

from collections.abc import Callable
from pathlib import Path

import pytest
from benches import bench
from planted_text import make_text

from gapcam.study.bench import Bench
from gapcam.study.outcome import Outcome, Sheet
from gapcam.study.text import word_numbers
from gapcam.study.text.study import Text

Made = Callable[..., Bench]
SETTINGS = {"c": 1.0, "covered": 0.5, "iou": 0.5}


def text_words(root: Path) -> tuple[str, ...]:
    """Of the command line, for what `make_text` wrote."""
    return (
        *("study=text", "arch=small_gap", "arch.units=8", f"arch.weights={root / 'colours.ckpt'}"),
        *("data=svt", f"data.root={root / 'svt'}", f"data.negatives={root / 'negatives'}"),
    )


def small_text(folder: Path) -> Made:
    """A bench of a data set in `folder / "text"`, which a test may spoil before."""
    root = make_text(folder / "text", train=3, test=3, negatives=8)
    return lambda *more, **changed: bench(folder / "runs", *text_words(root), *more, **changed)


def do(found: Bench, **settings: float) -> Outcome:
    """The study with few resamples."""
    study = Text(**{**SETTINGS, **settings})
    study.check(found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_numbers, "RESAMPLES", 40)
        return study.run(found)


def column(sheet: Sheet, name: str) -> list[object]:
    """Its values from the first line on."""
    return [row[list(sheet.columns).index(name)] for row in sheet.rows]
