"""The text detector: planted words are found, and numbers are those of a slow script."""

from pathlib import Path

import numpy as np
import pytest
from benches import bench
from PIL import Image
from plain_text import slow_heat, slow_svm, slow_truth
from planted_text import SIZE, make_text, planted_words
from sklearn.metrics import average_precision_score
from text_studies import column, do, text_words

from gapcam.study.bench import Bench
from gapcam.study.outcome import Outcome
from gapcam.study.text.findings import words_of
from gapcam.study.text.page import choose


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Bench, Outcome]:
    root = make_text(tmp_path_factory.mktemp("text"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(root / "cache"))
        found = bench(root / "runs", *text_words(root), gallery=8)
        return root, found, do(found)


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
