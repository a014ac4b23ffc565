"""The text detector: planted words are found, numbers are those of a slow script, mistakes told."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from benches import bench, colour_network, save_network
from PIL import Image
from planted_text import SIZE, make_text, make_written, planted_words
from sklearn.metrics import average_precision_score
from sklearn.svm import LinearSVC
from torch.nn import functional as F
from twins import edit, make_folders

from gapcam.errors import UserError
from gapcam.study.bench import Bench
from gapcam.study.outcome import Outcome, Sheet
from gapcam.study.text import maps as text_maps
from gapcam.study.text import word_numbers
from gapcam.study.text.findings import words_of
from gapcam.study.text.page import choose
from gapcam.study.text.study import Text

Made = Callable[..., Bench]
SETTINGS = {"c": 1.0, "covered": 0.5, "iou": 0.5}


def words_for(root: Path, weights: Path) -> tuple[str, ...]:
    return (
        *("study=text", "arch=small_gap", "arch.units=8", f"arch.weights={weights}"),
        *("data=svt", f"data.root={root / 'svt'}", f"data.negatives={root / 'negatives'}"),
    )


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A bench of a data set in `tmp_path / "text"`, which a test may spoil before."""
    root = tmp_path / "text"
    make_text(root, train=3, test=3, negatives=8)
    words = words_for(root, root / "colours.ckpt")
    return lambda *more, **changed: bench(tmp_path / "runs", *words, *more, **changed)


