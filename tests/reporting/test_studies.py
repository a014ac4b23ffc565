"""Runs of `python -m gapcam.study` stand in reports as runs of `gapcam.run` do."""

import json
from pathlib import Path
from typing import Any

import pytest
from recipes_support import make_recipe as make_plan
from written_runs import make_recipe, write_run

from gapcam.errors import UserError
from gapcam.failure import write_failure
from gapcam.recipes.plan import compose_run, plan
from gapcam.recipes.queue import command_of
from gapcam.recipes.recipe import Choice, Recipe
from gapcam.reporting.collect import collect
from gapcam.reporting.numbers import usual_columns
from gapcam.reporting.paired import paired_differences
from gapcam.reporting.table import Table
from gapcam.reporting.tables import recipe_tables

STUDY = (
    *("study=features", "arch=small_gap", "data=folders", "data.root=/data/x"),
    "arch.weights=x.ckpt",
)


def change(path: Path, **changed: Any) -> None:
    facts = json.loads((path / "metrics.json").read_text())
    (path / "metrics.json").write_text(json.dumps({**facts, **changed}))


def only_table(folder: Path, recipe: Recipe) -> Table:
    (table,), notes = recipe_tables(recipe, collect([folder]).records)
    assert notes == []
    return table


@pytest.mark.parametrize(
    ("parts", "shown", "deviation"),
    [
        ([], (25.0,), None),
        ([0.25], (25.0,), None),
        ([0.2, 0.3], (20.0, 30.0), 50**0.5),
    ],
)
def test_a_run_that_repeats_something_itself(
    tmp_path: Path, parts: list[float], shown: tuple[float, ...], deviation: float | None
) -> None:
    change(write_run(tmp_path), repeats={"test/cls_top1": parts} if parts else {})
    cell = only_table(tmp_path, make_recipe(repeat={"seed": (0,)})).lines[0].cells[0]
    assert cell.values == pytest.approx(shown)
    assert cell.deviation == pytest.approx(deviation)
    assert (cell.interval is None) == bool(parts)


def test_a_column_with_a_number_of_its_own(tmp_path: Path) -> None:
    for column, metrics in (("x", {"test/cls_top1": 0.25}), ("y", {"test/average_precision": 0.6})):
        change(write_run(tmp_path, row=f"gap-{column}"), metrics=metrics)
    recipe = make_recipe(
        metrics={"accuracy": ("1 - cls_top1",)},
        rows={"gap": Choice("pooled", (), (70.0, 65.0))},
        columns={"x": Choice("X"), "y": Choice("Y", metric="average_precision")},
    )
    table = only_table(tmp_path, recipe)
    assert [cell.values for cell in table.lines[0].cells] == [(75.0,), (60.0,)]
    assert [cell.difference for cell in table.lines[0].cells] == [5.0, pytest.approx(-5.0)]


def test_what_does_not_look_stands_below_its_own_column(tmp_path: Path) -> None:
    numbers = {"pixel_ap": 0.4, "floor_pixel_ap": 0.1, "box_recall": 0.5, "floor_box_recall": 0.25}
    change(write_run(tmp_path), metrics={f"test/{name}": one for name, one in numbers.items()})
    metrics = {"wrong": ("cls_top1",), "AP": ("pixel_ap",), "words": ("box_recall",)}
    rows = {"gap": Choice("average", ())}
    table = only_table(tmp_path, make_recipe(metrics=metrics, rows=rows))
    assert table.floor_lines == (
        ("floor: average precision of pixels, every pixel alike", (None, 10, None)),
        ("floor: true boxes found by a map of the centre that marks as much", (None, None, 25)),
    )


def test_rows_that_are_not_of_images_are_not_compared(tmp_path: Path) -> None:
    for row in ("gap", "gmp"):
        folder = write_run(tmp_path, row=row)
        (folder / "rows.csv").write_text("object,scene\nlamp,kitchen\n")
    rows = {"gap": Choice("average", ()), "gmp": Choice("largest", ())}
    tables = [only_table(tmp_path, make_recipe(rows=rows))]
    assert paired_differences(tables) == ([], [])


def test_numbers_of_studies_are_shown_without_a_recipe() -> None:
    assert usual_columns([]) == []
    facts = {"metrics": {"test/vqa_accuracy": 0.5}, "protocols": {"paper": {}}}
    assert [column.name for column in usual_columns([facts])] == ["vqa_accuracy"]


def test_its_command() -> None:
    recipe = make_plan(rows={"b": Choice("B", STUDY)}, command="study")
    (run,) = plan(recipe)
    assert run.command == "study"
    assert command_of(run).startswith("python -m gapcam.study +experiment=small")


def test_what_failed_before_it_began(tmp_path: Path) -> None:
    write_run(tmp_path)
    words = " ".join(STUDY)
    write_failure(tmp_path / "early", f"python -m gapcam.study {words}", UserError("no pictures"))
    early = next(one for one in collect([tmp_path]).records if one.path.name == "early")
    assert (early.state, early.failure) == ("failed", "no pictures")
    assert early.config["study"]["_target_"] == "gapcam.study.features.Features"


def test_a_study_needs_a_trained_network() -> None:
    (run,) = plan(make_plan(rows={"b": Choice("B", STUDY[:-1])}, command="study"))
    bare = type(run)(**{**vars(run), "words": run.words[2:]})
    with pytest.raises(UserError, match=r"a trained network: give ckpt=.*arch\.weights=imagenet"):
        compose_run(bare)
