from io import StringIO

import pytest
from rich.console import Console

from gapcam.cam.taxonomy import KINDS
from gapcam.score_table import by_protocol, print_scores, score_rows

NUMBERS = {
    "test/loc_top1": 0.5,
    "test/loc_gt_known": 0.25,
    "test/floor_whole_image": 0.6,
    "test/exact/loc_gt_known": 0.2,
    "test/exact/oracle_loc_gt_known": 0.19,
    "test/exact/max_box_acc": 0.8,
    "test/exact/threshold_50": 0.312,
}


def test_numbers_are_told_apart_by_protocol() -> None:
    found = by_protocol(NUMBERS, {"paper": {}, "exact": {}})
    assert found["paper"] == {"loc_top1": 0.5, "loc_gt_known": 0.25, "floor_whole_image": 0.6}
    assert found["exact"]["max_box_acc"] == 0.8
    assert by_protocol({}, {"paper": {}}) == {"paper": {}}


@pytest.mark.parametrize(
    ("title", "cells"),
    [
        ("localization, top-1", ["50.00", "-"]),
        ("GT-known (class given)", ["25.00", "20.00"]),
        ("MaxBoxAcc (largest region)", ["-", "80.00"]),
        ("threshold for IoU 0.5", ["-", "0.312"]),
        ("class given, best threshold here", ["-", "19.00 (1.00)"]),
        ("floor: box around the whole image", ["60.00", "-"]),
    ],
)
def test_rows(title: str, cells: list[str]) -> None:
    rows = score_rows(by_protocol(NUMBERS, {"paper": {}, "exact": {}}))
    assert [row.cells for row in rows if row.title == title] == [cells]


def test_intervals_stand_beside_their_numbers() -> None:
    numbers = by_protocol(NUMBERS, {"paper": {}, "exact": {}})
    rows = score_rows(numbers, {"paper": {"loc_top1": [0.45, 0.5512]}})
    assert rows[0].cells == ["50.00 ±5.1", "-"]


def test_every_kind_of_mistake_has_a_title() -> None:
    kinds = dict.fromkeys(KINDS, 1 / len(KINDS))
    rows = score_rows({"paper": {"loc_top1": 0.5}}, {}, {"paper": kinds})
    assert [row.cells for row in rows if row.section == "the best guess, %"] == [["14.29"]] * 7


def test_what_no_protocol_has_is_no_row() -> None:
    assert score_rows({"paper": {}}) == []
    titles = {row.title for row in score_rows({"paper": {"loc_top1": 0.5}})}
    assert titles == {"localization, top-1"}


def test_prints_protocols_side_by_side() -> None:
    console = Console(file=StringIO(), width=120)
    print_scores(by_protocol(NUMBERS, {"paper": {}, "exact": {}}), {}, {}, console)
    (header,) = [line for line in console.file.getvalue().splitlines() if "paper" in line]
    assert [cell.strip() for cell in header.strip("┃").split("┃")] == ["", "paper", "exact"]


@pytest.mark.parametrize("width", [20, 60])
def test_narrow_terminals(width: int) -> None:
    """Titles are broken below their section, and neither they nor numbers are lost."""
    console = Console(file=StringIO(), width=width)
    print_scores(by_protocol(NUMBERS, {"paper": {}, "exact": {}}), {}, {}, console)
    lines = [line.split("│")[1:-1] for line in console.file.getvalue().splitlines() if "│" in line]
    titles = [line[0] for line in lines]
    place = next(row for row, title in enumerate(titles) if "floor: box" in title)
    assert titles[place + 1].startswith("   ")
    assert "whole image" in " ".join(" ".join(titles[place : place + 3]).split())
    assert any("19.00 (1.00)" in line[2] for line in lines)
