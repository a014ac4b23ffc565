"""`python -m gapcam.evaluate cam=[...]`: several kinds of maps under one ruler."""

import csv
import json
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from evaluations import QUICK, Evaluate, evaluated
from PIL import Image
from support import compose_config, type_in

from gapcam.arch.stopwatch import Stopwatch
from gapcam.checkpoint import load
from gapcam.evaluate import results_name

pytest_plugins = ["evaluation_fixtures"]

KINDS = ["cam", "gradcam", "layercam@conv3_1", "saliency"]
TWO = "protocol=[paper,exact]"

Compared = tuple[dict[str, Any], Path, str]


@pytest.fixture(scope="module")
def compared(made: Path) -> Compared:
    """Facts, the folder of results, and what was printed."""
    printed = StringIO()
    with redirect_stdout(printed):
        facts = evaluated(
            made / "out", f"ckpt={made}/run/last.ckpt", TWO, f"cam=[{','.join(KINDS)}]"
        )
    return facts, made / "out" / facts["title"], printed.getvalue()


def test_a_folder_for_each_kind_and_one_table(compared: Compared) -> None:
    facts, folder, _ = compared
    assert folder.name == f"last-digits-test-paper+exact-{'+'.join(KINDS)}"
    assert {path.name for path in folder.iterdir()} == {
        *KINDS, "metrics.json", "methods.csv", "pictures.png"
    }  # fmt: skip
    assert json.loads((folder / "metrics.json").read_text()) == facts
    assert list(facts["methods"]) == KINDS
    per_kind = {"metrics.json", "curve-exact.csv", "curve-exact.png"}
    per_kind |= {f"{what}-{of}.csv" for what in ("rows", "slices") for of in ("paper", "exact")}
    for kind, one in facts["methods"].items():
        assert {path.name for path in (folder / one["folder"]).iterdir()} == per_kind
        own = json.loads((folder / one["folder"] / "metrics.json").read_text())
        assert own["metrics"] == one["metrics"]
        assert own["title"].endswith(f", {kind}")
    resolutions = [one["maps"]["mapping_resolution"] for one in facts["methods"].values()]
    assert resolutions == [[16, 16], [16, 16], [16, 16], [64, 64]]
    with Image.open(folder / "pictures.png") as picture:
        assert picture.width == 204 * len(KINDS)


def test_each_kind_scores_as_it_does_alone(
    compared: Compared, type_words: Evaluate, ckpt: str, tmp_path: Path
) -> None:
    facts, folder, _ = compared
    for kind in ("gradcam", "saliency"):
        alone = type_words(ckpt, TWO, f"cam={kind}")
        together = facts["methods"][kind]
        assert alone["metrics"] == together["metrics"]
        assert alone["thresholds"] == together["thresholds"]
        assert alone["title"] == f"last-digits-test-paper+exact-{kind}"
        for file in ("rows-paper.csv", "rows-exact.csv", "slices-paper.csv"):
            own = tmp_path / "out" / alone["title"] / file
            assert own.read_bytes() == (folder / together["folder"] / file).read_bytes()


def test_grad_cam_scores_as_cam_behind_average_pooling(compared: Compared) -> None:
    """Its maps are CAM's but for a factor, which no protocol sees."""
    methods = compared[0]["methods"]
    assert methods["gradcam"]["metrics"] == pytest.approx(methods["cam"]["metrics"], abs=1e-6)
    assert methods["saliency"]["metrics"] != methods["cam"]["metrics"]


def test_the_table_has_costs_and_numbers(compared: Compared) -> None:
    facts, folder, printed = compared
    with (folder / "methods.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["protocol"], row["method"]) for row in rows] == [
        (protocol, kind) for protocol in ("paper", "exact") for kind in KINDS
    ]
    for row in rows:
        one = facts["methods"][row["method"]]
        assert float(row["forward_passes"]) == pytest.approx(one["forward_passes"], rel=1e-5)
        prefix = "" if row["protocol"] == "paper" else "exact/"
        assert float(row["loc_gt_known"]) == one["metrics"][f"test/{prefix}loc_gt_known"]
    assert "forward passes, classification alone being 1" in printed
    for name, protocol in facts["protocols"].items():
        assert f"protocol {protocol['title']} ({protocol['id']})" in printed, name


