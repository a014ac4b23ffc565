"""Class-specific units: those that were planted are ranked, found and cut out."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from benches import bench, colour_network, save_network, study_config
from omegaconf import OmegaConf
from PIL import Image
from planted_units import CLASSES, EACH, SQUARE, make_pictures, place_of, save_weights, shade_of
from support import type_in

from gapcam.arch.network import Network
from gapcam.build import build, build_module
from gapcam.config_dir import CONFIG_DIR
from gapcam.errors import UserError
from gapcam.study.bench import Bench
from gapcam.study.outcome import Outcome, Sheet
from gapcam.study.units import measured_fields
from gapcam.study.units.asked_classes import asked_classes
from gapcam.study.units.class_units import most_frequent, top_pictures, units_of_class
from gapcam.study.units.study import Units

Make = Callable[..., tuple[Units, Bench]]
FIELDS = ("study.classes=berries", "study.units=2", "study.images=2", "study.patch=8")
MAPS = ("study.segment=map", "study.units=2", "study.images=4")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    make_pictures(folder / "pictures")
    save_weights(folder / "colours.ckpt")
    return folder


@pytest.fixture
def make(planted: Path, tmp_path: Path) -> Make:
    """The study and its bench, as the command makes them."""

    def _make(*more: str) -> tuple[Units, Bench]:
        words = [
            *("study=units", "data=folders", f"data.root={planted / 'pictures'}"),
            *("arch=small_gap", "arch.units=8", f"arch.weights={planted / 'colours.ckpt'}", *more),
        ]
        study = build(study_config(tmp_path / "runs", *words)["study"], "study")
        return study, bench(tmp_path / "runs", *words)

    return _make


@pytest.fixture(scope="module")
def plain(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A bench for checks of settings."""
    folder = tmp_path_factory.mktemp("plain")
    words = ("study=units", "data=folders", f"data.root={planted / 'pictures'}", "arch=small_gap")
    weights = ("arch.units=8", f"arch.weights={planted / 'colours.ckpt'}")
    return bench(folder, *words, *weights, f"data.cache={folder}")


def study_with(**changed: Any) -> Units:
    """The study with the settings of its file, but for some."""
    node: Any = OmegaConf.to_container(OmegaConf.load(CONFIG_DIR / "study" / "units.yaml"))
    return build(node | changed, "study")


def do(study: Units, found: Bench) -> Outcome:
    study.check(found)
    return study.run(found)


def columns(sheet: Sheet, *names: str) -> list[tuple[object, ...]]:
    places = [list(sheet.columns).index(name) for name in names]
    return [tuple(row[place] for place in places) for row in sheet.rows]


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


@pytest.mark.parametrize(
    ("setting", "value", "match"),
    [
        ("classes", [], r"study.classes must name classes, each once; got \[\]"),
        ("classes", ["sea", "Sea"], r"study.classes must name classes, each once"),
        ("classes", "berry", r"no class 'berry'. Did you mean berries\?"),
        ("classes", [7], r"no class 7. There are berries, sea, sunflowers"),
        ("units", 9, r"study.units must be a whole number from 1 to 8; got 9"),
        ("units", 0, r"study.units must be a whole number from 1 to 8; got 0"),
        ("units", True, r"study.units must be a whole number from 1 to 8; got True"),
        ("images", 1.5, r"study.images must be a whole number at least 1; got 1.5"),
        ("images", 19, r"study.images=19 .* the 18 pictures of study.splits"),
        ("splits", [], r"study.splits must be some of train, val, test"),
        ("splits", "tset", r"study.splits must be some of .* got 'tset'"),
        ("splits", 7, r"study.splits must be some of .* got 7"),
        ("segment", "mask", r"study.segment must be receptive_field or map; got 'mask'"),
        ("occluder", "black", r"study.occluder must be random or grey; got 'black'"),
        ("threshold", 1.0, r"study.threshold must be between 0 and 1, or null for 0.5"),
        ("threshold", "low", r"study.threshold must be between 0 and 1, .* got 'low'"),
        ("patch", 64, r"study.patch must be a whole number from 1 to 63; got 64"),
        ("stride", 0, r"study.stride must be a whole number from 1 to 63; got 0"),
    ],
)
def test_bad_settings(plain: Bench, setting: str, value: object, match: str) -> None:
    study_with().check(plain)
    with pytest.raises(UserError, match=match):
        study_with(**{setting: value}).check(plain)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("data.view=ten", "data.resize=80"), r"data.view=whole or data.view=centre; got ten"),
        (("data.view=[whole,centre]", "data.resize=80"), r"got whole, centre"),
        (("arch.pool=max",), r"needs average pooling: give arch.pool=avg"),
        (("arch.size=[4,4]",), r"maps of SmallGAP have one cell"),
    ],
)
def test_networks_and_views_that_have_no_such_units(
    make: Make, words: tuple[str, ...], match: str
) -> None:
    study, found = make(*words)
    with pytest.raises(UserError, match=match):
        study.check(found)


