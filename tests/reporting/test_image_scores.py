import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from written_runs import facts_of, write_rows, write_run

from gapcam.errors import UserError
from gapcam.reporting.image_scores import image_scores, main_iou

OUTCOMES = "rcb2-r"


def slowly(path: Path, name: str, iou: float) -> list[bool]:
    """Whether images are wrong, in order of their index, without those that do not count."""
    wrong = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if not name.startswith("cls") and row["true_boxes"] == "0":
                continue
            if name == "loc_gt_known":
                wrong[int(row["index"])] = float(row["label_iou"]) < iou
                continue
            guesses = ["guess_1"] if name.endswith("top1") else ["guess_1", "guess_2"]
            wrong[int(row["index"])] = not any(
                row[guess] == row["label"]
                and (name.startswith("cls") or float(row[f"{guess}_iou"]) >= iou)
                for guess in guesses
            )
    return [wrong[index] for index in sorted(wrong)]


@pytest.mark.parametrize("name", ["cls_top1", "cls_top5", "loc_top1", "loc_top5", "loc_gt_known"])
@pytest.mark.parametrize("outcomes", ["r", OUTCOMES, "cccc"])
def test_as_a_slow_loop(tmp_path: Path, name: str, outcomes: str) -> None:
    path = write_run(tmp_path, outcomes)
    facts = json.loads((path / "metrics.json").read_text())
    found = image_scores(path, facts, name)
    assert found.wrong.tolist() == slowly(path / "rows.csv", name, 0.5)
    assert found.wrong.mean() == pytest.approx(facts["metrics"][f"test/{name}"])


def test_images_are_told_by_split_and_rows(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.csv", "rrb-")
    images = [
        image_scores(tmp_path, facts_of("rrb-", test, {}), name).images
        for test, name in (("a", "loc_top1"), ("a", "loc_gt_known"), ("b", "loc_top1"))
    ]
    assert images[0] == images[1] != images[2]
    whole = image_scores(tmp_path, facts_of("rrb-", "a", {}), "cls_top1").images
    assert whole != images[0]  # an image without a box counts there


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "No such file"),
        ("", "StopIteration"),
        ("index,label\r\n0,1\r\n", "ValueError"),
        ("half a line", "ValueError"),
        ("index,label,true_boxes,guess_1,guess_1_iou,label_iou\r\n", "StopIteration"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, text: str | None, reason: str) -> None:
    if text is not None:
        (tmp_path / "rows.csv").write_text(text)
    with pytest.raises(UserError, match=rf"rows\.csv cannot be read \(.*{reason}"):
        image_scores(tmp_path, facts_of("r", "a", {}), "loc_top1")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("rrrr", r"gives 0\.0000 % for loc_top1 where metrics.json says 25\.0000 %"),
        ("----", "gives nothing for loc_top1"),
    ],
)
def test_rows_that_were_changed_are_told(tmp_path: Path, rows: str, message: str) -> None:
    write_rows(tmp_path / "rows.csv", rows)
    with pytest.raises(UserError, match=message):
        image_scores(tmp_path, facts_of("rrrb", "a", {}), "loc_top1")


@pytest.mark.parametrize(
    ("smallest", "expected"), [([0.5], 0.5), ([0.7], 0.7), ([0.3, 0.5, 0.7], 0.5)]
)
def test_smallest_iou(smallest: list[float], expected: float) -> None:
    facts: dict[str, Any] = facts_of("r", "a", {"iou": smallest})
    assert main_iou(facts) == expected


def test_iou_is_compared_in_single_precision(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.csv", "rr")
    text = (tmp_path / "rows.csv").read_text()
    at_the_edge = f"{np.float32(0.7):.9g}"
    assert float(at_the_edge) < 0.7
    (tmp_path / "rows.csv").write_text(text.replace(",0.5", f",{at_the_edge}"))
    facts = facts_of("rr", "a", {"iou": [0.7]})
    assert image_scores(tmp_path, facts, "loc_top1").wrong.tolist() == [False, False]
