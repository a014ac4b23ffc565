"""Class-specific units: those that were planted are ranked, found and cut out."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from planted_units import CLASSES, EACH, SQUARE, make_units, place_of, shade_of
from support import type_in
from units_studies import MAPS, Make, columns, do, maker

from gapcam.study.units import measured_fields

FIELDS = ("study.classes=berries", "study.units=2", "study.images=2", "study.patch=8")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_units(tmp_path_factory.mktemp("planted"))


@pytest.fixture
def make(planted: Path, tmp_path: Path) -> Make:
    return maker(planted, tmp_path / "runs")


def test_units_are_ranked_by_the_planted_weights(make: Make) -> None:
    outcome = do(*make(*MAPS))
    found = columns(outcome.tables["units"], "class", "rank", "unit", "weight")
    assert found == [
        *(("berries", 1, 0, 2.0), ("berries", 2, 1, 1.0)),
        *(("sea", 1, 2, 2.0), ("sea", 2, 5, 1.0)),
        *(("sunflowers", 1, 3, 2.0), ("sunflowers", 2, 1, 1.0)),
    ]
    assert outcome.metrics == {"cls_top1": 0}
    # A square is 16 of the 256 cells, red and green ones as bright as painted.
    bright = np.mean([shade_of(0, copy) / 255 for copy in range(EACH)])
    red, green, *_ = columns(outcome.tables["units"], "contribution", "share")
    assert red == pytest.approx((2 * bright / 16, 2 / 3))
    assert green[0] == pytest.approx(bright / 16)
    assert outcome.facts["units"]["share"] == pytest.approx(1)  # type: ignore[index]


def test_pictures_come_from_the_whole_set(make: Make) -> None:
    """The green unit speaks for sunflowers, and answers to berries just as well."""
    study, found = make(*MAPS)
    outcome = do(study, found)
    purity = dict(columns(outcome.tables["units"], "class", "purity")[1::2])
    assert purity == {"berries": 0.5, "sea": 1.0, "sunflowers": 0.5}
    assert outcome.facts["units"]["purity"] == pytest.approx(5 / 6)  # type: ignore[index]
    # The slow way: picture by picture, every place.
    dataset = found.data.test
    with torch.no_grad():
        peaks = [found.network(dataset[row].image[None]).features[0] for row in range(len(dataset))]
    for unit in (0, 1, 2, 5, 3):
        order = sorted(range(len(dataset)), key=lambda row: -float(peaks[row][unit].max()))[:4]
        rows = [row for row in outcome.rows.rows if row[0] == unit]
        assert [row[1] for row in rows] == [1, 2, 3, 4]
        for row, number in zip(rows, order, strict=True):
            assert row[2:5] == [
                *("test", dataset.name(number), list(CLASSES)[dataset.labels[number]]),
            ]
            assert row[5] == pytest.approx(float(peaks[number][unit].max()), abs=1e-6)
            cells = peaks[number][unit]
            assert cells[row[6], row[7]] == cells.max()


@pytest.mark.parametrize("how", ["map", "receptive_field"])
def test_the_planted_square_is_cut_out(make: Make, how: str) -> None:
    """Bright are the cells of the unit's own colour, within one cell."""
    words = (*FIELDS, "study.images=1", "study.stride=2", "study.threshold=0.5")
    study, found = make(*words, f"study.segment={how}")
    outcome = do(study, found)
    for which, unit in enumerate((0, 1)):
        sheet = Image.open(found.pictures / f"class-0000-unit-{unit:04d}.png")
        pixels = np.asarray(sheet)[:128, :128].max(2)  # the first picture, twice its size
        top, left = (2 * side for side in place_of(0, 0, which))
        inside = pixels[top + 8 : top + 2 * SQUARE - 8, left + 8 : left + 2 * SQUARE - 8]
        assert (inside > 200).all()
        outside = pixels.copy()
        outside[max(0, top - 8) : top + 2 * SQUARE + 8, max(0, left - 8) : left + 40] = 0
        assert outside.max() < 80
    sizes = columns(outcome.tables["units"], "receptive_field", "reach")
    if how == "map":
        assert sizes == [(None, 38)] * 2
    else:  # one cell, as a patch must hide all of it
        assert [reach for _, reach in sizes] == [38, 38]
        np.testing.assert_allclose([size for size, _ in sizes], 4, atol=4)