@pytest.fixture(autouse=True, scope="module")
def _few_resamples() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_numbers, "RESAMPLES", 40)
        yield


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Bench, Outcome]:
    root = make_text(tmp_path_factory.mktemp("text"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(root / "cache"))
        found = bench(root / "runs", *words_for(root, root / "colours.ckpt"), gallery=8)
        return root, found, do(found)


def column(sheet: Sheet, name: str) -> list[object]:
    return [row[list(sheet.columns).index(name)] for row in sheet.rows]


def do(found: Bench, **settings: float) -> Outcome:
    study = Text(**{**SETTINGS, **settings})
    study.check(found)
    return study.run(found)


def slow_heat(found: Bench, name: str, weight: np.ndarray) -> np.ndarray:
    """A picture's map as the paper's text has it, by torch's own interpolation."""
    picture = Image.open(found.data.root / name).convert("RGB")
    height, width = found.network.size
    small = picture.resize((width, height), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(small)).permute(2, 0, 1)[None]
    with torch.no_grad():
        features = found.network(pixels).features[0].double()
    cam = torch.einsum("k,khw->hw", torch.from_numpy(weight).double(), features)
    size = {"size": (height, width), "mode": "bilinear", "align_corners": False}
    heat = F.interpolate(cam[None, None], **size)[0, 0].clamp(min=0)
    return (heat / heat.max()).numpy()


def slow_svm(found: Bench) -> LinearSVC:
    """scikit-learn on features of one picture after the other."""
    split = found.data.train
    with torch.no_grad():
        rows = [
            found.network(split[row].image[None]).features.mean((2, 3)) for row in range(len(split))
        ]
    return LinearSVC(C=1.0, random_state=0, max_iter=10_000, dual="auto").fit(
        torch.cat(rows).double().numpy(), split.labels
    )


def slow_truth(path: Path) -> dict[str, list[tuple[float, ...]]]:
    """Boxes by picture as the file has them: x, y, width, height."""
    return {
        image.findtext("imageName", ""): [
            tuple(float(box.get(key, "")) for key in ("x", "y", "width", "height"))
            for box in image.iter("taggedRectangle")
        ]
        for image in ET.parse(path).getroot()
    }


def test_the_map_lies_on_planted_words(planted: tuple[Path, Bench, Outcome]) -> None:
    root, _, outcome = planted
    found = outcome.metrics
    assert found["average_precision"] == 1
    assert found["box_recall"] == 1
    assert found["pixel_ap"] > 0.8
    assert found["floor_pixel_ap_centre"] < 0.3
    assert found["box_recall_gain"] > 0.5
    # Words are about a fifteenth of the pictures, and little else is marked.
    assert found["floor_pixel_ap"] < found["marked"] < 2 * found["floor_pixel_ap"]
    for name, planted_boxes in slow_truth(root / "svt" / "test.xml").items():
        assert sorted(planted_boxes) == sorted(planted_words(root, name))


def test_numbers_are_those_of_a_slow_script(planted: tuple[Path, Bench, Outcome]) -> None:
    root, found, outcome = planted
    svm = slow_svm(found)
    height, width = found.network.size
    truths, heats = [], []
    words_found = words = 0
    for name, boxes in slow_truth(root / "svt" / "test.xml").items():
        heat = slow_heat(found, name, svm.coef_[0])
        is_true = np.zeros((height, width), bool)
        for row in range(height):
            for place in range(width):
                y, x = row * SIZE[0] // height, place * SIZE[1] // width
                is_true[row, place] = any(
                    left <= x < left + w and top <= y < top + h for left, top, w, h in boxes
                )
        # Each pixel of the picture has the heat of the grid's pixel below it.
        rows, columns = (
            np.arange(SIZE[0]) * height // SIZE[0],
            np.arange(SIZE[1]) * width // SIZE[1],
        )
        is_marked = (heat > 0.2)[rows][:, columns]
        for left, top, w, h in ((int(side) for side in box) for box in boxes):
            words += 1
            words_found += is_marked[top : top + h, left : left + w].mean() >= 0.5
        truths.append(is_true.ravel())
        # Planted maps have plateaus just at the edge of a bin, where the last digits differ.
        heats.append(np.floor(heat.ravel() * 1000 + 1e-3))
    expected = average_precision_score(np.concatenate(truths), np.concatenate(heats))
    assert outcome.metrics["pixel_ap"] == pytest.approx(expected, abs=1e-9)
    assert outcome.metrics["floor_pixel_ap"] == pytest.approx(np.concatenate(truths).mean())
    assert outcome.metrics["box_recall"] == words_found / words
    assert len(outcome.tables["words"].rows) == words


def test_a_line_for_each_picture_and_word(planted: tuple[Path, Bench, Outcome]) -> None:
    _, found, outcome = planted
    rows, words = outcome.rows, outcome.tables["words"]
    assert column(rows, "index") == list(range(len(found.data.test)))
    for name, guess, score in zip(
        *(column(rows, name) for name in ("label", "guess", "score")), strict=True
    ):
        assert name in ("text", "no text")
        assert (guess == "text") == (score > 0)
    is_text = [name == "text" for name in column(rows, "label")]
    is_wrong = np.array(column(rows, "label")) != np.array(column(rows, "guess"))
    assert outcome.metrics["cls_top1"] == pytest.approx(is_wrong.mean())
    assert [count is not None for count in column(rows, "pixel_ap")] == is_text
    counts = [count for count in column(rows, "words_found") if count is not None]
    assert sum(counts) == sum(column(words, "found"))
    assert set(column(words, "text")) <= {"BAR", "CAFE", "HOTEL", "BOOKS"}
    for is_found, below in zip(column(words, "found"), column(words, "found_below"), strict=True):
        assert bool(is_found) == (below > 0.2)


def test_page(planted: tuple[Path, Bench, Outcome]) -> None:
    _, found, outcome = planted
    titles = [section.title for section in outcome.sections]
    assert titles[2:] == [
        *("Best maps", "Median maps", "Worst maps", "False alarms, and what comes nearest")
    ]
    for section in outcome.sections[2:]:
        assert len(section.pictures) == 2
        for shown in section.pictures:
            assert shown.path.parent == found.pictures
            assert "score" in shown.caption
            with Image.open(shown.path) as picture:
                assert picture.width == 644
    assert all(svg.startswith("<svg") for svg in outcome.sections[0].figures)
    assert "10 words" in outcome.headline


def test_a_drawn_map_is_bright_on_the_word(planted: tuple[Path, Bench, Outcome]) -> None:
    root, _, outcome = planted
    shown = outcome.sections[2].pictures[0]
    name = shown.caption.split(" · ")[-1]
    left, right = (np.asarray(Image.open(shown.path))[:240, at : at + 320] for at in (0, 324))
    assert np.abs(left.astype(int) - right).mean() > 5
    is_bright = right[..., 1] > 110  # yellow and green of viridis, and white frames
    inside = np.zeros((240, 320), bool)
    for x, y, w, h in planted_words(root, name):
        inside[int(y * 2.5) : int((y + h) * 2.5), int(x * 2.5) : int((x + w) * 2.5)] = True
    assert is_bright[inside].mean() > 3 * is_bright[~inside].mean()


@pytest.mark.slow
def test_a_repeated_study_goes_on_and_finds_the_same(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = do(made())
    monkeypatch.setattr(text_maps, "_look", lambda *_: pytest.fail("looked again"))
    again = do(made())
    assert (again.metrics, again.intervals) == (first.metrics, first.intervals)
    assert again.sections[0].figures == first.sections[0].figures


@pytest.mark.slow
def test_other_weights_are_looked_through_again(made: Made) -> None:
    before = do(made())
    found = made()
    with torch.no_grad():
        next(found.network.trunk.parameters())[4].mul_(0.5)  # the unit that sees magenta
    assert do(found).metrics["pixel_ap"] != before.metrics["pixel_ap"]


@pytest.mark.slow
def test_only_the_main_process_writes(made: Made) -> None:
    found = made()
    expected = do(found)
    other = replace(found, is_main=False, folder=found.folder / "other")
    assert do(other).metrics == expected.metrics
    assert not other.folder.exists()


@pytest.mark.slow
def test_settings_mean_what_they_say(made: Made) -> None:
    found = made("protocol.paper.threshold=0.8")
    strict, lax = do(found, covered=1.0, iou=0.9).metrics, do(found, covered=0.1, iou=0.1).metrics
    assert strict["box_recall"] < lax["box_recall"]
    assert strict["box_recall_iou"] < lax["box_recall_iou"]
    assert strict["pixel_ap"] == lax["pixel_ap"]
    assert do(found, c=1e-4).metrics["average_precision"] > 0


@pytest.mark.slow
def test_a_protocol_without_a_threshold_takes_the_papers(made: Made) -> None:
    outcome = do(made("protocol=exact"))
    assert any("tries all thresholds" in note for note in outcome.notes)
    assert outcome.metrics["box_recall"] > 0


@pytest.mark.slow
def test_several_views_and_crops(made: Made) -> None:
    assert do(made("data.view=ten")).metrics["pixel_ap"] > 0.2
    assert do(made("data.view=centre")).metrics["pixel_ap"] > 0.2


@pytest.mark.slow
def test_positives_that_are_tested_were_trained_on(made: Made) -> None:
    outcome = do(made("data.positives=all"))
    assert any("were trained on" in note for note in outcome.notes)
    assert outcome.evaluated_on.endswith("6 with words")


@pytest.mark.slow
def test_one_picture_with_words_has_no_others(made: Made, tmp_path: Path) -> None:
    path = tmp_path / "text" / "svt" / "test.xml"
    edit(path, lambda text: text[: text.index("</image>") + 8] + "</tagset>")
    outcome = do(made())
    assert "floor_pixel_ap_others" not in outcome.metrics
    assert "floor_box_recall" in outcome.metrics
    assert [section.title for section in outcome.sections if section.title.endswith("maps")] == [
        "Best maps"
    ]


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"c": 0}, r"study\.c must be a number above 0; got 0"),
        ({"c": float("inf")}, r"study\.c must be a number above 0; got inf"),
        ({"c": "x"}, r"study\.c must be a number above 0; got 'x'"),
        ({"covered": 1.5}, r"study\.covered must be a number above 0 and at most 1; got 1\.5"),
        ({"covered": True}, r"study\.covered must be a number above 0 and at most 1; got True"),
        ({"iou": -1}, r"study\.iou must be a number above 0 and at most 1; got -1"),
    ],
)
def test_settings_out_of_range(settings: dict[str, object], match: str) -> None:
    with pytest.raises(UserError, match=match):
        Text(**{**SETTINGS, **settings})


