"""What a run sends to W&B, read back from the files of an offline run."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from PIL import Image
from support import FAST_RUN, type_in
from wandb_files import config, history, records, summary

from gapcam.viz.curves import read_curves

OFFLINE = "logger=[wandb_offline,tensorboard]"


@pytest.fixture(scope="module")
def run(finished: tuple[Path, str]) -> Path:
    (found,) = finished[0].glob("wandb/offline-run-*")
    return found


def table(run: Path, name: str) -> dict[str, Any]:
    (path,) = run.glob(f"files/media/table/{name}_[0-9]*.table.json")
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture)


def rows(directory: Path) -> list[dict[str, str]]:
    with (directory / "rows.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def without_empty(tree: Any) -> Any:
    """W&B leaves out mappings that hold nothing."""
    if not isinstance(tree, dict):
        return tree
    return {key: without_empty(value) for key, value in tree.items() if value != {}}


def test_is_named_and_grouped_by_its_configuration(finished: tuple[Path, str], run: Path) -> None:
    stored = yaml.safe_load((finished[0] / "config.yaml").read_text())
    (record,) = [record.run for record in records(run) if record.HasField("run")]
    assert record.project == "gapcam"
    assert record.run_group == stored["group"] == "small_gap-digits"
    assert record.run_id == record.display_name == "small_gap-digits-trim0-seed0"
    sent = config(run)
    assert {key: sent[key] for key in stored} == without_empty(stored)


def test_boxes_and_masks_lie_on_the_same_pictures_at_every_validation(run: Path) -> None:
    logged = history(run)
    assert logged["val/cam/count"] == [20, 20]
    assert logged["test/cam/count"] == [20]
    highest = set()
    for key in ("val/cam", "test/cam"):
        for boxes in logged[f"{key}/all_boxes"]:
            assert all(set(one) == {"prediction", "ground_truth"} for one in boxes)
            assert len(boxes) == 20
        for masks in logged[f"{key}/all_masks"]:
            assert len(masks) == 20
            for one in masks:
                at = {name: pixels(run / "files" / mask["path"]) for name, mask in one.items()}
                highest |= {mask.max() for mask in at.values()} - {0}
                assert at["at_threshold"].shape == (64, 64)
                assert set(np.unique(at["at_threshold"])) <= {0, 127}
                assert set(np.unique(at["at_half"])) <= {0, 126}
                assert not ((at["at_half"] > 0) & (at["at_threshold"] == 0)).any()
    assert highest == {126, 127}


def test_boxes_are_those_of_the_rows(finished: tuple[Path, str], run: Path) -> None:
    stored = rows(finished[0])
    for row, boxes in zip(stored, history(run)["test/cam/all_boxes"][0], strict=True):
        (box,) = json.loads((run / "files" / boxes["prediction"]["path"]).read_text())["box_data"]
        corners = [box["position"][name] for name in ("minX", "minY", "maxX", "maxY")]
        wanted = [float(row[f"guess_1_{name}"]) for name in ("x0", "y0", "x1", "y1")]
        assert corners == pytest.approx(wanted, abs=1e-3)
        assert box["class_id"] == int(row["guess_1"])


def test_table_of_pictures_is_that_of_the_rows(finished: tuple[Path, str], run: Path) -> None:
    images = table(run, "test/images")
    columns = images["columns"]
    assert columns[-1] == "picture"
    stored = rows(finished[0])
    for values, row in zip(images["data"], stored, strict=True):
        one = dict(zip(columns, values, strict=True))
        assert (str(one["index"]), one["image"], one["label"]) == (
            row["index"],
            row["image"],
            row["label_name"],
        )
        assert [one[f"guess_{rank}"] for rank in range(1, 6)] == [
            row[f"guess_{rank}"] for rank in range(1, 6)
        ]
        assert one["iou"] == pytest.approx(float(row["guess_1_iou"]), abs=1e-4)
        assert one["found"] == (float(row["guess_1_iou"]) >= 0.5)
        assert 0 < one["score"] < 1


def test_pictures_of_the_table_are_kept_with_the_run(finished: tuple[Path, str], run: Path) -> None:
    manifests = [record.artifact.manifest for record in records(run) if record.HasField("artifact")]
    entries = [entry for manifest in manifests for entry in manifest.contents]
    pictures = [Path(entry.local_path) for entry in entries if entry.path.endswith(".jpg")]
    assert len(pictures) == 20
    for path in pictures:
        assert path.is_relative_to(finished[0])
        with Image.open(path) as picture:
            assert max(picture.size) == 160


def test_charts_add_up_to_the_metrics(finished: tuple[Path, str], run: Path) -> None:
    facts = json.loads((finished[0] / "metrics.json").read_text())
    mistakes = {kind.replace("_", " "): share for kind, share in facts["mistakes"]["paper"].items()}
    assert dict(table(run, "test/mistakes_table")["data"]) == pytest.approx(mistakes, abs=1e-6)
    confusion = table(run, "test/confusion_table")["data"]
    right = sum(count for true, guess, count in confusion if true == guess)
    assert len(confusion) == 100
    assert sum(count for *_, count in confusion) == 20
    assert 1 - right / 20 == pytest.approx(facts["metrics"]["test/cls_top1"], abs=1e-6)
    pairs = table(run, "test/confused_pairs")["data"]
    assert sum(count for _, _, count, _ in pairs) == 20 - right
    assert {"test/mistakes", "test/confusion"} <= {
        name.removeprefix("_wandb/visualize/") for name in config(run)
    }


def test_summary_names_the_protocol_and_keeps_the_best(
    finished: tuple[Path, str], run: Path
) -> None:
    facts = json.loads((finished[0] / "metrics.json").read_text())
    kept = summary(run)
    # The floors of maps that no network made are added after the test.
    names = [name.removeprefix("test/") for name in facts["metrics"] if name in kept]
    assert {"loc_top1", "loc_gt_known", "cls_top1"} <= set(names)
    for name in names:
        assert kept[f"test/paper/{name}"] == facts["metrics"][f"test/{name}"]
    assert kept["protocols"] == {"paper": "paper"}
    for name, points in read_curves(finished[0] / "csv").items():
        if name in ("val/loc_top1", "val/loc_gt_known", "val/cls_top1"):
            values = [value for _, value in points]
            assert kept[name] == {"min": min(values), "last": values[-1]}


@pytest.mark.slow
def test_a_run_that_goes_on_keeps_its_identity(finished: tuple[Path, str], tmp_path: Path) -> None:
    copy = tmp_path / "small_gap-digits" / "trim0" / "seed0"
    shutil.copytree(finished[0], copy)
    longer = type_in(*FAST_RUN, f"runs={tmp_path}", "trainer.max_epochs=3", OFFLINE)
    assert longer.returncode == 0, longer.stderr
    first, second = sorted(copy.glob("wandb/offline-run-*"))
    ids = [record.run.run_id for run in (first, second) for record in records(run)]
    assert set(filter(None, ids)) == {"small_gap-digits-trim0-seed0"}
    begun, gone_on = (history(run)["trainer/global_step"] for run in (first, second))
    assert min(gone_on) > max(begun)


@pytest.mark.slow
def test_jobs_of_a_sweep_that_only_test_make_a_run_each(tmp_path: Path) -> None:
    untrained = (f"runs={tmp_path}", "seed=0,1", "trainer.max_epochs=0")
    settings = ("logger.wandb.tags=[first,try]", "logger.wandb.entity=team", "group=sweep")
    sweep = type_in("-m", *FAST_RUN, *untrained, *settings, OFFLINE)
    assert sweep.returncode == 0, sweep.stderr
    found = sorted(tmp_path.rglob("offline-run-*"), key=lambda path: path.parts[-3])
    assert len(found) == 2
    for seed, run in enumerate(found):
        (record,) = [record.run for record in records(run) if record.HasField("run")]
        assert record.run_id == f"small_gap-digits-trim0-seed{seed}"
        assert config(run)["seed"] == seed
        assert (record.run_group, record.entity) == ("sweep", "team")
        assert list(record.tags) == ["first", "try"]
        logged = history(run)
        assert logged["test/cam/count"] == [20]
        assert "val/cam/count" not in logged
        assert len(table(run, "test/images")["data"]) == 20


@pytest.mark.slow
def test_one_of_two_processes_sends(tmp_path: Path) -> None:
    processes = ("trainer.devices=2", "trainer.strategy=ddp", "trainer.max_epochs=1")
    done = type_in(*FAST_RUN, f"runs={tmp_path}", *processes, OFFLINE)
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = tmp_path.rglob("offline-run-*")
    logged = history(run)
    assert logged["val/cam/count"] == logged["test/cam/count"] == [20]
    assert len(table(run, "test/images")["data"]) == 20
    # events.out.tfevents.<time>.<host>.<process>.<number>: one for the training, one for the test
    events = [path.name.split(".") for path in tmp_path.rglob("events.out.*")]
    assert len({process for *_, process, _ in events}) == 1