def test_what_the_page_shows(make: Make) -> None:
    study, found = make(*FIELDS, "study.stride=6")
    outcome = do(study, found)
    index, fields, page = outcome.sections
    assert [index.title, fields.title, page.title] == [
        *("Classes and their units", "Receptive fields", "berries"),
    ]
    assert (index.anchor, page.anchor) == ("", "0000-berries")
    assert index.sheets[0].rows[0][:2] == ["berries", "0, 1"]
    assert "121 copies of each with a patch of 8x8 pixels (random)" in index.text[1]
    assert [len(one.pictures) for one in outcome.sections] == [1, 0, 3]
    assert all(one.path.is_file() for part in outcome.sections for one in part.pictures)
    assert page.pictures[1].caption == (
        "unit 1, weight 1.000: 1 of 2 pictures are of class berries"
    )
    assert "The 2 units of largest weight carry 100%" in outcome.headline
    assert outcome.notes == []


def test_a_patch_that_changes_nothing_is_told(make: Make) -> None:
    """A cell of 4x4 pixels is their maximum, and what is left of it is as bright."""
    outcome = do(*make(*FIELDS, "study.patch=2", "study.stride=9"))
    assert "no patch changed the units 0, 1" in outcome.notes[0]
    assert columns(outcome.tables["units"], "receptive_field") == [(None,)] * 2


def test_it_goes_on_after_a_crash(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    study, found = make(*FIELDS, "study.stride=9")
    measure, seen = measured_fields.discrepancies, []

    def crashing(*arguments):  # type: ignore[no-untyped-def]
        seen.append(arguments[4])
        if len(seen) == 2:
            raise RuntimeError("power cut")
        return measure(*arguments)

    monkeypatch.setattr(measured_fields, "discrepancies", crashing)
    with pytest.raises(RuntimeError, match="power cut"):
        do(study, found)
    after = do(study, found)
    assert len(seen) == 4  # three pictures: that with a red and a green square is looked at once
    assert seen[0] == [0, 1]
    monkeypatch.setattr(measured_fields, "discrepancies", lambda *_: pytest.fail("done before"))
    again = do(study, replace(found, is_main=False))
    assert again.tables == after.tables
    assert again.rows == after.rows
    with torch.no_grad():
        next(found.network.trunk.parameters()).mul_(0.5)
    with pytest.raises(pytest.fail.Exception, match="done before"):
        do(study, found)


def test_both_splits_are_searched(make: Make) -> None:
    study, found = make(*MAPS, "study.splits=[train,test,val]", "study.images=21")
    outcome = do(study, found)
    assert outcome.evaluated_on == "21 images of train and test"  # val is test here
    of_red = [row for row in outcome.rows.rows if row[0] == 0]
    assert [row[2] for row in of_red].count("train") == 3
    # The last berries are the faintest, and those of train.
    assert [row[3] for row in of_red if row[4] == "berries"][-1] == "train/berries/6.png"


def test_a_class_without_pictures(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    study, found = make(*MAPS, "study.classes=sea")
    nothing_but_berries = property(lambda self: np.zeros(len(self), np.int32))
    monkeypatch.setattr(type(found.data.test), "labels", nothing_but_berries)
    outcome = do(study, found)
    assert columns(outcome.tables["units"], "contribution", "share") == [(None, None)] * 2
    assert outcome.facts["units"]["share"] is None  # type: ignore[index]
    assert outcome.headline.startswith("0% of the pictures")


@pytest.mark.slow
def test_the_command_on_what_the_script_writes(planted: Path, tmp_path: Path) -> None:
    done = type_in(
        *("study=units", f"ckpt={planted / 'colours.ckpt'}", "data=folders"),
        *(f"data.root={planted / 'pictures'}", f"runs={tmp_path}", "name=planted"),
        *("study.segment=map", "study.images=4"),
        module="gapcam.study",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / "planted" / "trim0" / "seed0"
    assert {path.name for path in folder.glob("*.html")} == {
        *("report.html", "0000-berries.html", "0001-sea.html", "0002-sunflowers.html"),
    }
    with (folder / "units.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["unit"] for row in rows] == ["0", "1", "2", "2", "5", "0", "3", "1", "0"]