def no_boxes(root: Path) -> None:
    word = re.compile("<taggedRectangle .*?</taggedRectangle>")
    edit(root / "svt" / "test.xml", lambda text: word.sub("", text))


def broken(root: Path) -> None:
    (root / "svt" / "img" / "04_00.png").write_bytes(b"no picture")


def cut_short(root: Path) -> None:
    path = root / "svt" / "img" / "04_00.png"
    path.write_bytes(path.read_bytes()[:2000])


def missing(root: Path) -> None:
    (root / "svt" / "img" / "04_00.png").unlink()


def no_negatives(root: Path) -> None:
    for path in (root / "negatives").rglob("*.png"):
        path.unlink()


@pytest.mark.parametrize(
    ("spoil", "more", "match"),
    [
        (no_negatives, (), r"negatives holds 0 pictures.* expected 2 at least"),
        (None, ("data.negatives=null",), r"data\.negatives is not set"),
        (None, ("data.negatives=/nowhere",), r"data\.negatives=/nowhere is no folder"),
        (no_boxes, (), r"03_00\.png: no word is marked in it"),
        (missing, (), r"04_00\.png: test\.xml lists it"),
        (broken, (), r"04_00\.png: no picture that Pillow knows"),
        (cut_short, (), r"Cannot read a picture of the test split: .*04_00\.png"),
        (None, ("arch.pool=max",), r"The text detector needs average pooling: give arch\.pool=avg"),
        (None, ("protocol=released", "data.view=ten"), r"protocol released has neither"),
    ],
)
def test_bad_input(
    made: Made,
    tmp_path: Path,
    spoil: Callable[[Path], None] | None,
    more: tuple[str, ...],
    match: str,
) -> None:
    if spoil is not None:
        spoil(tmp_path / "text")
    with pytest.raises(UserError, match=match):
        do(made(*more))


