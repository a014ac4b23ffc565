from pathlib import Path
from typing import Any

import pytest
from written_runs import change, make_recipe, tables_of, titles, write_run

from gapcam.failure import write_failure
from gapcam.recipes.recipe import Choice
from gapcam.reporting.collect import collect
from gapcam.reporting.table import Cell
from gapcam.reporting.tables import recipe_tables


def test_a_recipe_that_was_not_run() -> None:
    quoted = Choice("of others", None, (None, 29.9))
    rows = {"gap": Choice("ours", (), (40.0, None)), "quoted": quoted}
    tables, notes = recipe_tables(make_recipe(rows=rows), [])
    assert notes == []
    assert len(tables) == 1
    assert [(line.title, line.state) for line in tables[0].lines] == [
        ("ours", "not run"),
        ("of others", "the paper's"),
    ]
    assert tables[0].lines[0].cells == (Cell(paper=40.0), Cell())
    assert tables[0].lines[1].cells == (Cell(), Cell(paper=29.9))
    assert (tables[0].recipe, tables[0].floor_lines) == ("digits", ())


def test_repeats_are_averaged_beside_the_papers_number(tmp_path: Path) -> None:
    write_run(tmp_path, "rrcb", seed=0, test="a")
    write_run(tmp_path, "rrrc", seed=1, test="b")
    (table,) = tables_of(make_recipe(), tmp_path)
    (line,) = table.lines
    assert (line.state, line.layer, line.maps) == ("", "conv3", "16x16")
    classification, localization = line.cells
    assert classification.values == (25, 25)
    assert classification.deviation == 0
    assert classification.difference == -15
    assert localization.values == (50, 25)
    assert localization.mean == 37.5
    assert localization.deviation == pytest.approx(17.677669529663687)
    assert localization.interval is None
    assert localization.difference == -12.75
    assert [run.config["seed"] for run in localization.runs] == [0, 1]
    assert table.columns[0].protocol == ""
    assert (table.columns[1].protocol_id, table.columns[1].rule) == ("paper-1", "value > 0.2")
    assert table.evaluated_on == "4 images of the test split"


def test_a_single_run_has_its_bootstrap_interval(tmp_path: Path) -> None:
    write_run(tmp_path)
    (table,) = tables_of(make_recipe(), tmp_path)
    assert table.lines[0].cells[1].interval == pytest.approx(10)  # the farther end
    assert table.lines[0].state == "1 of 2 seeds not run"


def test_accuracies_and_other_protocols(tmp_path: Path) -> None:
    write_run(tmp_path, "rrcb")
    metrics = {"accuracy": ("1 - cls_top1",), "top-1": ("loc_top1", "exact/loc_top1")}
    metrics["V2"] = ("exact/max_box_acc_v2",)
    rows = {"gap": Choice("gap", (), (63.0, 50.0, None))}
    (table,) = tables_of(make_recipe(metrics=metrics, rows=rows), tmp_path)
    cells = table.lines[0].cells
    assert [cell.mean for cell in cells] == [75, 50, 12.5, 75]
    assert [cell.paper for cell in cells] == [63, 50, 50, None]
    assert [column.protocol_id for column in table.columns] == ["", "paper-1", "exact-1", "exact-1"]
    assert table.floor_lines == (
        ("floor: box around the whole image, class given", (None, 90, 95, None)),
        ("floor: best centred box, class given", (None, 62.5, None, None)),
    )
    assert table.floors == {"floor_whole_image": 90, "floor_best_centred": 62.5}


def test_swept_settings_are_lines_in_the_recipes_order(tmp_path: Path) -> None:
    for trim in (7, 1):  # one that the recipe does not have
        write_run(tmp_path, trim=trim)
    recipe = make_recipe(sweep={"arch.trim": (0, 1)}, paper_at={"arch.trim": 1})
    (table,) = tables_of(recipe, tmp_path)
    assert titles(table) == [f"average pooling, trim {trim}" for trim in (0, 1, 7)]
    assert [line.state for line in table.lines] == ["not run", *["1 of 2 seeds not run"] * 2]
    assert [line.point for line in table.lines] == [(("arch.trim", trim),) for trim in (0, 1, 7)]
    assert [line.cells[0].paper for line in table.lines] == [None, 40, None]
    assert {line.row for line in table.lines} == {"average pooling"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ([{}, {}], ["average pooling"]),
        ([{"gallery": 3}, {"gallery": 9}], ["average pooling"]),
        (
            [{"optim": {"lr": 0.1}}, {"optim": {"lr": 0.2}}],
            ["average pooling, lr 0.1", "average pooling, lr 0.2"],
        ),
        (
            [{}, {"data": {"seed": 1, "size": 8}}],
            ["average pooling, size absent", "average pooling, size 8"],
        ),
        (
            [{}, {"group": "mine"}],
            ["average pooling, group digits", "average pooling, group mine"],
        ),
    ],
)
def test_seeds_with_other_settings_are_not_averaged(
    tmp_path: Path, settings: list[dict[str, Any]], expected: list[str]
) -> None:
    for seed, more in enumerate(settings):
        write_run(tmp_path, seed=seed, settings=more)
    (table,) = tables_of(make_recipe(), tmp_path)
    assert titles(table) == expected


