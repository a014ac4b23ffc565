"""Run directories as a report finds them, made without training, and tables of them."""

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

from gapcam.reporting.records import RunRecord
from gapcam.reporting.table import Cell, Column, Line, Table
from gapcam.viz.localizations import Localization
from gapcam.viz.overlay import panel

CLASSES = ("cat", "<b>dog</b>")
RULE = {"protocol": "paper", "protocol_title": "paper", "protocol_id": "paper-bc9b97"}
COLUMNS = (
    Column("classification", "cls_top1"),
    Column("class given", "loc_gt_known", **RULE, rule="value > 0.2; IoU >= 0.5"),
)
IOU = (0.9, 0.75, 0.55, 0.45, 0.3, 0.0)
"""Of the six test images; the last one's class is guessed wrong, too."""


def make_run(
    folder: Path,
    *,
    trim: int = 0,
    seed: int = 0,
    wrong: tuple[float, float] = (0.1, 0.2),
    name: str = "digits/small_gap",
    images: str = "0123",
) -> RunRecord:
    """A finished run with errors `wrong` (class, box), of six test images.

    The first picture is one of those that every run draws, the others are its best and worst.
    """
    path = folder / name / f"trim{trim}" / f"seed{seed}"
    (path / "cams").mkdir(parents=True)
    (path / "csv" / "version_0").mkdir(parents=True)
    size = 16 * 2**trim
    facts = {
        "metrics": {"test/cls_top1": wrong[0], "test/loc_gt_known": wrong[1]},
        "protocols": {"paper": {"title": "paper"}, "exact": {"title": "exact"}},
        "intervals": {
            "paper": {
                "cls_top1": [wrong[0] - 0.01, wrong[0] + 0.01],
                "loc_gt_known": [wrong[1] - 0.02, wrong[1] + 0.02],
            }
        },
        "mistakes": {
            "paper": {"right": 0.9 - wrong[1], "wrong_class": 0.1, "part": wrong[1]},
        },
        "network": {
            "last_layer": f"conv{3 - trim}",
            "parameters": 1000 // (1 + trim),
            "mapping_resolution": [size, size],
        },
        "data": {"fingerprint": {"test": images}, "evaluated_on": "6 images"},
        "trained": {"epochs": 2, "steps": 20},
        "seconds": {"train": 75.0, "test": 0.4},
        "device": "1 x cpu",
        "versions": {"gapcam": "0.1.0"},
        "command": f"python -m gapcam.run arch.trim={trim} seed={seed} 'data.counts=[1,2,3]'",
    }
    (path / "metrics.json").write_text(json.dumps(facts))
    (path / "report.html").write_text("<!doctype html>")
    (path / "csv" / "version_0" / "metrics.csv").write_text(
        f"epoch,step,val/cls_top1,val/loc_gt_known\n0,10,0.9,0.8\n1,20,{wrong[0]},{wrong[1]}\n"
    )
    (path / "curve-exact.csv").write_text(
        f"threshold,v1_50,v2_50\n0,0,0\n0.5,{1 - wrong[1]},1\n0.9,0,0\n"
    )
    write_rows(path / "rows.csv")
    for group, rank, index in (("same", 1, 0), ("best", 1, 1), ("worst", 1, 5), ("worst", 2, 4)):
        picture(index).save(path / "cams" / f"{group}-{rank:02d}-{index}.png")
    config = {"name": name, "seed": seed, "run_id": name, "arch": {"trim": trim}}
    return RunRecord(path, "finished", config, facts)


def write_rows(path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["index", "image", "label", "label_name", "true_boxes", "guess_1", "guess_1_iou"]
        )
        for index, iou in enumerate(IOU):
            label = index % 2
            guess = label if index < 5 else 1 - label
            writer.writerow([index, f"test/{index}", label, CLASSES[label], 1, guess, iou])


def picture(index: int) -> Image.Image:
    """A panel as runs draw it: a red picture, whose map is high on the left."""
    heat = np.zeros((24, 32), np.float32)
    heat[:, :16] = 1
    return panel(
        Localization(
            index=index,
            name=f"test/{index}",
            picture=Image.new("RGB", (32, 24), (200, 40, 40)),
            heat=heat,
            true_boxes=np.array([[2, 2, 18, 20]], np.float32),
            boxes=np.array([[0, 0, 16, 24]], np.float32),
            label=0,
            guess=0,
            true_name="cat",
            guess_name="cat",
            score=0.9,
            iou=0.5,
        )
    )


def line_of(title: str, *runs: RunRecord, paper: tuple[float | None, ...] = (None, None)) -> Line:
    """The line of runs that repeat each other, in the columns of `COLUMNS`."""
    cells = []
    for column, number in zip(COLUMNS, paper, strict=True):
        found = [100 * run.facts["metrics"][f"test/{column.name}"] for run in runs]
        ends = runs[0].facts["intervals"]["paper"][column.name] if len(runs) == 1 else None
        interval = None if ends is None else 50 * (ends[1] - ends[0])
        cells.append(Cell(tuple(found), interval, number, runs))
    size = runs[0].facts["network"]["mapping_resolution"] if runs else []
    return Line(
        title, tuple(cells), runs, maps="x".join(map(str, size)), state="" if runs else "not run"
    )


def table_of(*lines: Line, **more: object) -> Table:
    """A table of `COLUMNS` with its floors."""
    floors = {"floor_whole_image": 98.0, "floor_best_centred": 45.0}
    shown = tuple((f"floor: {name[6:]}", (None, value)) for name, value in floors.items())
    return Table(
        "Digits & more", COLUMNS, lines, **{"floors": floors, "floor_lines": shown, **more}
    )
