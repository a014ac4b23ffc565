"""`python -m gapcam.evaluate`: what it prints and writes."""

import csv
import json
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluations import ALL, QUICK, Evaluate, evaluated, plain, saved
from PIL import Image
from support import compose_config, type_in

from gapcam.build import build_data, data_facts
from gapcam.evaluate import source_name

UNBOXED = "3 of 10 classes have no true box among the images scored: 0, 3, 8"

pytest_plugins = ["evaluation_fixtures"]

Scored = tuple[dict[str, Any], Path, str]


@pytest.fixture(scope="module")
def scored(made: Path) -> Scored:
    """The network under three protocols: facts, the folder of results, and what was printed."""
    printed = StringIO()
    with redirect_stdout(printed):
        facts = evaluated(made / "out", f"ckpt={made}/run/last.ckpt", ALL)
    return facts, made / "out" / "last-digits-test-paper+wsolevaluation+exact", printed.getvalue()


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_a_network_under_three_protocols(scored: Scored) -> None:
    facts, folder, printed = scored
    per_protocol = {
        f"{kind}-{name}.csv" for kind in ("rows", "slices") for name in facts["protocols"]
    }
    curves = {
        f"curve-{name}.{kind}" for name in ("wsolevaluation", "exact") for kind in ("csv", "png")
    }
    assert {path.name for path in folder.iterdir()} == {"metrics.json", *curves, *per_protocol}
    assert json.loads((folder / "metrics.json").read_text()) == facts
    assert list(facts["protocols"]) == ["paper", "wsolevaluation", "exact"]
    assert set(facts["thresholds"]) == {"wsolevaluation", "exact"}
    assert facts["data"]["notes"] == [
        "wsolevaluation, exact: thresholds chosen on 12 images of the val split",
        UNBOXED,
    ]
    assert facts["maps"]["mapping_resolution"] == [16, 16]
    numbers = facts["metrics"]
    assert {"test/loc_top1", "test/exact/oracle_max_box_acc_v2", "test/ceiling_true_mask"} <= set(
        numbers
    )
    for name in ("wsolevaluation", "exact"):
        assert len((folder / f"curve-{name}.csv").read_text().splitlines()) == 1 + 1000
        with Image.open(folder / f"curve-{name}.png") as picture:
            assert picture.size == (1200, 750)
    for name, prefix in (("paper", ""), ("exact", "exact/")):
        rows = rows_of(folder / f"rows-{name}.csv")
        assert [row["image"] for row in rows] == [f"test/{row:05d}" for row in range(10)]
        missed = [float(row["label_iou"]) < 0.5 for row in rows]
        assert numbers[f"test/{prefix}loc_gt_known"] == sum(missed) / 10
    assert "16x16 maps (class activation maps) of 10 images of the test split" in printed
    assert "protocol exact (exact-" in printed
    assert str(folder) in printed


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["ckpt=last.ckpt"], "last"),
        (["ckpt=runs/mine/trim1/seed0/checkpoints/best.ckpt"], "mine-trim1-seed0-best"),
        (["maps=heat/cub"], "cub"),
        (["arch.weights=a.pth"], "small_gap"),
        (["arch=torchvision_gap", "arch.name=resnet50"], "torchvision_gap-resnet50"),
    ],
)
def test_results_are_named_after_their_source(words: list[str], name: str) -> None:
    assert source_name(compose_config(*words, name="evaluate")) == name


def test_slices_add_up(type_words: Evaluate, ckpt: str, tmp_path: Path) -> None:
    facts = type_words(ckpt, "name=mine", "references=false")
    rows = rows_of(tmp_path / "out" / "mine" / "slices-paper.csv")
    assert facts["title"] == "mine"
    assert not [name for name in facts["metrics"] if "gaussian" in name or "true_mask" in name]
    for by in ("size", "boxes", "class"):
        part = [row for row in rows if row["by"] == by]
        assert sum(int(row["images"]) for row in part) == 10
        wrong = sum(float(row["loc_gt_known"] or 0) * int(row["with_boxes"]) for row in part)
        assert wrong / 10 == pytest.approx(facts["metrics"]["test/loc_gt_known"], abs=1e-4)
    assert [row["group"] for row in rows if row["by"] == "class"] == [str(n) for n in range(10)]


