"""Which lines may share a table, and what is said where they may not."""

import json
from pathlib import Path
from typing import Any

import pytest
from written_runs import change, make_recipe, tables_of, titles, write_run

from gapcam.recipes.recipe import Choice
from gapcam.reporting.collect import collect
from gapcam.reporting.tables import other_tables

THIRD = {"title": "paper(threshold=0.3)", "id": "paper-2", "rule": "value > 0.3"}
RULE = "another protocol: paper(threshold=0.3) instead of paper"


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        ({}, None),
        ({"protocol": THIRD}, RULE),
        ({"protocol": {"id": "paper-2"}}, "another protocol: paper-2 instead of paper-1"),
        (
            {"protocol": {"view": "ten"}},
            "classified from the view 'ten' instead of 'whole'",
        ),
        (
            {"test": "9999"},
            "other images: 4 images of the test split (9999) instead of "
            "4 images of the test split (0123)",
        ),
        (
            {"outcomes": "rrr"},
            "other images: 3 images of the test split (0123) instead of "
            "4 images of the test split (0123)",
        ),
    ],
)
def test_what_cannot_be_compared_stands_apart(
    tmp_path: Path, last: dict[str, Any], reason: str | None
) -> None:
    rows = {key: Choice(key, ()) for key in ("odd", "b", "c", "missing")}
    write_run(tmp_path, row="odd", **last)
    write_run(tmp_path, row="b")
    write_run(tmp_path, row="c")
    tables = tables_of(make_recipe(rows=rows), tmp_path)
    assert [table.reason for table in tables] == ["", *([] if reason is None else [reason])]
    if reason is not None:
        assert titles(tables[0]) == ["b", "c", "missing"]
        assert titles(tables[1]) == ["odd"]
        changed = last.get("protocol", {}).get("id", "paper-1")
        assert tables[1].columns[1].protocol_id == changed


def test_lines_with_other_seeds_on_the_same_images_are_compared(tmp_path: Path) -> None:
    rows = {key: Choice(key, ()) for key in ("a", "b", "c")}
    write_run(tmp_path, row="a", seed=0)
    write_run(tmp_path, row="b", seed=1)
    write_run(tmp_path, row="c", seed=2, test="drawn by its seed")
    tables = tables_of(make_recipe(rows=rows), tmp_path)
    assert [titles(table) for table in tables] == [["a", "b"], ["c"]]


def test_what_runs_say_of_their_data_is_said_once(tmp_path: Path) -> None:
    for seed in (0, 1):
        path = write_run(tmp_path, seed=seed)
        data = json.loads((path / "metrics.json").read_text())["data"]
        change(path, data={**data, "notes": ["not the whole data set", f"drawn by seed {seed}."]})
    (table,) = tables_of(make_recipe(note="A note."), tmp_path)
    assert table.note == "A note. Not the whole data set. Drawn by seed 0. Drawn by seed 1."


def test_cuts_of_the_same_pictures_share_a_table(tmp_path: Path) -> None:
    rows = {key: Choice(key, ()) for key in ("full", "cut", "fewer")}
    write_run(tmp_path, row="full", test="0123")
    metrics = write_run(tmp_path, row="cut", test="4567") / "metrics.json"
    metrics.write_text(
        metrics.read_text().replace(
            '"test/floor_whole_image": 0.9', '"test/floor_whole_image": 0.1'
        )
    )
    write_run(tmp_path, "rrr", row="fewer", test="4567")
    first, apart = tables_of(make_recipe(rows=rows, cuts=True), tmp_path / "digits")
    assert titles(first) == ["full", "cut"]
    assert first.note.endswith("Floors are those of full.")
    write_run(tmp_path / "alone", row="full", test="0123")
    (alone,) = tables_of(make_recipe(rows={"full": rows["full"]}), tmp_path / "alone")
    assert first.floor_lines == alone.floor_lines
    assert titles(apart) == ["fewer"]
    assert apart.reason.startswith("other images: ")


def test_runs_without_a_recipe(tmp_path: Path) -> None:
    assert [table.lines for table in other_tables([])] == [()]
    for seed in (0, 1):
        write_run(tmp_path, "rrcb", experiment=None, row="small", seed=seed)
    write_run(tmp_path, "rr2b", experiment=None, row="small", trim=1)
    write_run(tmp_path, experiment=None, row="other", test="other")
    first, second = other_tables(collect([tmp_path]).records)
    assert [(line.title, line.cells[1].values) for line in first.lines] == [
        ("small, trim 0", (50, 50)),
        ("small, trim 1", (50,)),
    ]
    assert [column.name for column in first.columns] == [
        *("cls_top1", "loc_top1", "loc_top5", "loc_gt_known", "exact/max_box_acc_v2")
    ]
    assert titles(second) == ["other, trim 0"]
    assert second.reason.startswith("other images: ")


def test_five_guesses_among_five_classes_are_no_column(tmp_path: Path) -> None:
    write_run(tmp_path, "rr2b", experiment=None, row="small")
    (table,) = other_tables(collect([tmp_path]).records)
    assert "loc_top5" not in [column.name for column in table.columns]
