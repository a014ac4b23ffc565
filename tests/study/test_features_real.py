"""Deep features of real pictures, by command: against a plain script, spread, and killed."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from benches import bench
from PIL import Image
from sklearn.svm import LinearSVC
from support import subprocess_environment, type_in
from torch.nn import functional as F

from gapcam.study.extraction import extract

pytestmark = pytest.mark.slow

MEAN = (104.0, 117.0, 123.0)  # blue, green, red, of the Caffe file
SIDE = 227


def squeezenet(weights: Path, pictures: list[Path]) -> np.ndarray:
    """Pooled fire9 of pictures, `(N, 512)`: the network written down once more."""
    w = {name: torch.from_numpy(array) for name, array in np.load(weights).items()}

    def conv(x: torch.Tensor, name: str, **how: int) -> torch.Tensor:
        return F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], **how).relu()

    found = []
    for path in pictures:
        pixels = np.array(Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.BILINEAR))
        x = torch.from_numpy(pixels[..., ::-1].astype(np.float32) - np.float32(MEAN))
        with torch.no_grad():
            x = conv(x.permute(2, 0, 1)[None], "conv1", stride=2)
            for fire in range(2, 10):
                if fire in (2, 5, 9):
                    x = F.max_pool2d(x, 3, 2, ceil_mode=True)
                x = conv(x, f"fire{fire}.conv1x1_1")
                sides = (
                    conv(x, f"fire{fire}.conv1x1_2"),
                    conv(x, f"fire{fire}.conv3x3_2", padding=1),
                )
                x = torch.cat(sides, 1)
        found.append(x.mean((2, 3))[0].numpy())
    return np.stack(found)


def scene15(root: Path) -> dict[str, list[tuple[Path, str]]]:
    """Pictures and classes of its two folders; `test/` spells some classes otherwise."""
    return {
        split: [(path, path.parent.name.lower()) for path in sorted((root / split).glob("*/*.jpg"))]
        for split in ("train", "test")
    }


def cub(root: Path) -> dict[str, list[tuple[Path, str]]]:
    """Pictures and classes by its official lists."""
    names, kinds, trains = (
        dict(line.split() for line in (root / f"{name}.txt").read_text().splitlines())
        for name in ("images", "image_class_labels", "train_test_split")
    )
    return {
        split: [(root / "images" / names[n], kinds[n]) for n in names if trains[n] == flag]
        for split, flag in (("train", "1"), ("test", "0"))
    }


def plain_guesses(
    weights: Path, splits: dict[str, list[tuple[Path, str]]]
) -> dict[str, tuple[str, str]]:
    """Class and guess of each test picture, by the end of its path."""
    features = {s: squeezenet(weights, [path for path, _ in splits[s]]) for s in splits}
    machine = LinearSVC(random_state=0, max_iter=10_000)
    machine.fit(features["train"].astype(np.float64), [name for _, name in splits["train"]])
    guesses = machine.predict(features["test"])
    return {
        "/".join(path.parts[-2:]): (name, guess)
        for (path, name), guess in zip(splits["test"], guesses, strict=True)
    }


def words_of(real_data: Path, data: str, folder: str) -> list[str]:
    return [
        *("study=features", "arch=squeezenet_gap", f"data={data}"),
        f"arch.weights={real_data}/squeezenet_dc/squeezenet_dc.npz",
        *(f"data.root={real_data}/{folder}", "data.num_workers=0", "gallery=2"),
        *("trainer.accelerator=cpu", "logger=csv"),
    ]


@pytest.mark.parametrize(
    ("data", "folder", "splits"), [("folders", "scene15", scene15), ("cub200", "CUB_200_2011", cub)]
)
def test_a_plain_script_says_the_same(
    real_data: Path, tmp_path: Path, data: str, folder: str, splits: object
) -> None:
    done = type_in(*words_of(real_data, data, folder), f"runs={tmp_path}", module="gapcam.study")
    assert done.returncode == 0, done.stdout + done.stderr
    (home,) = (path.parent for path in tmp_path.rglob("metrics.json"))
    expected = plain_guesses(
        real_data / "squeezenet_dc" / "squeezenet_dc.npz",
        splits(real_data / folder),  # type: ignore[operator]
    )
    error = np.mean([label != guess for label, guess in expected.values()])
    told = json.loads((home / "metrics.json").read_text())["metrics"]["test/cls_top1"]
    assert told == pytest.approx(error, abs=1e-9)
    assert 0.1 < told < 0.6
    rows = list(csv.DictReader((home / "rows.csv").read_text().splitlines()))
    assert len(rows) == len(expected)
    for row in rows:
        label, guess = expected["/".join(row["image"].split("/")[-2:])]
        assert (row["label_name"] == row["guess_name"]) == (label == guess)


def test_two_processes_compute_what_one_does(real_data: Path, tmp_path: Path) -> None:
    """Bit for bit: features in the pool's order, machines, rows and pictures."""
    words = [*words_of(real_data, "cub200", "CUB_200_2011"), "data.eval_batch_size=8"]
    several = ("trainer=ddp", "trainer.devices=2")
    for name, more in (("one", ()), ("two", several)):
        done = type_in(*words, *more, f"runs={tmp_path / name}", module="gapcam.study")
        assert done.returncode == 0, done.stdout + done.stderr
    assert "2 x cpu" in done.stdout
    kinds = ("features.npy", "rows.csv", "svm-1.npz", "*.png")
    found = {
        name: {
            path.name: path.read_bytes() for kind in kinds for path in (tmp_path / name).rglob(kind)
        }
        for name in ("one", "two")
    }
    assert len(found["one"]) >= 5
    assert found["one"].keys() == found["two"].keys()
    for name, content in found["one"].items():
        assert content == found["two"][name], name


def test_killed_and_interrupted_it_goes_on(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    words = [*words_of(real_data, "cub200", "CUB_200_2011"), "data.eval_batch_size=1"]
    command = [sys.executable, "-m", "gapcam.study", *words, f"runs={tmp_path}"]
    for parts, how, status in ((1, signal.SIGKILL, -signal.SIGKILL), (2, signal.SIGINT, 130)):
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=subprocess_environment(),
        )
        deadline = time.monotonic() + 200
        while len(list(tmp_path.rglob("part-*.npz"))) < parts and time.monotonic() < deadline:
            assert process.poll() is None, process.stdout and process.stdout.read()
            time.sleep(0.02)
        os.kill(process.pid, how)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == status, said
    done = type_in(*words, f"runs={tmp_path}", module="gapcam.study")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "of 110 batches of features were computed before" in done.stdout
    assert not list(tmp_path.rglob("part-*.npz"))
    (path,) = tmp_path.rglob("features.npy")
    found = bench(tmp_path / "whole", *words, "data.eval_batch_size=1")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    whole = extract(found, [found.data.train, found.data.test])
    torch.set_num_threads(threads)
    np.testing.assert_array_equal(np.load(path), np.concatenate(whole))
