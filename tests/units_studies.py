"""What the tests of class-specific units share: how the study is made, done and read."""

from collections.abc import Callable
from pathlib import Path

from benches import bench, study_config
from planted_units import units_words

from gapcam.build import build
from gapcam.study.bench import Bench
from gapcam.study.outcome import Outcome, Sheet
from gapcam.study.units.study import Units

Make = Callable[..., tuple[Units, Bench]]
MAPS = ("study.segment=map", "study.units=2", "study.images=4")


def maker(planted: Path, runs: Path) -> Make:
    """Makes the study and its bench, as the command makes them, by further words."""

    def make(*more: str) -> tuple[Units, Bench]:
        words = units_words(planted, *more)
        return build(study_config(runs, *words)["study"], "study"), bench(runs, *words)

    return make


def do(study: Units, found: Bench) -> Outcome:
    study.check(found)
    return study.run(found)


def columns(sheet: Sheet, *names: str) -> list[tuple[object, ...]]:
    """Of each line the values in some columns."""
    places = [list(sheet.columns).index(name) for name in names]
    return [tuple(row[place] for place in places) for row in sheet.rows]
