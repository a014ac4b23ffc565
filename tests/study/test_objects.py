"""Informative objects: what was planted is found, under every definition, and after a crash."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from benches import QUICK
from PIL import Image, ImageDraw
from planted_objects import NAMES, SCENES, SIZE, by_scene, done, make_planted_objects, study, words
from support import type_in

from gapcam.arch.gap_module import GAPModule
from gapcam.data.labelme import read_labelme
from gapcam.study.bench import Bench
from gapcam.study.outcome import Outcome
from gapcam.study.steps import Steps
from gapcam.study_tools.execution import write_sheet

CARRIERS = [name for name, _ in SCENES.values()]
EACH = 30
PAPER = "study.paper={kitchen:{frequent:{wall:0.9,sink:0.8},informative:{kettle:0.7}}}"


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_planted_objects(tmp_path_factory.mktemp("planted"), EACH)


@pytest.fixture(scope="module")
def finished(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Bench]:
    made, found = study(tmp_path_factory.mktemp("runs"), planted, PAPER, gallery=3)
    made.check(found)
    return made.run(found), found


@pytest.fixture(scope="module")
def outcome(finished: tuple[Outcome, Bench]) -> Outcome:
    return finished[0]


def test_what_carries_a_scene_ranks_first(outcome: Outcome) -> None:
    found = by_scene(outcome)
    assert list(found) == NAMES
    for (scene, objects), carrier in zip(found.items(), CARRIERS, strict=True):
        assert set(objects) == {"wall", "floor", "ball", carrier}, scene  # occluded walls are walls
        own = objects[carrier]
        assert own["rank_informative"] == 1
        assert own["rank_frequent"] == 4
        assert own["overlap"] == 1
        assert own["above_chance"] > 0.5
        for name in ("wall", "floor", "ball"):
            assert objects[name]["frequency"] == 1
            assert objects[name]["overlap"] < 0.5
    assert outcome.headline == (
        "Most informative object of each scene: kitchen: kettle; living room: lamp; street: sign"
    )
    assert outcome.metrics["object_overlap"] > outcome.metrics["floor_object_overlap"] + 0.15


def test_frequencies_are_those_of_the_annotations(planted: Path, outcome: Outcome) -> None:
    """Counted from rows.csv's pictures and the files themselves."""
    images = {row[0] for row in outcome.rows.rows}
    assert len(images) == len(SCENES) * EACH // 2
    for scene, name, carrier in zip(SCENES, NAMES, CARRIERS, strict=True):
        own = [str(image) for image in images if str(image).startswith(f"{scene}/")]
        has = [
            any(
                item.name == carrier
                for item in read_labelme(planted / "Annotations" / f"{image[:-4]}.xml").objects
            )
            for image in own
        ]
        assert by_scene(outcome)[name][carrier]["frequency"] == pytest.approx(np.mean(has))
        assert 0.5 < np.mean(has) < 1


def test_overlaps_as_drawn_by_hand(planted: Path, finished: tuple[Outcome, Bench]) -> None:
    """The guess's map by plain torch and outlines by Pillow, on pixels a quarter as large."""
    outcome, found = finished
    weight = np.load(found.folder / "steps" / "svm.npz")["weight"]
    lines = [dict(zip(outcome.rows.columns, row, strict=True)) for row in outcome.rows.rows]
    large = (4 * SIZE[0], 4 * SIZE[1])
    checked = 0
    for row in range(0, len(found.data.test), 3):
        name = found.data.test.name(row)
        own = [line for line in lines if line["image"] == name and line["counts"]]
        if not own:  # a map of balls alone is so flat that its limit is a matter of digits
            continue
        with torch.no_grad():
            features = found.network(found.data.test[row].image[None]).features[0]
        guess = NAMES.index(own[0]["guess"])
        heat = torch.einsum("k,khw->hw", torch.from_numpy(weight[guess]), features)
        pixels = torch.nn.functional.interpolate(heat[None, None], large, mode="bilinear")[0, 0]
        high = (pixels > 0.2 * pixels.max()).numpy()
        assert own[0]["region"] == pytest.approx(high.mean(), abs=0.005)
        objects = read_labelme(planted / "Annotations" / f"{name[:-4]}.xml").objects
        for line in own:
            canvas = Image.new("1", large[::-1])
            for item in objects:
                if item.name.removesuffix(" occluded") == line["object"]:
                    points = [tuple(point) for point in (4 * item.polygon).tolist()]
                    ImageDraw.Draw(canvas).polygon(points, fill=1)
            mask = np.asarray(canvas)
            assert line["area"] == pytest.approx(mask.mean(), abs=0.007)
            assert line["inside"] == pytest.approx((mask & high).sum() / mask.sum(), abs=0.05)
            assert line["overlaps"] == (line["inside"] >= 0.5)
            checked += line["inside"] > 0.9
    assert checked > 8


