"""Table 4: the three settings, boxes of an SVM's own maps."""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from benches import bench
from PIL import Image
from plain_cub import Plain, plain_cub, units_of
from planted_cub import CELL, NETWORK, birds, cub, make_seen_birds
from rich.console import Console
from support import type_in

from gapcam.box_file import write_boxes
from gapcam.metrics.localization import LocalizationRows
from gapcam.results import write_rows
from gapcam.study.bench import Bench
from gapcam.study.cub.box_rows import box_rows
from gapcam.study.cub.boxes import Boxes, crops_of
from gapcam.study.head import with_classifier
from gapcam.study.linear_svm import LinearSVM
from gapcam.study.outcome import Outcome
from gapcam.study_tools.execution import write_sheet

METRICS = {"full": "cls_top1", "crop": "cls_top1_crop", "bbox": "cls_top1_bbox"}


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Batches are small: several threads would mostly wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Birds with spots before clutter, and the network that sees their colours."""
    return make_seen_birds(tmp_path_factory.mktemp("birds"))


@pytest.fixture(scope="module")
def made(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Bench]:
    """Benches under names of their own, which share features."""
    return partial(birds, planted, tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def done(made: Callable[..., Bench]) -> tuple[Bench, Outcome]:
    found = made("done", "protocol=[paper,exact]")
    return found, cub().run(found)


def boxes_in(path: Path) -> dict[str, tuple[float, ...]]:
    with path.open(encoding="utf-8", newline="") as file:
        return {name: tuple(map(float, box)) for name, *box in list(csv.reader(file))[1:]}


def require_same(found: Bench, outcome: Outcome, plain: Plain) -> None:
    """The study's boxes and right answers, against the plain script's."""
    boxes = boxes_in(found.folder / "boxes.csv")
    assert boxes.keys() == plain.boxes.keys()
    for name, box in plain.boxes.items():
        np.testing.assert_allclose(boxes[name], box, atol=1e-3, err_msg=name)
    rows = [dict(zip(outcome.rows.columns, row, strict=True)) for row in outcome.rows.rows]
    for setting, column in (("full", "guess_1"), ("crop", "crop_guess"), ("bbox", "bbox_guess")):
        right = [row["image"] for row in rows if row[column] == row["label"]]
        assert right == plain.right[setting]
        assert outcome.metrics[METRICS[setting]] == pytest.approx(1 - len(right) / len(rows))


def test_a_plain_script_finds_the_same(done: tuple[Bench, Outcome], planted: Path) -> None:
    found, outcome = done
    require_same(
        found, outcome, plain_cub(planted, units_of(found.network, found.network.size), (64, 64))
    )
    assert len(outcome.rows.rows) == 32


def test_what_was_planted_is_found(done: tuple[Bench, Outcome]) -> None:
    """The map of the body leads to the spot, which the clutter hides in full pictures."""
    found, outcome = done
    errors = {setting: outcome.metrics[name] for setting, name in METRICS.items()}
    assert errors["full"] > 0.3 > errors["crop"] == errors["bbox"] == pytest.approx(3 / 32)
    assert "is more than chance (p = 0.039)" in outcome.headline
    texts = [text for section in outcome.sections for text in section.text]
    assert "Own box instead of full picture: more right answers, beyond chance." in texts
    # Grey pictures hold nothing: they count as not found, and stay whole.
    assert outcome.metrics["loc_gt_known"] == pytest.approx(4 / 32)
    assert any("0 of 32 training and 4 of 32 test pictures" in note for note in outcome.notes)
    boxes = boxes_in(found.folder / "boxes.csv")
    assert sum(not any(box) for box in boxes.values()) == 4
    for dataset in (found.data.train, found.data.test):
        for row in range(len(dataset)):
            if any(box := boxes[dataset.name(row)]):
                assert np.abs(np.array(box) - dataset.index.boxes(row)[0]).max() <= CELL


def test_pictures(done: tuple[Bench, Outcome]) -> None:
    """A map, and what was cut out beside it, of best, median, worst and changed ones."""
    _, outcome = done
    shown = {
        one.path.name.partition("-")[0]: one
        for section in outcome.sections
        for one in section.pictures
    }
    assert set(shown) == {"best", "median", "worst", "mended", "spoilt"}
    assert "nothing found, stays whole" in shown["worst"].caption
    with Image.open(shown["best"].path) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    # The map is at the left, the crop at the right: the body but for a narrow grey border.
    body = {"Red": [255, 0, 0], "Green": [0, 255, 0]}[shown["best"].caption.split()[0]]
    assert np.abs(pixels[25, -25] - body).max() < 30
    assert pixels.shape[0] == 240


def test_boxes_are_those_that_a_run_writes(done: tuple[Bench, Outcome], tmp_path: Path) -> None:
    found, outcome = done
    with np.load(found.folder / "steps" / "svm-full.npz") as kept:
        svm = LinearSVM.of_arrays(dict(kept))
    head = with_classifier(found.network, svm.weight, svm.bias, found.data.class_names)
    write_boxes(tmp_path / "boxes.csv", head, found.data, ["train", "test"], Console(quiet=True))
    assert (tmp_path / "boxes.csv").read_bytes() == (found.folder / "boxes.csv").read_bytes()
    found.trainer.test(head, datamodule=found.data, verbose=False)
    assert head.test_numbers.items() <= outcome.metrics.items()
    rows = head.test_evaluation.details["paper"].rows
    assert rows is not None
    write_rows(tmp_path / "run.csv", rows, found.data.test, found.data.class_names)
    sheet = box_rows(rows, found.data.test, found.data.class_names, {})
    write_sheet(tmp_path / "study.csv", sheet)
    assert (tmp_path / "run.csv").read_bytes() == (tmp_path / "study.csv").read_bytes()


def test_protocols_with_other_views(
    made: Callable[..., Bench], done: tuple[Bench, Outcome]
) -> None:
    """Features and crops are of the main protocol's view, whatever the others look at."""
    outcome = cub().run(made("views", "protocol=[paper,released]"))
    alone = {name: v for name, v in done[1].metrics.items() if not name.startswith("exact/")}
    assert alone.items() <= outcome.metrics.items()
    assert "released/loc_top1_tight" in outcome.metrics
    assert outcome.rows == done[1].rows