def test_an_earlier_comparison_is_replaced(type_words: Evaluate, ckpt: str, tmp_path: Path) -> None:
    few = ("data.counts=[8,2,2]", "references=false", "name=mine")
    folder = tmp_path / "out" / "mine"
    type_words(ckpt, "cam=[cam,gradcam]", *few)
    (folder / "gradcam" / "notes.txt").write_text("of mine")
    (folder / "other").mkdir()
    (folder / "other" / "metrics.json").write_text("{}")
    type_words(ckpt, "cam=[layercam]", *few)
    assert {path.name for path in folder.iterdir()} == {
        "layercam", "gradcam", "other", "metrics.json", "methods.csv", "pictures.png"
    }  # fmt: skip
    assert [path.name for path in (folder / "gradcam").iterdir()] == ["notes.txt"]
    type_words(ckpt, *few)
    left = {path.name for path in folder.iterdir()}
    assert left == {"gradcam", "other", "metrics.json", "rows-paper.csv", "slices-paper.csv"}


@pytest.mark.parametrize(
    ("words", "end"),
    [
        ([], "paper"),
        (["cam=gradcam++"], "paper-gradcam++"),
        (["cam=[cam,layercam@conv2_1]"], "paper-cam+layercam@conv2_1"),
    ],
)
def test_results_are_named_after_the_kinds(words: list[str], end: str) -> None:
    config = compose_config("ckpt=a.ckpt", *words, name="evaluate")
    assert results_name(config) == f"a-digits-test-{end}"


def test_checkpoints_from_before_other_methods_had_names(made: Path, tmp_path: Path) -> None:
    import torch

    checkpoint = torch.load(made / "run" / "last.ckpt", weights_only=True)
    checkpoint["gapcam"]["cam"] = "activation"
    torch.save(checkpoint, tmp_path / "old.ckpt")
    assert load(tmp_path / "old.ckpt").cam.word == "cam"


@pytest.mark.parametrize(
    ("seconds", "passes"),
    [
        ([(2.0, 1.0)], 1.5),
        ([(9.0, 900.0), (2.0, 1.0), (2.0, 3.0)], 2.0),
    ],
)
def test_the_first_of_several_batches_does_not_count(
    seconds: list[tuple[float, float]], passes: float
) -> None:
    watch = Stopwatch()
    watch.seconds = {
        "classifying": [one for one, _ in seconds],
        "mapping": [one for _, one in seconds],
    }
    assert watch.passes == passes


@pytest.mark.slow
def test_a_sweep_and_two_processes(made: Path, tmp_path: Path) -> None:
    words = [f"ckpt={made}/run/last.ckpt", "data.counts=[8,4,6]", "references=false", *QUICK]
    words.append(f"evaluations={tmp_path}")
    done = type_in("-m", *words, "cam=cam,gradcam", module="gapcam.evaluate")
    assert done.returncode == 0, done.stderr
    names = {path.parent.name for path in tmp_path.rglob("metrics.json")}
    assert names == {"last-digits-test-paper-cam", "last-digits-test-paper-gradcam"}
    two = ["trainer.devices=2", "trainer.strategy=ddp", "cam=[cam,gradcam]", "name=two"]
    done = type_in(*words, *two, module="gapcam.evaluate")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("forward passes") == 1
    both = json.loads((tmp_path / "two" / "metrics.json").read_text())["methods"]
    for kind in ("cam", "gradcam"):
        alone = json.loads(
            (tmp_path / f"last-digits-test-paper-{kind}" / "metrics.json").read_text()
        )
        assert both[kind]["metrics"] == alone["metrics"]
