"""Studies on two processes leave behind what they leave on one, bit for bit."""

import json
from pathlib import Path

import pytest
from benches import QUICK, colour_network, save_network
from concepts_studies import SETTINGS, concepts_words
from planted_concepts import make_concepts
from planted_text import make_text
from planted_units import make_units, units_words
from support import type_in
from text_studies import text_words


def text(folder: Path) -> list[str]:
    return [*text_words(make_text(folder, train=3, test=3, negatives=8))]


def units(folder: Path) -> list[str]:
    coarse = ("study.patch=8", "study.stride=9", "study.images=3")
    return units_words(make_units(folder), "study.classes=[berries,sea]", *coarse)


def concepts(folder: Path) -> list[str]:
    weights = save_network(folder / "colours.ckpt", colour_network(["captioned"]))
    phrases = ",".join(SETTINGS["phrases"])
    return [
        *concepts_words(make_concepts(folder / "data", 100), weights),
        *(f"study.phrases=[{phrases}]", "study.first=15", "study.c=1000"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("study", [text, units, concepts])
def test_two_processes_find_the_same(study, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    words, folders = study(tmp_path / "data"), []
    for devices, strategy in ((1, "auto"), (2, "ddp")):
        more = [f"trainer.devices={devices}", f"trainer.strategy={strategy}", "gallery=6"]
        runs = tmp_path / str(devices)
        done = type_in(*QUICK, *words, *more, f"runs={runs}", module="gapcam.study")
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{devices} x cpu" in done.stdout
        folders.append(next(runs.rglob("metrics.json")).parent)
    facts = [json.loads((folder / "metrics.json").read_text()) for folder in folders]
    assert facts[0]["metrics"] == facts[1]["metrics"]
    assert facts[0]["intervals"] == facts[1]["intervals"]
    written = [files(folder) for folder in folders]
    assert {".csv", ".png"} <= {name.suffix for name in written[0]}
    assert written[0].keys() == written[1].keys()
    assert [name for name, content in written[0].items() if content != written[1][name]] == []


def files(folder: Path) -> dict[Path, bytes]:
    """Tables and pictures of a run."""
    paths = [*folder.glob("*.csv"), *folder.glob("cams/*.png")]
    return {path.relative_to(folder): path.read_bytes() for path in paths}
