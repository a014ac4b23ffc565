"""Class-specific units: what cannot work is refused before any picture is looked at."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benches import bench, colour_network, save_network, study_config
from omegaconf import OmegaConf
from planted_units import CLASSES, make_units, units_words
from units_studies import Make, maker

from gapcam.arch.network import Network
from gapcam.build import build, build_module
from gapcam.config_dir import CONFIG_DIR
from gapcam.errors import UserError
from gapcam.study.bench import Bench
from gapcam.study.units.study import Units


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_units(tmp_path_factory.mktemp("planted"))


@pytest.fixture
def make(planted: Path, tmp_path: Path) -> Make:
    return maker(planted, tmp_path / "runs")


@pytest.fixture(scope="module")
def plain(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A bench for checks of settings."""
    folder = tmp_path_factory.mktemp("plain")
    return bench(folder, *units_words(planted, f"data.cache={folder}"))


def study_with(**changed: Any) -> Units:
    """The study with the settings of its file, but for some."""
    node: Any = OmegaConf.to_container(OmegaConf.load(CONFIG_DIR / "study" / "units.yaml"))
    return build(node | changed, "study")


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
