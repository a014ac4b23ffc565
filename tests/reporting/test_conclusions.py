from dataclasses import replace
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
        ((10,), (20,), None, False),  # nothing is known of the pictures
        ((10,), (20,), (-15, -5), True),
        ((20,), (10,), (5, 15), False),
        ((10, 12), (20, 22), (-15, -5), True),  # 2 standard deviations are 2.8 on either side
        ((10, 12), (20, 22), (5, 15), False),  # on the pictures that both have the other is better
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


@pytest.mark.parametrize(
    ("ours", "theirs", "of_pictures", "better"),
    [(80, 80, (5, 15), False), (80, 70, (5, 15), True), (70, 80, (-15, -5), False)],
)
def test_of_an_accuracy_more_is_better(
    ours: float, theirs: float, of_pictures: tuple[float, float], better: bool
) -> None:
    compared = Compared(Column("found", "max_box_acc"), 1, paired(*of_pictures))
    assert is_better(line("a", ours), line("b", theirs), compared) is better


@pytest.mark.parametrize(
    ("paper", "more"), [((None, None), ""), ((1.0, None), ": it shows the paper's numbers alone")]
)
def test_nothing_was_run(paper: tuple[float | None, ...], more: str) -> None:
    (said,) = conclusions(table_of(line_of("a", paper=paper)))
    assert said == f"No run of this table is finished yet{more}."


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
        "Net a finds the object in 80.0 ± 2.0 % of the test pictures, the class being given "
        "(protocol paper): better than net c; no sure difference to net b."
    )
    assert said[1] == (
        "A box at the same place in every picture finds up to 55.0 %, the class being given: "
        "2 of 3 lines are above that (protocol paper)."
    )
    assert "none of the other lines is surely worse" in said[2]


def test_of_several_networks_the_best_says_why(tmp_path: Path) -> None:
    lines = [
        line_of(f"{name}, trim {trim}", make_run(tmp_path, name=name, trim=trim, wrong=wrong))
        for name, errors in (("gap", (0.2, 0.5)), ("gmp", (0.3, 0.6)))
        for trim, wrong in enumerate((0.1, error) for error in errors)
    ]
    said = conclusions(table_of(*lines))
    assert len(said) == len(set(said))
    assert said[0].startswith("Gap, trim 0 finds the object in 80.0")
    assert ["gap" in said[1], "gmp" in said[2]] == [True, True]
    assert sum("Finer maps come from" in sentence for sentence in said) == 1


def test_lines_that_the_paper_quotes_were_not_compared(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, name=f"net {n}", wrong=(0.1, n / 10)) for n in (2, 4, 6)]
    lines = [line_of(run.config["name"], run) for run in runs]
    said = conclusions(table_of(*lines, line_of("theirs", paper=(1.0, 1.0))))
    assert said[0].endswith("): better than all other lines that were run.")


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ((0.2,), "the line is above"),
        ((0.6,), "the line is not above"),
        ((0.2, 0.4), "all lines are above"),
        ((0.2, 0.6), "1 of 2 lines are above"),
        ((0.6, 0.7), "no line is above"),
    ],
)
@pytest.mark.parametrize("is_accuracy", [False, True])
def test_above_the_floor(
    tmp_path: Path, errors: tuple[float, ...], words: str, is_accuracy: bool
) -> None:
    runs = [make_run(tmp_path, name=f"{n}", wrong=(0.1, e)) for n, e in enumerate(errors)]
    lines = [line_of(run.config["name"], run) for run in runs]
    lines.append(Line("another protocol's", (Cell(), Cell()), runs=(runs[0],)))
    table = table_of(*lines)
    if is_accuracy:
        turned = [
            replace(
                line,
                cells=(
                    line.cells[0],
                    replace(line.cells[1], values=tuple(100 - v for v in line.cells[1].values)),
                ),
            )
            for line in lines
        ]
        table = replace(
            table, lines=tuple(turned), columns=(COLUMNS[0], replace(GIVEN, is_accuracy=True))
        )
    floor = [sentence for sentence in conclusions(table) if "same place" in sentence]
    assert floor == [
        "A box at the same place in every picture finds up to 55.0 %, the class being given: "
        f"{words} that (protocol paper)."
    ]


def test_settings_that_come_twice_are_sweeps_of_their_own(tmp_path: Path) -> None:
    lines = []
    for rate, error in (("lr 1", 0.2), ("lr 2", 0.5)):
        for trim in (0, 1):
            run = make_run(tmp_path / rate, trim=trim, wrong=(0.1, error))
            made = line_of(f"pool, trim {trim}, {rate}", run)
            lines.append(replace(made, variant=rate, row="pool"))
    said = conclusions(table_of(*lines))
    assert [s.split("finds")[0] for s in said if "class being given (" in s][1:] == [
        "With 16x16 maps, pool, lr 1 ",
        "With 16x16 maps, pool, lr 2 ",
    ]


def test_maps_of_one_size_are_not_finer(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, trim=trim, wrong=(0.1, 0.2)) for trim in (0, 1, 2)]
    runs[1].facts["network"]["mapping_resolution"] = [16, 16]
    said = conclusions(table_of(*(line_of(f"pool {n}", run) for n, run in enumerate(runs))))
    assert "difference: 80.0 ± 2.0 % at 64x64." in said[0]


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
