"""`python -m gapcam.explain`: what it leaves behind, and what it refuses."""

import csv
import json
import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from benches import colour_network, save_network
from PIL import Image
from support import subprocess_environment, type_in

NAMES = ["red", "green", "blue", "king penguin"]
RGB = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = colour_network(NAMES)
    with torch.no_grad():
        network.get_submodule("classifier").weight[:3, :3] = torch.eye(3)
    return save_network(tmp_path_factory.mktemp("network") / "colours.ckpt", network)


def picture(number: int, side: int = 64) -> Image.Image:
    pixels = np.full((side, side, 3), 90, np.uint8)
    pixels[8 : side // 2, 8 + number % 9 : side // 2 + number % 20] = list(RGB.values())[number % 3]
    return Image.fromarray(pixels)


def make_pictures(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True)
    for number in range(count):
        picture(number).save(folder / f"{number:03}.png")
    return folder


def command(checkpoint: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return type_in(f"ckpt={checkpoint}", "device=cpu", *words, module="gapcam.explain")


def rows_of(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "boxes.csv").read_text().splitlines()))


@pytest.mark.slow
def test_two_hundred_pictures_of_which_ten_are_odd(checkpoint: Path, tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "photos", 190)
    whole = (folder / "000.png").read_bytes()
    (folder / "truncated.png").write_bytes(whole[:-60])
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("no picture")
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    huge = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    huge += struct.pack(">I", zlib.crc32(chunk)) + struct.pack(">I", 4) + b"IDAT" + bytes(8)
    (folder / "huge.png").write_bytes(huge)
    picture(0).convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(np.full((64, 64), 30000, np.uint16)).save(folder / "deep.png")
    frames = [picture(number) for number in range(3)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    (folder / "wrong.jpg").write_bytes(whole)
    (folder / "dangling.jpg").symlink_to(tmp_path / "gone.jpg")
    (folder / "folder.jpg").mkdir()
    done = command(checkpoint, f"images={folder}", f"out={tmp_path / 'out'}", "top=1")
    assert done.returncode == 0, done.stderr
    listed = (tmp_path / "out" / "not_explained.txt").read_text().splitlines()
    said = {name: (kind, why) for kind, name, why in (line.split("\t") for line in listed)}
    broken = {name: why for name, (kind, why) in said.items() if kind == "not explained"}
    assert len(said) == 10
    assert set(broken) == {
        *("truncated.png", "empty.jpg", "text.jpg", "huge.png", "dangling.jpg", "folder.jpg")
    }
    assert broken["empty.jpg"] == "the file is empty"
    assert broken["text.jpg"] == "no picture that Pillow knows"
    assert broken["dangling.jpg"] == "a link to a file that is not there"
    assert broken["folder.jpg"] == "a folder, without a picture in it"
    assert "decompression bomb" in broken["huge.png"]
    assert set(said) - set(broken) == {"cmyk.jpg", "deep.png", "moving.gif", "wrong.jpg"}
    assert "194 pictures explained, 6 not" in done.stdout
    rows = rows_of(tmp_path / "out")
    assert len(rows) == 194
    for number in range(190):
        assert (
            rows[[r["picture"] for r in rows].index(f"{number:03}.png")]["name"]
            == (list(RGB)[number % 3])
        )
    page = (tmp_path / "out" / "index.html").read_text()
    assert page.count("<figure>") == 194
    assert "http" not in page.replace("http-equiv", "")
    assert len(list((tmp_path / "out").glob("contact-*.png"))) == 5


@pytest.mark.slow
def test_it_goes_on_and_guards_its_folder(checkpoint: Path, tmp_path: Path) -> None:
    folder, out = make_pictures(tmp_path / "my photos", 60), tmp_path / "out"
    words = [f"images={folder}", f"out={out}", "batch_size=2", "maps=true"]
    words.append("classes=green,King Penguin")
    process = subprocess.Popen(
        [sys.executable, "-m", "gapcam.explain", f"ckpt={checkpoint}", "device=cpu", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=subprocess_environment(),
    )
    record = out / "explained.jsonl"
    deadline = time.monotonic() + 60
    while not record.is_file() or len(record.read_text().splitlines()) < 10:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in said) == (130, False), said
    assert "the same command goes on" in said
    with record.open("a") as file:
        file.write('{"name": "cut o')  # as kill -9 leaves it
    first = sorted((out / "pictures").iterdir())[0]
    made = first.stat().st_mtime_ns
    done = command(checkpoint, *words)
    assert done.returncode == 0, done.stderr
    assert "of them done before" in done.stdout
    assert first.stat().st_mtime_ns == made
    whole = command(checkpoint, *[word.replace(f"out={out}", f"out={out}2") for word in words])
    assert whole.returncode == 0, whole.stderr
    for name in ("boxes.csv", "pictures/031.png.png", "maps/059.png.npy", "contact-1.png"):
        assert (out / name).read_bytes() == (tmp_path / "out2" / name).read_bytes(), name
    assert np.load(out / "maps" / "000.png.npy").shape == (2, 16, 16)
    assert {row["name"] for row in rows_of(out)} == {"green", "king penguin"}
    coco = json.loads((out / "boxes.json").read_text())
    assert len(coco["images"]) == 60
    assert coco["info"]["protocol"]["id"].startswith("paper-")
    (folder / "000.png").write_bytes((folder / "001.png").read_bytes())  # it changes
    assert "60 pictures, 59 of them done before" in command(checkpoint, *words).stdout
    other = command(checkpoint, *words, "threshold=0.5")
    assert other.returncode == 1
    assert "results of other settings" in other.stderr
    (out / "mine.txt").touch()
    anew = command(checkpoint, *words, "threshold=0.5", "overwrite=true")
    assert anew.returncode == 0, anew.stderr
    assert (out / "mine.txt").exists()
    assert {row["threshold"] for row in rows_of(out)} == {"0.5"}


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["paper", "released"])
def test_boxes_are_those_of_evaluate(real_data: Path, tmp_path: Path, protocol: str) -> None:
    weights = f"arch.weights={real_data}/squeezenet_dc/squeezenet_dc.npz"
    data = real_data / "imagenet"
    common = ["arch=squeezenet", weights, f"protocol={protocol}"]
    scored = type_in(
        *common,
        *("data=ilsvrc", f"data.root={data}", "references=false", f"evaluations={tmp_path}"),
        *("trainer.accelerator=cpu", "trainer.limit_test_batches=1", "data.eval_batch_size=16"),
        *("name=scored", "trainer.enable_progress_bar=false", "data.num_workers=0"),
        module="gapcam.evaluate",
    )
    assert scored.returncode == 0, scored.stderr
    path = tmp_path / "scored" / f"rows-{protocol}.csv"
    expected = {row["image"]: row for row in csv.DictReader(path.read_text().splitlines())}
    pictures = ",".join(
        str(data / "ILSVRC" / "Data" / "CLS-LOC" / "val" / n) for n in _names(expected)
    )
    done = type_in(
        *common,
        *(f"images={pictures}", "device=cpu", "upright=false", f"out={tmp_path / 'out'}"),
        module="gapcam.explain",
    )
    assert done.returncode == 0, done.stderr
    rows = [row for row in rows_of(tmp_path / "out") if row["rank"] == "1"]
    rows = [row for row in rows if row["box"] in ("", "loose")]
    assert len(rows) == len(expected) == 16
    for row in rows:
        (other,) = [one for name, one in expected.items() if name.endswith(row["picture"])]
        assert row["class"] == other["guess_1"]
        ours = [float(row[corner]) for corner in ("x0", "y0", "x1", "y1")]
        theirs = [float(other[f"guess_1_{corner}"]) for corner in ("x0", "y0", "x1", "y1")]
        assert ours == pytest.approx(theirs, abs=1e-2)


def _names(rows: dict[str, dict[str, str]]) -> list[str]:
    return [Path(name).name for name in rows]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["images=a.png"], "Which network"),
        (["ckpt=x.ckpt"], "images must be set: add images=..."),
        (["ckpt=x.ckpt", "images=nowhere"], "there is no file or folder nowhere"),
        (["ckpt=x.ckpt", "images=.", "arch=vgg"], "says what network it is; leave out arch=vgg"),
        (["ckpt=x.ckpt", "images=.", "protocol=[paper,exact]"], "One protocol cuts the boxes"),
        (["ckpt=x.ckpt", "images=.", "colours=jet"], "colours must be one of viridis"),
        (["ckpt=x.ckpt", "images=.", "opacity=2"], "opacity must lie in 0..1; got 2"),
        (["ckpt=x.ckpt", "images=.", "image=."], "Did you mean images?"),
        (["ckpt=x.ckpt", "images=a", "images=b"], "images=... is given twice"),
    ],
)
def test_mistakes_are_told_at_once(tmp_path: Path, words: list[str], message: str) -> None:
    done = type_in(*words, cwd=tmp_path, module="gapcam.explain")
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "explained").exists()