def test_maps_on_disk_score_as_the_network_that_made_them(
    type_words: Evaluate, made: Path, scored: Scored, tmp_path: Path
) -> None:
    network = scored[0]["metrics"]
    view = "view=[64,64]"
    facts = type_words(f"maps={made}/test", f"val_maps={made}/val", ALL, view, "name=maps")
    alone = facts["metrics"]
    assert alone == {name: network[name] for name in alone}
    left_out = {
        name.rpartition("/")[2].removeprefix("oracle_") for name in set(network) - set(alone)
    }
    assert left_out == {"loc_top1", "loc_top5", "cls_top1", "cls_top5"}
    assert facts["data"]["notes"] == [
        "wsolevaluation, exact: thresholds chosen on 12 maps of the val split",
        UNBOXED,
    ]
    assert facts["maps"]["largest"] == [16, 16]
    for row in rows_of(tmp_path / "out" / "maps" / "rows-paper.csv"):
        assert not [column for column in row if column.startswith("guess")]
    for file in ("slices-paper.csv", "slices-exact.csv"):
        assert "loc_top1" not in (tmp_path / "out" / "maps" / file).read_text()
    assert "loc_top1" not in json.dumps(facts["intervals"])


def test_maps_without_others_to_choose_on(type_words: Evaluate, maps: Path) -> None:
    facts = type_words(f"maps={maps}", "protocol=[exact,released]", "view=[64,64]")
    assert facts["thresholds"] == {}
    assert facts["protocols"]["released"]["title"] == "released(view='whole')"
    (note, *_) = facts["data"]["notes"]
    assert note.startswith("exact: thresholds are the best for the very images scored")
    assert "val_maps=" in note
    assert {"test/max_box_acc", "test/released/loc_gt_known_tight"} <= set(facts["metrics"])


def test_odd_maps_are_counted(type_words: Evaluate, maps: Path) -> None:
    folder = maps / "test"
    np.save(folder / "00003.npy", np.full((5, 7), np.nan))
    np.save(folder / "00004.npy", np.ones((3, 3)))
    np.save(folder / "spare.npy", np.ones((3, 3)))
    facts = type_words(f"maps={maps}", "view=[64,64]")
    assert facts["data"]["notes"] == [
        "1 file is no image's map: test/spare.npy",
        "1 map holds NaN or infinity and find nothing: test/00003.npy",
        UNBOXED,
    ]
    assert facts["mistakes"]["paper"]["nothing_found"] == 0.2


def test_the_validation_split(type_words: Evaluate, ckpt: str) -> None:
    facts = type_words(ckpt, "split=val", "protocol=exact", "references=false")
    assert facts["data"]["evaluated_on"] == "12 images of the val split"
    assert facts["thresholds"] == {}
    assert "val/max_box_acc" in facts["metrics"]
    assert "no other images have true boxes" in facts["data"]["notes"][0]


def test_thresholds_of_the_images_scored(type_words: Evaluate, ckpt: str, scored: Scored) -> None:
    facts = type_words(ckpt, "thresholds=null", "protocol=exact", "references=false")
    assert facts["thresholds"] == {}
    assert facts["data"]["notes"] == [
        "exact: thresholds are the best for the very images scored, which favours the numbers; "
        "as thresholds=null asks for",
        UNBOXED,
    ]
    oracle = scored[0]["metrics"]["test/exact/oracle_max_box_acc_v2"]
    assert facts["metrics"]["test/max_box_acc_v2"] == oracle


