"""What a finished run leaves behind, and what happens when its command is repeated or varied."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from support import FAST_RUN, type_in

import gapcam


def test_prints_what_runs_where_and_the_result(finished: tuple[Path, str]) -> None:
    path, printed = finished
    assert "small_gap-digits: " in printed
    assert "16x16 maps; 96 train, 20 val, 20 test images of 10 classes" in printed
    assert "on 1 x cpu" in printed
    assert "classification, top-1" in printed
    assert "floor: best centred box" in printed
    assert "protocol paper (paper-" in printed
    assert "): one view, squashed; bilinear to the view's grid; clamp at 0" in printed
    assert str(path / "report.html") in printed


def test_leaves_everything_a_run_leaves(finished: tuple[Path, str]) -> None:
    path, _ = finished
    metrics = json.loads((path / "metrics.json").read_text())
    assert metrics["protocols"]["paper"]["title"] == "paper"
    assert set(metrics["data"]["fingerprint"]) == {"train", "val", "test"}
    assert {"torch", "gapcam", "pytorch-lightning"} <= set(metrics["versions"])
    assert metrics["seconds"]["train"] > 0
    assert metrics["network"]["mapping_resolution"] == [16, 16]
    assert metrics["command"].startswith("python -m gapcam.run trainer=debug")
    assert yaml.safe_load((path / "config.yaml").read_text())["arch"]["units"] == 8
    assert {p.name for p in (path / "checkpoints").iterdir()} == {"last.ckpt", "best.ckpt"}
    assert len(list((path / "cams").glob("*.png"))) == 3
    assert not list(path.rglob("*.part"))


def test_rows_add_up_to_the_metrics(finished: tuple[Path, str]) -> None:
    path, _ = finished
    with (path / "rows.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    metrics = json.loads((path / "metrics.json").read_text())["metrics"]
    assert [row["index"] for row in rows] == [str(i) for i in range(20)]
    assert rows[3]["image"] == "test/00003"
    named = [row["guess_1"] == row["label"] for row in rows]
    placed = [float(row["label_iou"]) >= 0.5 for row in rows]
    both = [n and float(row["guess_1_iou"]) >= 0.5 for n, row in zip(named, rows, strict=True)]
    assert metrics["test/cls_top1"] == pytest.approx(1 - sum(named) / 20, abs=1e-6)
    assert metrics["test/loc_gt_known"] == pytest.approx(1 - sum(placed) / 20, abs=1e-6)
    assert metrics["test/loc_top1"] == pytest.approx(1 - sum(both) / 20, abs=1e-6)


def test_every_logger_wrote(finished: tuple[Path, str]) -> None:
    path, _ = finished
    header = (path / "csv" / "version_0" / "metrics.csv").read_text().splitlines()[0].split(",")
    assert {"train/loss_epoch", "val/loc_top1", "val/cls_top1", "test/loc_gt_known"} <= set(header)
    assert list(path.glob("tensorboard/version_0/events.*"))
    (wandb_run,) = path.glob("wandb/offline-run-*")
    assert wandb_run.name.endswith("small_gap-digits-trim0-seed0")
    assert list(wandb_run.glob("files/media/images/val/cam_*.png"))
    assert list(wandb_run.glob("files/media/metadata/boxes2D/val/cam_*.json"))


def test_report_is_one_file_without_links(finished: tuple[Path, str]) -> None:
    page = (finished[0] / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 3
    assert "validation error" in page
    assert "floor: box around the whole image" in page
    assert 'src="http' not in page
    assert "<link" not in page
    assert "<script" not in page


def test_checkpoint_loads_without_trust_and_gives_the_network_back(
    finished: tuple[Path, str],
) -> None:
    path = finished[0] / "checkpoints" / "last.ckpt"
    stored = torch.load(path, weights_only=True)
    module = gapcam.load(path)
    assert not module.training
    assert module.recipe["data"]["class_names"] == [str(digit) for digit in range(10)]
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        logits, features = module(images)
    assert features.shape == (2, 8, 16, 16)
    assert torch.equal(module.classifier.weight, stored["state_dict"]["classifier.weight"])
    assert torch.isfinite(logits).all()


def test_repeating_the_command_shows_the_result_without_training(
    finished: tuple[Path, str],
) -> None:
    path, printed = finished
    again = type_in(*FAST_RUN, f"runs={path.parents[2]}", "logger=csv")
    assert again.returncode == 0, again.stderr
    assert "is finished; delete it to run it again" in again.stdout
    assert again.stdout[again.stdout.index("error") :] == printed[printed.index("error") :]


@pytest.mark.slow
def test_a_longer_run_goes_on(finished: tuple[Path, str], tmp_path: Path) -> None:
    copy = tmp_path / "small_gap-digits" / "trim0" / "seed0"
    shutil.copytree(finished[0], copy)
    longer = type_in(*FAST_RUN, f"runs={tmp_path}", "trainer.max_epochs=3")
    assert longer.returncode == 0, longer.stderr
    assert "go on from last.ckpt to epoch 3" in longer.stdout
    assert json.loads((copy / "metrics.json").read_text())["trained"] == {"epochs": 3, "steps": 9}


@pytest.mark.slow
def test_a_checkpoint_can_be_tested_alone(finished: tuple[Path, str], tmp_path: Path) -> None:
    checkpoint = finished[0] / "checkpoints" / "last.ckpt"
    alone = type_in(*FAST_RUN, f"runs={tmp_path}", f"ckpt={checkpoint}")
    assert alone.returncode == 0, alone.stderr
    found = json.loads(next(tmp_path.rglob("metrics.json")).read_text())["metrics"]
    assert found == json.loads((finished[0] / "metrics.json").read_text())["metrics"]


@pytest.mark.slow
def test_a_sweep_runs_and_reports_each_job(tmp_path: Path) -> None:
    sweep = type_in("-m", *FAST_RUN, f"runs={tmp_path}", "seed=0,1", "logger=wandb_offline")
    assert sweep.returncode == 0, sweep.stderr
    assert "2 jobs, errors in %" in sweep.stdout
    table = sweep.stdout[sweep.stdout.index("2 jobs") :]
    assert table.count("small_gap-digits-trim0-seed") == 2
    assert "16x16" in table
    assert len(list(tmp_path.rglob("metrics.json"))) == 2
    runs = {path.name.rpartition("small_gap")[2] for path in tmp_path.rglob("offline-run-*")}
    assert runs == {"-digits-trim0-seed0", "-digits-trim0-seed1"}


@pytest.mark.slow
def test_two_processes_test_like_one(finished: tuple[Path, str], tmp_path: Path) -> None:
    checkpoint = finished[0] / "checkpoints" / "last.ckpt"
    processes = ["trainer.devices=2", "trainer.strategy=ddp"]
    settings = [*FAST_RUN, "data.counts=[96,20,7]", f"ckpt={checkpoint}"]
    for name, extra in (("one", []), ("two", processes)):
        done = type_in(*settings, f"runs={tmp_path}", f"name={name}", *extra)
        assert done.returncode == 0, done.stdout + done.stderr
    one, two = (tmp_path / name / "trim0" / "seed0" for name in ("one", "two"))
    facts = json.loads((two / "metrics.json").read_text())
    assert facts["device"].startswith("2 x cpu (")
    assert facts["metrics"] == json.loads((one / "metrics.json").read_text())["metrics"]
    assert (two / "rows.csv").read_bytes() == (one / "rows.csv").read_bytes()


@pytest.mark.slow
def test_two_processes_train(tmp_path: Path) -> None:
    done = type_in(*FAST_RUN, f"runs={tmp_path}", "trainer.devices=2", "trainer.strategy=ddp")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("small_gap-digits: ") == 1
    (path,) = tmp_path.rglob("metrics.json")
    assert json.loads(path.read_text())["trained"] == {"epochs": 2, "steps": 6}


@pytest.mark.slow
def test_the_default_shows_the_method_working(tmp_path: Path) -> None:
    """What the README promises: the digits are named, and found far above the floors."""
    done = type_in(f"runs={tmp_path}")
    assert done.returncode == 0, done.stderr
    errors = json.loads(next(tmp_path.rglob("metrics.json")).read_text())["metrics"]
    floor = min(errors["test/floor_whole_image"], errors["test/floor_best_centred"])
    assert errors["test/cls_top1"] <= 0.03
    assert errors["test/loc_gt_known"] <= floor - 0.15
