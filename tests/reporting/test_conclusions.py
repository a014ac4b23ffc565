from pathlib import Path

import pytest
from reported_runs import COLUMNS, line_of, make_run, table_of

from gapcam.reporting.chance import Compared, is_better
from gapcam.reporting.conclusions import conclusions
from gapcam.reporting.page import PairedDifferences
from gapcam.reporting.table import Cell, Column, Line, Table
from gapcam.reporting.wording import written

GIVEN = COLUMNS[1]


def line(title: str, *errors: float) -> Line:
    return Line(title, (Cell(), Cell(errors)))


def paired(low: float, high: float) -> PairedDifferences:
    """Line "a" minus line "b" has this interval."""
    middle = (low + high) / 2
    return PairedDifferences(
        GIVEN,
        ("a", "b"),
        ((None, middle), (-middle, None)),
        ((None, low), (-high, None)),
        ((None, high), (-low, None)),
        100,
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "of_pictures", "better"),
    [
        ((), (), None, False),
        ((10,), (), None, False),
        ((10,), (10,), None, False),
        ((10,), (20,), None, True),  # nothing is known of chance
        ((20,), (10,), None, False),
        ((10, 12), (20, 22), None, True),  # 2 standard deviations are 2.8 on either side
        ((10, 14), (16, 20), None, False),
        ((10, 12), (20, 22), (-15, -5), True),
        ((10, 12), (20, 22), (-21, 1), False),  # the pictures may be why
        ((10, 14), (16, 20), (-7, -5), False),  # the seeds may be why
    ],
)
def test_chance_is_ruled_out_twice(
    ours: tuple[float, ...],
    theirs: tuple[float, ...],
    of_pictures: tuple[float, float] | None,
    better: bool,
) -> None:
    compared = Compared(GIVEN, 1, of_pictures and paired(*of_pictures))
    assert is_better(line("a", *ours), line("b", *theirs), compared) is better


@pytest.mark.parametrize(("errors", "better"), [((0.10, 0.13), False), ((0.10, 0.15), True)])
def test_single_runs_are_compared_by_their_intervals(
    tmp_path: Path, errors: tuple[float, float], better: bool
) -> None:
    # Intervals are ± 2 points.
    runs = [make_run(tmp_path, trim=n, wrong=(0.1, wrong)) for n, wrong in enumerate(errors)]
    lines = [line_of("a", runs[0]), line_of("b", runs[1])]
    assert is_better(*lines, Compared(GIVEN, 1, None)) is better


def test_of_an_accuracy_more_is_better() -> None:
    column = Column("found", "max_box_acc")
    assert is_better(line("a", 80), line("b", 70), Compared(column, 1, None))
    assert not is_better(line("a", 70), line("b", 80), Compared(column, 1, None))


def test_nothing_was_run() -> None:
    (said,) = conclusions(table_of(line_of("a")))
    assert said.startswith("No run of this table is finished yet")


@pytest.mark.parametrize(
    ("fine", "verdict"),
    [
        (0.4, "Finer maps localize worse: 60.0 ± 2.0 % at 32x32."),
        (0.21, "Finer maps make no sure difference: 79.0 ± 2.0 % at 32x32."),
        (0.1, "Finer maps localize better: 90.0 ± 2.0 % at 32x32."),
    ],
)
def test_what_finer_maps_do(tmp_path: Path, fine: float, verdict: str) -> None:
    coarse = make_run(tmp_path, wrong=(0.1, 0.2))
    run = make_run(tmp_path, trim=1, wrong=(0.1, fine))
    said = conclusions(table_of(line_of("pool, trim 0", coarse), line_of("pool, trim 1", run)))
    assert said[0] == (
        "With 16x16 maps, pool finds the object in 80.0 ± 2.0 % of the test pictures, the class "
        f"being given (protocol paper). {verdict}"
    )
    assert "after conv2 (500 parameters) instead of conv3 (1,000 parameters)" in said[1]
    assert said[-1].startswith("With 16x16 maps, pool classifies 90.0 ± 1.0 % of the test")
    assert said[-1].endswith("Finer maps make no sure difference: 90.0 ± 1.0 % at 32x32.")


def test_the_mistake_that_grows_is_named(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, trim=n, wrong=(0.1, wrong)) for n, wrong in enumerate((0.09, 0.45))]
    said = conclusions(table_of(line_of("pool, trim 0", runs[0]), line_of("pool, trim 1", runs[1])))
    # Of the 90 % whose class is right.
    assert any("“part of the object”: from 10 % to 50 % of the pictures whose" in s for s in said)


def test_different_networks(tmp_path: Path) -> None:
    runs = [
        make_run(tmp_path, name=name, wrong=(0.1, wrong))
        for name, wrong in (("a", 0.2), ("b", 0.21), ("c", 0.5))
    ]
    lines = [line_of(f"net {name}", run) for name, run in zip("abc", runs, strict=True)]
    said = conclusions(table_of(*lines))
    assert said[0] == (
        "net a finds the object in 80.0 ± 2.0 % of the test pictures, the class being given "
        "(protocol paper): better than net c; no sure difference to net b."
    )
    assert said[1] == (
        "A box at the same place in every picture finds up to 55.0 %, the class being given: "
        "2 of 3 lines are above that."
    )
    assert "none of the other lines is surely worse" in said[2]


def test_beside_the_paper(tmp_path: Path) -> None:
    run = make_run(tmp_path, wrong=(0.1, 0.2))
    table = table_of(line_of("a", run, paper=(12.5, 15.0)), line_of("b", paper=(1.0, None)))
    said = conclusions(table)
    assert "2 places" in said[-2]
    assert "between -2.5 and +5.0 points" in said[-2]
    assert said[-1] == "1 of 2 lines are not complete; each says why."


def test_columns_of_runs_are_not_compared_with_one_another(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, name=name) for name in ("a", "b")]
    columns = (Column("CUB", "cls_top1"), Column("SUN", "cls_top1"))
    cells = tuple(
        Cell((value,), None, None, (run,)) for value, run in zip((1, 2), runs, strict=True)
    )
    assert conclusions(Table("t", columns, (Line("features", cells, tuple(runs)),))) == []


@pytest.mark.parametrize(
    ("cell", "turned", "words"),
    [
        (Cell(), False, "-"),
        (Cell((4.0,)), False, "4.0"),
        (Cell((4.0,), 0.75), True, "96.0 ± 0.8"),
        (Cell((4.0, 6.0)), False, "5.0 ± 1.4"),
    ],
)
def test_numbers_in_words(cell: Cell, turned: bool, words: str) -> None:
    assert written(cell, turned) == words