@pytest.mark.parametrize(
    "more",
    [
        ("study.region=share", "study.level=0.04"),
        ("study.overlap=iou", "study.least_overlap=0.25"),
        ("study.overlap=region", "study.least_overlap=0.3"),
        ("study.rank_by=above_chance", "study.guesses=all"),
        ("study.rank_by=pictures", "study.pictures=all"),
        ("data.view=ten", "protocol.paper.view=ten"),
    ],
    ids=" ".join,
)
@pytest.mark.slow
def test_under_other_definitions_too(planted: Path, tmp_path: Path, more: tuple[str, ...]) -> None:
    found = by_scene(done(tmp_path, planted, *more, gallery=0))
    first = [
        next(name for name, line in objects.items() if line["rank_informative"] == 1)
        for objects in found.values()
    ]
    assert first == CARRIERS


def test_the_page(outcome: Outcome) -> None:
    titles = [section.title for section in outcome.sections]
    assert titles == [
        *("Most frequent and most informative objects", "Beside the published numbers", *NAMES)
    ]
    frequent, informative = outcome.sections[1].sheets
    assert [list(row) for row in frequent.rows] == [["wall", 0.9, 1.0], ["sink", 0.8, None]]
    assert informative.rows[0][:3] == ["kettle", 0.7, 1.0]
    assert informative.rows[0][4] == 1
    kitchen = outcome.sections[2]
    assert kitchen.sheets[0].rows[0][3] == "kettle"
    assert len(kitchen.pictures) == 1
    for section in outcome.sections:
        for shown in section.pictures:
            with Image.open(shown.path) as picture:
                assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 20
    with Image.open(kitchen.pictures[0].path) as picture:
        left = np.asarray(picture.convert("RGB"))[:, :256].astype(int)
    red = (np.abs(left - (255, 0, 0)).max(-1) < 60).sum()
    outline = (np.abs(left - (0xE6, 0x9F, 0)).max(-1) < 30).sum()
    assert red > 50  # the kettle
    assert outline > 50  # around it


@pytest.mark.slow
def test_two_processes_find_the_same(planted: Path, outcome: Outcome, tmp_path: Path) -> None:
    several = ("trainer=ddp", "trainer.devices=2", "gallery=0")
    runs = f"runs={tmp_path / 'runs'}"
    typed = type_in(*QUICK[:3], *words(planted), *several, runs, module="gapcam.study")
    assert typed.returncode == 0, typed.stdout + typed.stderr
    assert "2 x cpu" in typed.stdout
    for name, sheet in {"rows": outcome.rows, **outcome.tables}.items():
        write_sheet(tmp_path / f"{name}.csv", sheet)
        (found,) = (tmp_path / "runs").rglob(f"{name}.csv")
        assert found.read_bytes() == (tmp_path / f"{name}.csv").read_bytes()
    (facts,) = (tmp_path / "runs").rglob("metrics.json")
    numbers = json.loads(facts.read_text())["metrics"]
    assert numbers == {f"test/{name}": value for name, value in outcome.metrics.items()}


@pytest.mark.slow
def test_it_goes_on_after_a_crash(
    planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gapcam.study.objects.guess_maps._PART", 16)
    small_batches = "data.eval_batch_size=8"
    looked: list[int] = []
    predict_step = GAPModule.predict_step

    def crashing(self: GAPModule, batch: Any, batch_idx: int) -> Any:
        looked.extend(batch.index.tolist())
        if len(looked) == 24:
            raise RuntimeError("power cut")
        return predict_step(self, batch, batch_idx)

    monkeypatch.setattr(GAPModule, "predict_step", crashing)
    with pytest.raises(RuntimeError, match="power cut"):
        done(tmp_path, planted, small_batches, gallery=0)
    again = done(tmp_path, planted, small_batches, gallery=0)
    assert looked == [*range(24), *range(16, 45)]
    monkeypatch.setattr(GAPModule, "predict_step", predict_step)
    whole = done(tmp_path / "other", planted, small_batches, gallery=0)
    assert [list(row) for row in again.rows.rows] == [list(row) for row in whole.rows.rows]


@pytest.mark.slow
def test_maps_of_another_svm_are_not_taken(planted: Path, tmp_path: Path) -> None:
    made, found = study(tmp_path, planted, gallery=0)
    before = made.run(found)
    other, changed = study(tmp_path / "other", planted, "study.c=0.001", gallery=0)
    kept = replace(changed, steps=Steps(found.folder / "steps"))
    after = other.run(kept)
    fresh = other.run(changed)
    column = before.rows.columns.index("region")
    assert [row[column] for row in after.rows.rows] == [row[column] for row in fresh.rows.rows]
    assert [row[column] for row in after.rows.rows] != [row[column] for row in before.rows.rows]