def test_a_network_of_class_maps(plain: Bench) -> None:
    match = r"needs a network with a linear classifier on pooled features, and SqueezeNet has none"
    with pytest.raises(UserError, match=match):
        study_with().check(replace(plain, network=_squeezenet()))


def _squeezenet() -> Network:
    config = study_config(Path("runs"), "arch=squeezenet", "arch.weights=x", "data.root=x")
    facts = {"views": ["whole"], "size": [64, 64], "mean": [0.0] * 3, "std": [1.0] * 3}
    arch = {**config["arch"], "weights": None}
    return build_module(arch, config["protocol"], {**facts, "class_names": list(CLASSES)})


def test_a_network_of_other_classes(make: Make, tmp_path: Path) -> None:
    weights = save_network(tmp_path / "other.ckpt", colour_network(["a", "b", "c", "d"]))
    study, found = make(f"arch.weights={weights}")
    with pytest.raises(UserError, match=r"has random weights: .* give ckpt="):
        study.check(found)
    study, found = make()
    others = found.network.recipe["data"] | {"class_names": ["a", "b"]}
    found.network.recipe = found.network.recipe | {"data": others}
    with pytest.raises(UserError, match=r"tells 3 classes apart \(a, b, ...\), the data have 3"):
        study.check(found)


def test_a_layer_without_weights(plain: Bench) -> None:
    with pytest.raises(UserError, match="Layers of SmallGAP have random weights: added"):
        study_with().check(replace(plain, fresh=("added",)))


def test_a_class_without_pictures(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    study, found = make(*MAPS, "study.classes=sea")
    nothing_but_berries = property(lambda self: np.zeros(len(self), np.int32))
    monkeypatch.setattr(type(found.data.test), "labels", nothing_but_berries)
    outcome = do(study, found)
    assert columns(outcome.tables["units"], "contribution", "share") == [(None, None)] * 2
    assert outcome.facts["units"]["share"] is None  # type: ignore[index]
    assert outcome.headline.startswith("0% of the pictures")


MANY = [f"class {number}" for number in range(21)]


@pytest.mark.parametrize(
    ("asked", "names", "expected"),
    [
        (None, ["only"], [0]),
        (None, MANY[:20], list(range(20))),
        ("b", ["a", "b"], [1]),
        (["B", "a"], ["a", "b"], [1, 0]),
        (["b"], ["B", "b"], [1]),  # as it is written comes first
        ([1], ["zero", "1", "two"], [1]),  # a name
        ([1], ["crane", "crane"], [1]),  # a number
    ],
)
def test_classes_that_are_asked_for(asked: object, names: list[str], expected: list[int]) -> None:
    assert asked_classes(asked, names) == expected


@pytest.mark.parametrize(
    ("asked", "names", "match"),
    [
        (None, MANY, r'have 21 classes: name those .* study.classes="\[class 0,class 1\]"'),
        ("crane", ["crane", "x", "crane"], r"2 classes are called crane; .* 0 or 2"),
        ("zzz", MANY, r"no class 'zzz'. There are class 0, .* and 11 more"),
        (True, ["a"], r"no class True"),
        ([["a"]], ["a"], r"no class \['a'\]"),
    ],
)
def test_classes_that_are_not_there(asked: object, names: list[str], match: str) -> None:
    with pytest.raises(UserError, match=match):
        asked_classes(asked, names)


def test_units_of_a_class_by_hand() -> None:
    weight = np.array([[0.0, 0, 0, 0], [1.0, -2, 3, 3]], np.float32)
    pooled = np.array([[4.0, 1, 0, 1], [2.0, 1, 2, 0]], np.float32)  # means 3, 1, 1, 0.5
    found = units_of_class(weight, 1, 3, pooled)
    assert [(one.unit, one.rank, one.contribution) for one in found] == [
        *((2, 1, 3.0), (3, 2, 1.5), (0, 3, 3.0)),
    ]
    assert [one.share for one in found] == pytest.approx([3 / 7.5, 1.5 / 7.5, 3 / 7.5])
    assert [one.contribution_rank for one in found] == [1, 3, 1]
    assert units_of_class(weight, 1, 4, pooled)[3].share == 0  # it speaks against the class
    assert [one.share for one in units_of_class(weight, 0, 2, pooled)] == [None, None]
    assert units_of_class(weight, 1, 1, pooled[:0])[0].contribution is None


def test_top_pictures_and_their_classes() -> None:
    assert top_pictures(np.array([1.0, 3, 2, 3]), 3).tolist() == [1, 3, 2]
    assert most_frequent([4]) == (4, 1.0)
    assert most_frequent([4, 2, 2, 4, 1]) == (4, 0.4)


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
