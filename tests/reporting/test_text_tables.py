import csv
import io
from dataclasses import replace

import pytest

from gapcam.reporting.latex import latex
from gapcam.reporting.markdown import markdown
from gapcam.reporting.page import PairedDifferences
from gapcam.reporting.records import RunRecord
from gapcam.reporting.table import Cell, Column, Line, Table
from gapcam.reporting.text_tables import (
    csv_text,
    difference_text,
    direction,
    grid,
    measured_text,
    paired_csv,
    paper_text,
)

FACTS = {"versions": {"gapcam": "0.1.0"}, "device": "1 x cpu", "command": "python -m gapcam.run"}
RUNS = (RunRecord("runs/a", "finished", {}, FACTS), RunRecord("runs/b", "finished", {}, FACTS))
TOP1 = Column("top-1", "loc_top1", False, "paper", "paper", "paper-1", "value > 0.2 | any_box")
TABLE = Table(
    title="Table 2 & more",
    columns=(Column("accuracy", "cls_top1", is_accuracy=True), TOP1),
    lines=(
        Line(
            "AlexNet*-GAP_50%",
            (Cell((60.0, 61.0), paper=63.75, runs=RUNS), Cell((50.0,), 4.5, runs=RUNS[:1])),
            runs=RUNS,
            layer="conv5",
            maps="13x13",
        ),
        Line("quoted", (Cell(paper=29.9), Cell()), state="the paper's"),
    ),
    evaluated_on="8 images",
    floor_lines=(("floor", (None, 90.0)),),
    recipe="table2",
)
PAIRED = PairedDifferences(
    TOP1,
    ("a", "b|c"),
    ((None, -2.0), (2.0, None)),
    ((None, -3.0), (-0.5, None)),
    ((None, -1.0), (4.5, None)),
    1234,
    "table2",
)


EMPTY = Table("nothing", (TOP1,), ())


@pytest.mark.parametrize(
    ("cell", "measured", "paper", "difference"),
    [
        (Cell(), "", "", ""),
        (Cell(paper=43.0), "", "43.0", ""),
        (Cell((50.0,), paper=56.40), "50.00", "56.4", "-6.40"),
        (Cell((50.0,), 4.5), "50.00 [± 4.50]", "", ""),
        (Cell((60.0, 61.0), paper=33.4), "60.50 ± 0.71", "33.4", "+27.10"),
    ],
)
def test_cells(cell: Cell, measured: str, paper: str, difference: str) -> None:
    assert measured_text(cell) == measured
    assert paper_text(cell) == paper
    assert difference_text(cell.difference) == difference


def test_a_grid_has_no_empty_columns() -> None:
    assert grid(EMPTY) == [["", "top-1", "runs"]]
    assert grid(TABLE) == [
        ["", "last layer", "maps", "accuracy", "paper", "diff.", "top-1", "runs"],
        [
            *("AlexNet*-GAP_50%", "conv5", "13x13", "60.50 ± 0.71", "63.75", "-3.25"),
            *("50.00 [± 4.50]", "2/1"),
        ],
        ["quoted", "", "", "", "29.9", "", "", "the paper's"],
        ["floor", "", "", "", "", "", "90.00", ""],
    ]


def test_columns_of_one_title_name_their_protocols() -> None:
    other = replace(TOP1, name="exact/loc_top1", protocol_title="exact", protocol_id="exact-1")
    unknown = Column("top-1", "released/loc_top1"), Column("top-1", "loc_top1")
    titles = grid(Table("", (TOP1, other, *unknown), ()))[0]
    protocols = ("paper", "exact", "released", "main protocol")
    assert titles == ["", *(f"top-1 ({protocol})" for protocol in protocols), "runs"]


def test_a_column_without_our_numbers_is_shown_for_the_papers_or_where_nothing_was_run() -> None:
    second = Column("second", "loc_top5")
    line = Line("a", (Cell((1.0,)), Cell()))
    table = Table("", (TOP1, second), (line,))
    assert grid(table)[0] == ["", "top-1", "runs"]
    paper = replace(line, cells=(Cell((1.0,)), Cell(paper=2.0)))
    assert grid(replace(table, lines=(paper,)))[0] == ["", "top-1", "second", "paper", "runs"]
    not_run = replace(line, cells=(Cell(), Cell()), state="not run")
    assert grid(replace(table, lines=(not_run,)))[0] == ["", "top-1", "second", "runs"]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ((), "Errors: lower is better."),
        ((TOP1,), "Errors: lower is better."),
        ((Column("V2", "exact/max_box_acc_v2"),), "Accuracies: higher is better."),
        (TABLE.columns, "Errors, lower is better: top-1. Accuracies, higher is better: accuracy."),
    ],
)
def test_what_is_better(columns: tuple[Column, ...], expected: str) -> None:
    assert direction(Table("", columns, ())) == expected


