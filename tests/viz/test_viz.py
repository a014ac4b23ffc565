from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gapcam.viz.colours import PREDICTED_COLOUR
from gapcam.viz.curves import draw_curves, read_curves
from gapcam.viz.localizations import Localization
from gapcam.viz.overlay import draw_boxes, overlay, panel


def localization(size: tuple[int, int] = (40, 20), guess: int = 1) -> Localization:
    """A wide picture whose left half is hot."""
    width, height = size
    heat = np.zeros((height, width), np.float32)
    heat[:, : width // 2] = 1
    return Localization(
        index=4,
        name="val/4.jpg",
        picture=Image.new("RGB", size, (128, 128, 128)),
        heat=heat,
        true_boxes=np.array([[0, 0, 10, 10], [20, 5, 40, 20]], np.float32),
        boxes=np.array([[0, 0, width // 2, height]], np.float32),
        label=1,
        guess=guess,
        true_name="cat",
        guess_name="cat" if guess == 1 else "dog",
        score=0.75,
        iou=0.5,
    )


@pytest.mark.parametrize(
    ("guess", "caption"),
    [(1, "cat 75% (right), IoU 0.50"), (0, "dog 75% (wrong, true: cat), IoU 0.50")],
)
def test_caption_says_what_was_seen(guess: int, caption: str) -> None:
    assert localization(guess=guess).caption == caption


def test_overlay_is_bright_where_the_map_is_high() -> None:
    one = localization()
    pixels = np.asarray(overlay(one.picture, one.heat)).astype(int)
    assert pixels[:, :20].sum() > 1.5 * pixels[:, 20:].sum()
    assert np.asarray(overlay(one.picture, one.heat, opacity=0)).min() == 128


def test_boxes_lie_on_the_pixels_they_name() -> None:
    canvas = draw_boxes(Image.new("RGB", (40, 30)), [np.array([5, 6, 25, 20])], PREDICTED_COLOUR)
    drawn = np.asarray(canvas).any(-1)
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    # Half-open, and the coloured frame lies one pixel inside its dark halo.
    assert (columns[0], rows[0], columns[-1], rows[-1]) == (6, 7, 23, 18)


@pytest.mark.parametrize("box", [[0, 0, 0, 0], [3, 3, 3.4, 9]])
def test_empty_boxes_are_not_drawn(box: list[float]) -> None:
    canvas = draw_boxes(Image.new("RGB", (20, 20)), [np.array(box)], PREDICTED_COLOUR)
    assert not np.asarray(canvas).any()


@pytest.mark.parametrize("size", [(40, 20), (20, 40), (1, 1), (900, 300)])
def test_panel_fits_any_shape(size: tuple[int, int]) -> None:
    sheet = panel(localization(size))
    assert sheet.height <= 256 + 24
    assert sheet.width <= 2 * 256 + 4


def test_curves_of_a_resumed_run_are_merged(tmp_path: Path) -> None:
    for version, text in enumerate(
        ("step,val/loc_top1\n9,0.9\n19,0.8\n2", "step,val/loc_top1\n19,0.7\n29,\n")
    ):
        folder = tmp_path / f"version_{version}"
        folder.mkdir()
        (folder / "metrics.csv").write_text(text)
    assert read_curves(tmp_path) == {"val/loc_top1": [(9, 0.9), (19, 0.7)]}


def test_a_run_without_training_has_no_curves(tmp_path: Path) -> None:
    assert draw_curves(read_curves(tmp_path)) == []