def test_an_axis_of_ones_own_is_shown(tmp_path: Path) -> None:
    for epochs in (4, 8):
        trainer = {"max_epochs": epochs, "max_steps": -1}
        path = write_run(tmp_path, row=f"gap-max_epochs{epochs}", settings={"trainer": trainer})
        change(path, length={"trainer.max_epochs": epochs, "trainer.max_steps": -1})
    (table,) = tables_of(make_recipe(), tmp_path)
    assert titles(table) == ["average pooling, max_epochs 4", "average pooling, max_epochs 8"]


def test_copies_of_a_run_are_not_averaged(tmp_path: Path) -> None:
    one, other = write_run(tmp_path / "a"), write_run(tmp_path / "b")
    (table,) = tables_of(make_recipe(), tmp_path)
    assert titles(table) == [f"average pooling, in {path}" for path in (one, other)]


def test_other_lengths_and_versions_are_told(tmp_path: Path) -> None:
    write_run(tmp_path, seed=0)
    path = write_run(tmp_path, seed=1)
    change(path, trained={"epochs": 9, "steps": 90}, versions={"gapcam": "0.2.0"})
    (table,) = tables_of(make_recipe(note="A note."), tmp_path)
    assert table.note == (
        "A note. average pooling: trained for 4 epochs (40 steps) and 9 epochs (90 steps). "
        "Made with different versions: gapcam 0.1.0, torch 2.15.0; gapcam 0.2.0."
    )


def test_rows_whose_names_begin_alike_are_told_apart(tmp_path: Path) -> None:
    write_run(tmp_path, "rrrr", row="gap")
    write_run(tmp_path, "rrrc", row="gap-star")
    rows = {"gap": Choice("plain", ()), "gap-star": Choice("star", ())}
    (table,) = tables_of(make_recipe(rows=rows), tmp_path)
    assert [(line.title, line.cells[0].mean) for line in table.lines] == [
        ("plain", 0),
        ("star", 25),
    ]


def test_runs_of_rows_that_are_no_more_are_named(tmp_path: Path) -> None:
    path = write_run(tmp_path, row="gone")
    records = collect([tmp_path]).records
    assert recipe_tables(make_recipe(), records)[1] == [
        f"{path} is left out: digits has no row gone any more"
    ]
    borrowed = make_recipe(name="other", runs="digits")
    assert recipe_tables(borrowed, records)[1] == []


def test_columns_of_runs(tmp_path: Path) -> None:
    for place, data in enumerate(("cub", "birds")):
        write_run(tmp_path, "rc" * (place + 1), row=f"gap-{data}", settings={"of": data}, test=data)
    recipe = make_recipe(
        metrics={"accuracy": ("1 - cls_top1",)},
        rows={"gap": Choice("gap", (), (70.0, 80.0, 90.0))},
        columns={
            "cub": Choice("CUB", ()),
            "quoted": Choice("SUN", None),
            "birds": Choice("NABirds", ()),
        },
        repeat={"seed": (0,)},
    )
    (table,) = tables_of(recipe, tmp_path)
    assert [column.title for column in table.columns] == ["CUB", "SUN", "NABirds"]
    (line,) = table.lines
    assert (line.title, line.state) == ("gap", "")
    assert [(cell.mean, cell.paper) for cell in line.cells] == [(50, 70), (None, 80), (50, 90)]
    assert table.evaluated_on == (
        "CUB: 2 images of the test split; NABirds: 4 images of the test split"
    )


def test_splits_are_repeats(tmp_path: Path) -> None:
    for split in (1, 2):
        settings = {"data": {"split": split, "seed": 0}}
        write_run(tmp_path, row=f"gap-split{split}", settings=settings, test=str(split))
    (table,) = tables_of(make_recipe(repeat={"data.split": (1, 2, 3)}), tmp_path)
    assert [(line.title, line.state) for line in table.lines] == [
        ("average pooling", "1 of 3 runs not run")
    ]
    assert table.lines[0].cells[0].values == (25, 25)


def test_states_in_words(tmp_path: Path) -> None:
    failed = write_run(tmp_path, seed=0, finished=False)
    write_failure(failed, "", ValueError("no memory"))
    write_run(tmp_path, seed=1, finished=False)
    (table,) = tables_of(make_recipe(), tmp_path)
    assert table.lines[0].state == (
        "1 of 2 seeds unfinished; 1 of 2 seeds failed: ValueError: no memory"
    )


def test_long_messages_are_cut(tmp_path: Path) -> None:
    write_failure(write_run(tmp_path, finished=False), "", ValueError("x " * 500))
    (table,) = tables_of(make_recipe(repeat={"seed": (0,)}), tmp_path)
    assert table.lines[0].state.startswith("failed: ValueError: x x x")
    assert len(table.lines[0].state) < 100