def test_markdown_is_a_table_with_its_rules() -> None:
    apart = replace(TABLE, reason="another protocol: x instead of y", note="A note.")
    text = markdown("Report", [TABLE, apart], [PAIRED], ["a note"], "2026-01-02", "python -m x")
    lines = text.splitlines()
    assert lines[0] == "# Report"
    assert lines[2] == "## Table 2 & more"
    assert lines[4:9] == [
        "|  | last layer | maps | accuracy | paper | diff. | top-1 | runs |",
        "| :-- | --: | --: | --: | --: | --: | --: | :-- |",
        "| AlexNet\\*-GAP_50% | conv5 | 13x13 | 60.50 ± 0.71 | 63.75 | -3.25 | 50.00 [± 4.50] "
        "| 2/1 |",
        "| quoted |  |  |  | 29.9 |  |  | the paper's |",
        "| floor |  |  |  |  |  | 90.00 |  |",
    ]
    assert "- protocol paper (paper-1): value > 0.2 \\| any_box" in lines
    better = "Errors, lower is better: top-1. Accuracies, higher is better: accuracy."
    assert f"{better} Scored on 8 images." in lines
    assert "Apart from the table above: another protocol: x instead of y." in lines
    assert lines.count("python -m gapcam.run") == 1
    assert "Made with gapcam 0.1.0; on 1 x cpu." in lines
    assert "Note: a note" in lines
    assert lines[-1] == "Written on 2026-01-02 by `python -m x`."
    assert "| a |  | **-2.00** (-3.00 to -1.00) |" in lines
    assert "| b\\|c | +2.00 (-0.50 to +4.50) |  |" in lines
    assert "1,234 images" in text


@pytest.mark.parametrize(("lines", "is_shown"), [(12, True), (13, False)])
def test_many_pairs_are_left_to_their_file(lines: int, is_shown: bool) -> None:
    square = tuple(tuple(1.0 for _ in range(lines)) for _ in range(lines))
    many = PairedDifferences(TOP1, tuple("abcdefghijklm"[:lines]), square, square, square, 9)
    text = markdown("", [], [many], [], "", "")
    assert ("line minus column" in text) == is_shown
    assert ("see `paired.csv`" in text) != is_shown


def test_markdown_of_nothing() -> None:
    text = markdown("Nothing", [], [], [], "2026-01-02", "python -m x")
    assert text == "# Nothing\n\nWritten on 2026-01-02 by `python -m x`.\n"


def test_csv_has_a_line_for_each_cell_and_floor() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text([TABLE]))))
    assert [(row["line"], row["number"]) for row in rows] == [
        ("AlexNet*-GAP_50%", "cls_top1"),
        ("AlexNet*-GAP_50%", "loc_top1"),
        ("quoted", "cls_top1"),
        ("quoted", "loc_top1"),
        ("floor", "loc_top1"),
    ]
    first, second, quoted, _, floor = rows
    assert first["mean"] == "60.5"
    assert float(first["sd"]) == pytest.approx(0.5**0.5, abs=1e-6)
    assert (first["n"], first["difference"], first["runs"]) == ("2", "-3.25", "runs/a;runs/b")
    assert (first["is_accuracy"], first["protocol"]) == ("True", "")
    assert (second["protocol"], second["interval"], second["paper"]) == ("paper-1", "4.5", "")
    assert (quoted["mean"], quoted["paper"], quoted["state"]) == ("", "29.9", "the paper's")
    assert (floor["mean"], floor["state"]) == ("90", "floor")
    assert csv_text([]).count("\n") == 1


def test_csv_of_paired_differences_has_a_line_for_each_pair() -> None:
    rows = list(csv.DictReader(io.StringIO(paired_csv([PAIRED]))))
    assert [(row["line"], row["minus"], row["difference"]) for row in rows] == [
        ("a", "b|c", "-2"),
        ("b|c", "a", "2"),
    ]
    assert (rows[0]["low"], rows[0]["high"], rows[0]["images"]) == ("-3", "-1", "1234")


def test_latex_is_escaped_and_has_rules() -> None:
    bracket = Line("[a] {b} ~^\\ <|> x\N{MULTIPLICATION SIGN}y", (Cell(), Cell()))
    text = latex([replace(TABLE, lines=(*TABLE.lines, bracket))])
    lines = text.splitlines()
    assert lines[0] == "% \\usepackage{booktabs}"
    assert lines[3].startswith("\\caption{Table 2 \\& more. Errors, lower is better: top-1. ")
    assert "95 \\% bootstrap" in lines[3]
    assert "\\begin{tabular}{lrrrrrrl}" in lines
    begins = {line.partition(" & ")[0] for line in lines}
    assert "AlexNet*-GAP\\_50\\%" in begins
    tilde = "\\textasciitilde{}\\textasciicircum{}\\textbackslash{}"
    tilde += " \\textless{}\\textbar{}\\textgreater{}"
    assert f"{{[}}a] \\{{b\\}} {tilde} x$\\times$y" in begins
    assert "60.50 $\\pm$ 0.71" in text
    assert [line for line in lines if "rule" in line] == [
        *("\\toprule", "\\midrule", "\\midrule", "\\bottomrule")
    ]
    body = [line for line in lines if line.endswith("\\\\")]
    assert {line.replace("\\&", "").count("&") for line in body} == {7}