def test_no_word_box_is_told_before_any_picture_is_looked_at(made: Made) -> None:
    found = made()
    test = found.data.test
    bare = type(test)(test.folder, found.data.train.index, test.views, 0, "test")
    bare.index._arrays["boxes"] = bare.index._arrays["boxes"][:0]
    bare.index._arrays["box_ends"] = bare.index._arrays["box_ends"] * 0
    found.data.test = bare
    with pytest.raises(UserError, match=r"No word has a box in the \d+ pictures of the test split"):
        Text(**SETTINGS).check(found)


def test_other_data_are_refused(tmp_path: Path) -> None:
    root = make_folders(tmp_path / "data")
    weights = save_network(tmp_path / "colours.ckpt", colour_network(["a cat", "dög"]))
    found = bench(
        tmp_path / "runs",
        *("study=text", "arch=small_gap", "arch.units=8", f"arch.weights={weights}"),
        *("data=folders", "data.train_per_class=3", f"data.root={root}"),
    )
    match = r"learns the classes 'no text' and 'text', and these data have 2, such as 'a cat'"
    with pytest.raises(UserError, match=match):
        Text(**SETTINGS).check(found)


def test_a_network_without_a_pooled_classifier_is_refused(made: Made) -> None:
    found = replace(made(), network=torch.nn.Identity())
    with pytest.raises(UserError, match=r"The text detector needs a network with a linear class"):
        Text(**SETTINGS).check(found)


@pytest.mark.parametrize(
    ("text", "count", "words"),
    [
        ("", 0, []),
        ("BAR CAFE", 2, ["BAR", "CAFE"]),
        ("NEW YORK BAR", 2, [None, None]),
        ("BAR", 2, [None, None]),
    ],
)
def test_words_by_box(text: str, count: int, words: list[str | None]) -> None:
    assert words_of(text, count) == words


@pytest.mark.parametrize(
    ("order", "each", "expected"),
    [
        ([], 2, {}),
        ([4], 2, {"Best": [4]}),
        ([4, 7], 2, {"Best": [4], "Worst": [7]}),
        ([4, 7, 1], 2, {"Best": [4], "Median": [7], "Worst": [1]}),
        (list(range(10)), 3, {"Best": [0, 1, 2], "Median": [3, 4, 5], "Worst": [9, 8, 7]}),
    ],
)
def test_no_picture_is_shown_twice(
    order: list[int], each: int, expected: dict[str, list[int]]
) -> None:
    assert choose(order, each) == expected


@pytest.mark.slow
def test_street_pictures_with_real_weights(real_data: Path, tmp_path: Path) -> None:
    """Ten pictures do not teach what text looks like, but numbers are those of a plain script."""
    found = bench(
        tmp_path,
        *("study=text", "data=svt", f"data.root={real_data / 'svt1'}", "data.negatives_count=30"),
        *(f"data.negatives={real_data / 'scene15' / 'test'}", "arch=squeezenet_gap"),
        f"arch.weights={real_data / 'squeezenet_dc' / 'squeezenet_dc.npz'}",
    )
    outcome = do(found)
    svm = slow_svm(found)
    truths, heats = [], []
    for name, boxes in slow_truth(real_data / "svt1" / "test.xml").items():
        mask = np.zeros((720, 1280), bool)
        for left, top, width, height in ((int(side) for side in box) for box in boxes):
            mask[top : top + height, left : left + width] = True
        rows, columns = (np.arange(227) * side // 227 for side in mask.shape)
        truths.append(mask[rows][:, columns].ravel())
        heats.append(np.floor(slow_heat(found, name, svm.coef_[0]).ravel() * 1000))
    expected = average_precision_score(np.concatenate(truths), np.concatenate(heats))
    assert outcome.metrics["pixel_ap"] == pytest.approx(expected, abs=1e-4)
    assert column(outcome.rows, "label").count("text") == 6
    assert len(outcome.tables["words"].rows) == sum(column(outcome.rows, "words"))
    decisions = column(outcome.rows, "score")
    split = found.data.test
    with torch.no_grad():
        features = found.network(split[0].image[None]).features.mean((2, 3)).double().numpy()
    assert decisions[0] == pytest.approx(svm.decision_function(features)[0], abs=1e-3)


@pytest.mark.slow
def test_real_features_find_words_written_on_scenes(real_data: Path, tmp_path: Path) -> None:
    root = make_written(tmp_path / "text", real_data / "scene15" / "test", positives=60)
    weights = real_data / "squeezenet_dc" / "squeezenet_dc.npz"
    found = bench(
        tmp_path,
        *("study=text", "arch=squeezenet_gap", f"arch.weights={weights}", "data=svt"),
        *(f"data.root={root / 'svt'}", f"data.negatives={root / 'negatives'}"),
    )
    outcome = do(found)
    assert outcome.metrics["pixel_ap_gain"] > 0.1
    assert outcome.intervals["box_recall_gain"][0] > 0
