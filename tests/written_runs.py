"""Run directories on disk, made without training: settings, numbers and rows that agree."""

import csv
import json
from pathlib import Path
from typing import Any

import yaml

from gapcam.recipes.recipe import Choice, Recipe
from gapcam.reporting.collect import collect
from gapcam.reporting.table import Table
from gapcam.reporting.tables import recipe_tables

PAPER = {"title": "paper", "id": "paper-1", "rule": "value > 0.2", "view": "whole", "iou": [0.5]}
EXACT = {"title": "exact", "id": "exact-1", "rule": "1,000 thresholds", "view": "whole"}
EXACT |= {"iou": [0.3, 0.5, 0.7]}
LENGTH = {"trainer.max_epochs": 4, "trainer.max_steps": -1}


def make_recipe(**changes: Any) -> Recipe:
    settings: dict[str, Any] = {
        "name": "digits",
        "runs": "digits",
        "title": "Digits",
        "metrics": {"classification": ("cls_top1",), "top-1": ("loc_top1",)},
        "rows": {"gap": Choice("average pooling", (), (40.0, 50.25))},
        "columns": {},
        "sweep": {},
        "paper_at": {},
        "repeat": {"seed": (0, 1)},
    }
    return Recipe(**{**settings, **changes})


def write_run(
    runs: Path,
    outcomes: str = "rrcb",
    *,
    experiment: str | None = "digits",
    row: str = "gap",
    trim: int = 0,
    seed: int = 0,
    settings: dict[str, Any] | None = None,
    test: str = "0123",
    protocol: dict[str, Any] | None = None,
    finished: bool = True,
) -> Path:
    """Write a run of which each letter of `outcomes` is a test image.

    `r` right, `c` wrong class, `b` box missed, `2` the second guess is right, `-` right without a
    true box. `test` is the fingerprint of the test split, `protocol` changes the main protocol.
    """
    name = row if experiment is None else f"{experiment}/{row}"
    path = runs / name / f"trim{trim}" / f"seed{seed}"
    path.mkdir(parents=True)
    config: dict[str, Any] = {
        "name": name,
        "group": experiment or name,
        "experiment": experiment and {"name": experiment, "row": row},
        "seed": seed,
        "run_dir": str(path),
        "run_id": f"{name}-trim{trim}-seed{seed}",
        "arch": {"trim": trim},
        "data": {"seed": seed},
        "trainer": {"max_epochs": 4, "max_steps": -1},
        **(settings or {}),
    }
    (path / "config.yaml").write_text(yaml.safe_dump(config))
    if finished:
        facts = facts_of(outcomes, test, protocol or {})
        (path / "metrics.json").write_text(json.dumps(facts))
        write_rows(path / "rows.csv", outcomes)
    return path


def facts_of(outcomes: str, test: str, protocol: dict[str, Any]) -> dict[str, Any]:
    boxed = len(outcomes) - outcomes.count("-")

    def share(letters: str, of: int) -> float:
        return sum(outcomes.count(letter) for letter in letters) / of

    errors = {
        "cls_top1": share("c2", len(outcomes)),
        "cls_top5": share("c", len(outcomes)),
        "loc_top1": share("cb2", boxed),
        "loc_top5": share("cb", boxed),
        "loc_gt_known": share("b", boxed),
    }
    main = {**errors, "floor_whole_image": 0.9, "floor_best_centred": 0.625}
    exact = {"loc_top1": 0.125, "max_box_acc_v2": 0.75, "floor_whole_image": 0.95}
    return {
        "metrics": {
            **{f"test/{name}": value for name, value in main.items()},
            **{f"test/exact/{name}": value for name, value in exact.items()},
        },
        "protocols": {"paper": {**PAPER, **protocol}, "exact": EXACT},
        "intervals": {
            "paper": {name: [value - 0.1, value + 0.05] for name, value in errors.items()}
        },
        "mistakes": {},
        "network": {"last_layer": "conv3", "mapping_resolution": [16, 16]},
        "data": {
            "fingerprint": {"test": test},
            "evaluated_on": f"{len(outcomes)} images of the test split",
        },
        "trained": {"epochs": 4, "steps": 40},
        "device": "1 x cpu",
        "versions": {"gapcam": "0.1.0", "torch": "2.15.0"},
        "command": "python -m gapcam.run +experiment=digits",
        "length": dict(LENGTH),
    }


def write_rows(path: Path, outcomes: str) -> None:
    guesses = {"r": (1, 2), "c": (0, 2), "b": (1, 2), "2": (2, 1), "-": (1, 2)}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        header = ["index", "image", "label", "label_name", "true_boxes", "guess_1", "guess_2"]
        writer.writerow([*header, "guess_1_iou", "guess_1_x0", "guess_2_iou", "label_iou"])
        for index, letter in reversed(list(enumerate(outcomes))):  # in no order
            iou = {"b": 0.25, "-": ""}.get(letter, 0.5)
            first, second = guesses[letter]
            picture = [index, f"#{index}", 1, 'a "shark", white', int(letter != "-")]
            writer.writerow([*picture, first, second, iou, 3.5, iou, iou])


def tables_of(recipe: Recipe, runs: Path) -> list[Table]:
    tables, notes = recipe_tables(recipe, collect([runs]).records)
    assert notes == []
    return tables


def change(path: Path, **facts: Any) -> None:
    """Change what a run's `metrics.json` says."""
    old = json.loads((path / "metrics.json").read_text())
    (path / "metrics.json").write_text(json.dumps({**old, **facts}))


def titles(table: Table) -> list[str]:
    return [line.title for line in table.lines]
