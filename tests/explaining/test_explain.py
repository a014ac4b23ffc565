"""Where a network looks in pictures of one's own, against slow loops."""

import importlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from benches import colour_network, save_network
from PIL import Image
from scipy import ndimage

import gapcam
from gapcam.errors import UserError
from gapcam.explaining.class_choice import choose_classes
from gapcam.explaining.explain import settled
from gapcam.explaining.explanation import Explanation
from gapcam.explaining.pictures import as_rgb
from gapcam.protocol import PUBLISHED

NAMES = ["red", "green", "blue", "king_penguin"]
RED, GREEN = (255, 0, 0), (0, 255, 0)


@pytest.fixture(scope="module")
def network() -> Any:
    module = colour_network(NAMES)
    with torch.no_grad():
        module.get_submodule("classifier").weight[:3, :3] = torch.eye(3)
    return module


def scene(width: int = 120, height: int = 80) -> Image.Image:
    """Red on the left, green, a little less of it, on the right."""
    pixels = np.full((height, width, 3), 90, np.uint8)
    pixels[height // 4 : height // 2, width // 8 : width // 2 - 8] = RED
    pixels[height // 2 : height * 3 // 4, width * 5 // 8 : width * 7 // 8] = GREEN
    return Image.fromarray(pixels)


def slow_box(network: Any, picture: Image.Image, label: int) -> list[float]:
    """The paper's rule, step by step."""
    height, width = network.size
    seen = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
    with torch.no_grad():
        features = network(torch.from_numpy(seen.copy()).permute(2, 0, 1)[None]).features[0]
        weight = network.get_submodule("classifier").weight[label]
        total = sum(float(w) * unit for w, unit in zip(weight, features, strict=True))
        heat = F.interpolate(total[None, None], (height, width), mode="bilinear")[0, 0].numpy()
    components, count = ndimage.label(heat > 0.2 * heat.max(), np.ones((3, 3)))
    sizes = [(components == number).sum() for number in range(1, count + 1)]
    rows, columns = np.nonzero(components == 1 + int(np.argmax(sizes)))
    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    scale = [picture.width / width, picture.height / height] * 2
    return [float(corner * s) for corner, s in zip(box, scale, strict=True)]


def test_boxes_are_the_paper_s_rule_s(network: Any) -> None:
    pictures = [scene(), scene(64, 200), scene(300, 90)]
    found = gapcam.explain(network, pictures, ["red", "green"], batch_size=2)
    assert found.logits.shape == (3, 4)
    assert found.maps.shape == (3, 2, 16, 16)
    for row, picture in enumerate(pictures):
        for rank in range(2):
            expected = slow_box(network, picture, rank)
            assert found.boxes[row, rank, 0].tolist() == pytest.approx(expected, abs=1e-3)
    left, right = found.boxes[0, 0, 0].tolist(), found.boxes[0, 1, 0].tolist()
    assert left[2] <= right[0] + 8, "red lies left of green"


def test_best_guesses_come_first(network: Any) -> None:
    found = gapcam.explain(network, scene(), top=2)
    assert [found.class_name(0, rank) for rank in range(2)] == ["red", "green"]
    torch.testing.assert_close(found.scores, found.logits.softmax(1).topk(2).values)
    assert gapcam.explain(network, scene(), top=9).classes.shape == (1, 4)


def test_ways_to_give_a_picture(network: Any, tmp_path: Path) -> None:
    scene().save(tmp_path / "a.png")
    pixels = np.asarray(scene())
    ways = [tmp_path / "a.png", str(tmp_path / "a.png"), scene(), pixels]
    ways += [torch.from_numpy(pixels.copy()).permute(2, 0, 1), scene().convert("RGBA")]
    found = gapcam.explain(network, ways)
    assert found.names == [str(tmp_path / "a.png")] * 2 + [f"picture {n}" for n in range(3, 7)]
    for row in range(1, len(ways)):
        assert torch.equal(found.boxes[row], found.boxes[0])


def test_the_network_stays_as_it_was(network: Any) -> None:
    network.train()
    gapcam.explain(network, scene())
    assert network.training
    network.eval()


def test_what_is_drawn(network: Any) -> None:
    found = gapcam.explain(network, [scene(), scene(200, 40)])
    one = found[-1]
    assert (len(found), len(one), one.names) == (2, 1, ["picture 2"])
    heat = one.heat()
    assert heat.shape == (40, 200)
    assert (heat.min(), heat.max()) == (0, 1)
    x0, y0, x1, y1 = one.boxes[0, 0, 0].round().int().tolist()
    outside = heat.copy()
    outside[y0:y1, x0:x1] = 0
    assert outside.max() <= 0.35, "what is hot lies in the box"
    assert one.overlay(side=100).size == (100, 20)
    bare = np.asarray(one.overlay(opacity=0, boxes=False))
    np.testing.assert_array_equal(bare, np.asarray(scene(200, 40)))
    assert (np.asarray(one.overlay(opacity=0)) != bare).any()
    figure = found.plot(1, side=60)
    assert [axes.get_title() for axes in figure.axes][1].startswith("red ")
    with pytest.raises(IndexError, match="out of range"):
        found[2]


@pytest.mark.parametrize("protocol", ["released", "exact", "wsolevaluation"])
def test_every_protocol_draws(network: Any, protocol: str) -> None:
    found = gapcam.explain(network, scene(), ["red"], protocol=protocol)
    assert found.boxes.shape == (1, 1, 2 if protocol == "released" else 1, 4)
    assert found.boxes.any()
    assert 0.95 < found.heat().max() <= 1
    assert found.protocol.view is not None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pictures": []}, "`pictures` is empty"),
        ({"pictures": "nowhere.jpg"}, "nowhere.jpg: there is no such file"),
        ({"pictures": 3}, "picture 1 is of type int: expected the path"),
        ({"pictures": np.zeros((4, 4, 3))}, "values of type float64: expected whole ones"),
        ({"pictures": np.zeros((4, 4, 7), np.uint8)}, r"has the shape \(4, 4, 7\)"),
        ({"classes": []}, "names no class"),
        ({"classes": ["king pingu"]}, r"no class 'king pingu' among its 4. Nearest: king_penguin"),
        ({"classes": ["zebra"]}, r"no class 'zebra' .* Its classes: red, green, blue"),
        ({"classes": ["red", 0]}, "names 'red' twice"),
        ({"classes": [4]}, "no class '4'"),
        ({"top": 0}, "top must be a whole number of classes from 1 on; got 0"),
        ({"protocol": "papers"}, "must be a Protocol or one of paper, released"),
        ({"threshold": 1.0}, r"threshold must be in \[0, 1\)"),
        ({"protocol": "released", "threshold": 0.3}, "released has three grey levels instead"),
    ],
)
def test_mistakes_are_explained(network: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        gapcam.explain(network, **{"pictures": scene(), **settings})


def test_thresholds_of_nothing() -> None:
    assert settled("paper").threshold == 0.2
    assert settled("exact").threshold == 0.2
    assert settled("exact", 0.4).threshold == 0.4
    assert settled(replace(PUBLISHED["paper"], view="centre")).view == "centre"


def test_classes_by_name() -> None:
    assert choose_classes(["King Penguin", 0, "1"], NAMES) == [3, 0, 1]
    assert choose_classes(["2"], ["two", "2", "three"]) == [1]


@pytest.mark.parametrize("turn", range(1, 9))
def test_photographs_stand_upright(tmp_path: Path, turn: int) -> None:
    # How a stored picture is turned to be seen, by the EXIF standard.
    upright = {
        1: lambda p: p,
        2: np.fliplr,
        3: lambda p: np.rot90(p, 2),
        4: np.flipud,
        5: lambda p: p.transpose(1, 0, 2),
        6: lambda p: np.rot90(p, -1),
        7: lambda p: np.rot90(p.transpose(1, 0, 2), 2),
        8: lambda p: np.rot90(p, 1),
    }[turn]
    exif = Image.Exif()
    exif[0x0112] = turn
    scene().save(tmp_path / "a.png", exif=exif)
    stored = np.asarray(scene())
    np.testing.assert_array_equal(np.asarray(as_rgb(tmp_path / "a.png")), upright(stored))
    np.testing.assert_array_equal(np.asarray(as_rgb(tmp_path / "a.png", False)), stored)


def test_the_module_does_not_hide_the_function(network: Any) -> None:
    module = importlib.import_module("gapcam.explain")
    found = module(network, scene())
    assert isinstance(found, Explanation)
    assert isinstance(gapcam.explain(network, scene()), Explanation)
    code = "import gapcam.explain, sys; assert 'torch' not in sys.modules; print(gapcam.explain)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "gapcam.explain" in done.stdout


def test_the_example_of_the_docs(
    network: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "explain.md").read_text()
    code = page.partition("```python\n")[2].partition("```")[0]
    checkpoint = save_network(tmp_path / "some.ckpt", network)
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {"checkpoint": checkpoint, "pictures": [scene()]}
    exec(code, known)
    assert known["found"].class_name() == "red"
    with Image.open(tmp_path / "overlay.png") as overlay:
        assert overlay.size == scene().size
    assert (tmp_path / "all classes.png").stat().st_size > 1000