def test_an_earlier_evaluation_is_replaced(type_words: Evaluate, ckpt: str, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "2026"
    folder.mkdir(parents=True)
    for name in ("rows-mine.csv", "slices-mine.csv", "curve-mine.png", "notes.txt"):
        (folder / name).write_text("of mine")
    (folder / "metrics.json").write_text('{"command": "python -m gapcam.evaluate protocol=mine"}')
    type_words(ckpt, "name=2026", "references=false")
    left = {path.name for path in folder.iterdir()}
    assert left == {"metrics.json", "rows-paper.csv", "slices-paper.csv", "notes.txt"}


def test_other_maps_of_a_checkpoint(type_words: Evaluate, ckpt: str) -> None:
    facts = type_words(ckpt, "cam=saliency", "references=false", "data.counts=[8,2,2]")
    assert facts["maps"]["kind"].startswith("saliency")
    assert facts["maps"]["mapping_resolution"] == [64, 64]


def test_weights_and_several_kinds_of_views(
    type_words: Evaluate, ilsvrc_root: Path, tmp_path: Path
) -> None:
    """Weights without a run, on data whose test split is the validation split."""
    settings = ["data=ilsvrc", f"data.root={ilsvrc_root}", "arch.size=[32,32]", "data.resize=40"]
    settings += ["data.num_workers=0", "protocol=[paper,released,exact]"]
    config = plain(*settings)
    path = tmp_path / "weights" / "some.ckpt"
    saved(path, config, data_facts(build_data(config)))
    facts = type_words(*settings, f"arch.weights={path}")
    assert facts["title"] == "small_gap-ilsvrc-test-paper+released+exact"
    assert facts["maps"]["seen_as"] == (
        "the whole picture, squashed to 32x32; ten crops of 32x32 from the picture (squashed to 40)"
    )
    assert {"test/released/loc_top5_heuristic", "test/exact/max_box_acc"} <= set(facts["metrics"])
    assert any("no other images have true boxes" in note for note in facts["data"]["notes"])
    (row, *_) = rows_of(tmp_path / "out" / facts["title"] / "rows-released.csv")
    assert {"label_iou", "label_iou_tight", "guess_3_x1_tight"} <= set(row)


@pytest.mark.slow
def test_two_processes_evaluate_like_one(finished: tuple[Path, str], tmp_path: Path) -> None:
    """Also where the images cannot be shared out evenly."""
    checkpoint = finished[0] / "checkpoints" / "last.ckpt"
    words = [f"ckpt={checkpoint}", "data.counts=[96,20,7]", *QUICK, ALL, f"evaluations={tmp_path}"]
    two = ["trainer.devices=2", "trainer.strategy=ddp"]
    for name, more in (("one", []), ("two", two)):
        done = type_in(*words, f"name={name}", *more, module="gapcam.evaluate")
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("floor: best centred box") == 1
    one, both = (
        json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("one", "two")
    )
    assert both["maps"].pop("device") == "2 x cpu"
    assert one["maps"].pop("device") == "1 x cpu"
    for part in ("metrics", "thresholds", "intervals", "mistakes", "maps", "data"):
        assert one[part] == both[part]
    for path in (tmp_path / "one").glob("*.csv"):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


@pytest.mark.slow
def test_a_run_s_checkpoint_gives_the_run_s_numbers(
    finished: tuple[Path, str], tmp_path: Path
) -> None:
    words = [f"ckpt={finished[0]}/checkpoints/last.ckpt", "data.counts=[96,20,20]", *QUICK]
    done = type_in(*words, f"evaluations={tmp_path}", module="gapcam.evaluate")
    assert done.returncode == 0, done.stdout + done.stderr
    of_run = json.loads((finished[0] / "metrics.json").read_text())
    found = json.loads(next(tmp_path.rglob("metrics.json")).read_text())
    assert of_run["metrics"].items() <= found["metrics"].items()
    rows = next(tmp_path.rglob("rows-paper.csv"))
    assert rows.read_bytes() == (finished[0] / "rows.csv").read_bytes()


@pytest.mark.slow
def test_real_pictures_give_the_readme_s_numbers(real_data: Path, tmp_path: Path) -> None:
    weights = real_data / "squeezenet_dc" / "squeezenet_dc.caffemodel"
    words = ["arch=squeezenet", f"arch.weights={weights}", "data=ilsvrc"]
    words += [f"data.root={real_data}/imagenet", f"evaluations={tmp_path}", *QUICK]
    done = type_in(*words, module="gapcam.evaluate")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(next(tmp_path.rglob("metrics.json")).read_text())["metrics"]
    percent = {name: round(100 * (1 - value), 1) for name, value in found.items()}
    assert percent["test/loc_gt_known"] == 49.0
    assert percent["test/floor_whole_image"] == 48.3
    assert percent["test/floor_best_centred"] == 62.0
    assert percent["test/cls_top1"] == 74.7