@pytest.mark.slow
@pytest.mark.parametrize("main", ["exact", "released"])
def test_other_protocols_cut(made: Callable[..., Bench], main: str) -> None:
    outcome = cub().run(made(main, f"protocol=[{main},paper]"))
    alone = cub().run(made(f"{main} alone", f"protocol={main}"))
    assert alone.metrics.items() <= outcome.metrics.items()
    assert alone.rows == outcome.rows
    assert outcome.metrics["cls_top1_bbox"] <= 4 / 32


@pytest.mark.parametrize("margin", [0.0, 0.5])
@pytest.mark.parametrize("of_label", [False, True])
def test_crops(margin: float, of_label: bool) -> None:
    guessed, true = [10.0, 20, 30, 60], [4.0, 0, 8, 8]
    boxes = torch.tensor([[[guessed], [true]], [[[0.0] * 4], [true]], [[guessed], [[0.0] * 4]]])
    rows = SimpleNamespace(boxes=boxes)
    wide = {0.0: (guessed, true), 0.5: ([0, 0, 40, 80], [2, 0, 10, 12])}[margin]
    expected = [wide[1], wide[1], [0] * 4] if of_label else [wide[0], [0] * 4, wide[0]]
    assert crops_of(rows, of_label, margin).tolist() == expected  # type: ignore[arg-type]
    none = SimpleNamespace(boxes=boxes[:0])
    assert crops_of(none, of_label, margin).shape == (0, 4)  # type: ignore[arg-type]


def test_the_label_decides_on_training_pictures_alone(
    made: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def asking(rows: LocalizationRows, of_label: bool, margin: float) -> Boxes:
        asked.append((of_label, margin))
        return crops_of(rows, of_label, margin)

    monkeypatch.setattr("gapcam.study.cub.study.crops_of", asking)
    cub(margin=0.25, train_boxes="label").run(made("label"))
    assert asked == [(True, 0.25), (False, 0.25)]  # training pictures, then test pictures


def test_it_goes_on_where_it_was(
    made: Callable[..., Bench], done: tuple[Bench, Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = replace(made("crashed", "protocol=[paper,exact]"), features=done[0].folder / "others")
    test, calls = found.trainer.test, []

    def crashing(*args: Any, **kwargs: Any) -> object:
        calls.append(args)
        if len(calls) == 5:
            raise RuntimeError("power cut")
        return test(*args, **kwargs)

    monkeypatch.setattr(found.trainer, "test", crashing)
    with pytest.raises(RuntimeError, match="power cut"):
        cub().run(found)
    again = cub().run(found)
    # Features, test and boxes of full pictures; features and boxes of crops, and of true boxes.
    assert len(calls) == 7 + 1
    cub().run(found)
    assert len(calls) == 8
    for name in ("metrics", "rows", "headline", "notes", "facts", "intervals"):
        assert getattr(again, name) == getattr(done[1], name)


@pytest.mark.slow
def test_two_processes_find_the_same(planted: Path, tmp_path: Path) -> None:
    words = [*NETWORK, f"arch.weights={planted}/colours.ckpt", f"data.root={planted}"]
    words += ["data=cub200", "data.num_workers=0", "data.eval_batch_size=5", "gallery=3"]
    words += ["trainer.accelerator=cpu", "trainer.enable_progress_bar=false"]
    folders = []
    for devices in (1, 2):
        more = [f"trainer.devices={devices}", *(["trainer.strategy=ddp"] if devices > 1 else [])]
        folder = tmp_path / str(devices)
        done = type_in(*words, *more, f"runs={folder}", module="gapcam.study")
        assert done.returncode == 0, done.stdout + done.stderr
        folders.append(next(folder.rglob("metrics.json")).parent)
    for name in ("rows.csv", "boxes.csv"):
        one, two = ((folder / name).read_bytes() for folder in folders)
        assert one == two
    facts = [json.loads((folder / "metrics.json").read_text()) for folder in folders]
    assert facts[0]["metrics"] == facts[1]["metrics"]
    assert facts[0]["intervals"] == facts[1]["intervals"]


@pytest.mark.slow
def test_real_birds(real_data: Path, tmp_path: Path) -> None:
    """SqueezeNet's published weights, ten of the classes, against the plain script."""
    root, weights = real_data / "CUB_200_2011", real_data / "squeezenet_dc" / "squeezenet_dc.npz"
    words = ("study=cub", "arch=squeezenet_gap", f"arch.weights={weights}")
    found = bench(tmp_path / "runs", *words, "data=cub200", f"data.root={root}", gallery=3)
    study = cub()
    study.check(found)
    outcome = study.run(found)
    size = found.network.size
    require_same(found, outcome, plain_cub(root, units_of(found.network, size), size))
    assert len(outcome.rows.rows) == 50
    assert "may be chance" in outcome.headline
