"""What a run sends to TensorBoard, read back by TensorBoard's own reader."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gapcam.callbacks.tensorboard_panels import markdown_table
from gapcam.viz.colours import PREDICTED_COLOUR, TRUE_COLOUR
from gapcam.viz.curves import read_curves

EVERYTHING = {"images": 0, "scalars": 0, "tensors": 0}


@pytest.fixture(scope="module")
def events(finished: tuple[Path, str]) -> EventAccumulator:
    found = EventAccumulator(str(finished[0] / "tensorboard" / "version_0"), EVERYTHING)
    return found.Reload()


def test_has_the_numbers_of_the_other_logs(
    finished: tuple[Path, str], events: EventAccumulator
) -> None:
    for name, points in read_curves(finished[0] / "csv").items():
        seen = [(event.step, event.value) for event in events.Scalars(name)]
        assert seen == [(step, pytest.approx(value, abs=1e-6)) for step, value in points], name


def test_shows_the_same_pictures_after_every_validation(events: EventAccumulator) -> None:
    names = events.Tags()["images"]
    for key, times in (("val/cam", 2), ("test/cam", 1)):
        shown = [name for name in names if name.startswith(f"{key}/")]
        assert sorted(int(name.rpartition("/")[2]) for name in shown) == list(range(20))
        assert {len(events.Images(name)) for name in shown} == {times}


def test_boxes_are_drawn_in(events: EventAccumulator) -> None:
    (event,) = events.Images("test/cam/0")
    with Image.open(io.BytesIO(event.encoded_image_string)) as picture:
        pixels = np.asarray(picture)
    for colour in (TRUE_COLOUR, PREDICTED_COLOUR):
        of_colour = (pixels == tuple(bytes.fromhex(colour[1:]))).all(-1)
        assert of_colour.sum() > 50


def test_has_figures_and_tables_of_the_test(
    finished: tuple[Path, str], events: EventAccumulator
) -> None:
    assert {"test/mistakes", "test/confusion"} <= set(events.Tags()["images"])
    (event,) = events.Tensors("test/images/text_summary")
    header, rule, *lines = event.tensor_proto.string_val[0].decode().splitlines()
    assert header.startswith("| index | image | label | guess_1 |")
    assert set(rule) == set("| -")
    assert len(lines) == 20
    (event,) = events.Tensors("test/confused_pairs/text_summary")
    pairs = event.tensor_proto.string_val[0].decode().splitlines()[2:]
    wrong = sum(int(line.split("|")[3]) for line in pairs)
    errors = json.loads((finished[0] / "metrics.json").read_text())["metrics"]
    assert wrong / 20 == pytest.approx(errors["test/cls_top1"], abs=1e-6)


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ([], []),
        ([[1, None]], ["| 1 |  |"]),
        ([[0.123456, True], ["a|b", "c\nd"]], ["| 0.1235 | True |", "| a\\|b | c d |"]),
    ],
)
def test_markdown(rows: list[list[object]], lines: list[str]) -> None:
    text = markdown_table(["x", "y"], rows)
    assert text.splitlines() == ["| x | y |", "| --- | --- |", *lines]
