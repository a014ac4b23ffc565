from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from gapcam.sweep_table import Job, print_sweep


def facts(last_layer: str, error: float) -> dict[str, Any]:
    errors = {"cls_top1": 0.1, "loc_top1": error, "loc_top5": 0.3, "loc_gt_known": 0.2}
    floors = {"floor_whole_image": 0.6, "floor_best_centred": 0.4}
    return {
        "network": {
            "last_layer": last_layer,
            "mapping_resolution": [14, 7],
            "parameters": 1234567,
            "gflops": 31.6,
        },
        "metrics": {f"test/{name}": value for name, value in (errors | floors).items()},
        "protocols": {"paper": {"title": "paper"}, "exact": {"title": "exact"}},
    }


def printed(jobs: list[Job]) -> str:
    console = Console(file=StringIO(), width=160)
    print_sweep(jobs, console)
    return console.file.getvalue()


@pytest.mark.parametrize("jobs", [[], [Job("alone", facts("conv5", 0.5))]])
def test_less_than_two_jobs_are_no_sweep(jobs: list[Job]) -> None:
    assert printed(jobs) == ""


def test_one_line_a_job() -> None:
    lines = printed([Job("a-trim0", facts("conv5", 0.5)), Job("b", None, "too small\nfor it")])
    (row,) = [line for line in lines.splitlines() if "a-trim0" in line]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == [
        *("a-trim0", "conv5", "14x7", "1,234,567", "31.6"),
        *("10.00", "50.00", "30.00", "20.00", "40.00"),
    ]
    assert "b failed: too small\nfor it\n" in lines
    assert "protocol paper; floor: the better of" in lines


def test_studies_show_what_they_have() -> None:
    some = {"test/cls_top1": 0.2, "test/cls_top1_crop": 0.15}
    jobs = [Job("a", {**facts("conv5", 0.5), "metrics": some})]
    jobs.append(Job("b", {**facts("conv5", 0.5), "metrics": {"test/pixel_ap": 0.25}}))
    lines = printed(jobs)
    assert "2 jobs, errors and accuracies in %" in lines
    heads = [cell.strip() for cell in lines.splitlines()[2].strip("┃").split("┃")][5:]
    assert heads == ["class top-1", "own boxes", "AP of pixels (accuracy)"]
    cells = {
        row.strip("│ ").partition(" ")[0]: [cell.strip() for cell in row.strip("│").split("│")][5:]
        for row in lines.splitlines()
        if row.startswith("│")
    }
    assert cells == {"a": ["20.00", "15.00", "-"], "b": ["-", "-", "25.00"]}
    assert "floor" not in lines


def test_a_job_that_did_not_end() -> None:
    lines = printed([Job("a", None, "it was stopped", "unfinished"), Job("b", None, "x" * 300)])
    assert "│ unfinished" in lines
    assert "a unfinished: it was stopped\n" in lines
    assert "x" * 300 in lines  # in one piece, so that paths can be copied


def test_all_failed() -> None:
    assert "protocol -;" in printed([Job("a", None, "x"), Job("b", None, "y")])
