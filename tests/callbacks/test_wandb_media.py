from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gapcam.callbacks.wandb_media import mask_levels, tables_and_charts, wandb_masks
from gapcam.cam.max_box import Curves
from gapcam.protocol import PUBLISHED, Protocol
from gapcam.viz.findings import Example, Findings

EMPTY = Findings(
    columns=["index"],
    examples=[],
    curves={},
    numbers={},
    titles={},
    mistakes={},
    labels=None,
    guesses=None,
    class_names=["cat", "dog"],
)


@pytest.mark.parametrize(
    ("protocol", "levels"),
    [
        (PUBLISHED["paper"], {"at_threshold": 0.2, "at_half": 0.5}),
        (PUBLISHED["exact"].at(0.31), {"at_threshold": 0.31, "at_half": 0.5}),
        (
            PUBLISHED["released"],
            {
                "at_grey_level_20": 20 / 255,
                "at_grey_level_100": 100 / 255,
                "at_grey_level_110": 110 / 255,
                "at_half": 0.5,
            },
        ),
    ],
)
def test_levels_are_those_of_the_protocol(protocol: Protocol, levels: dict[str, float]) -> None:
    assert mask_levels(protocol) == levels


def test_masks_are_above_their_level_and_have_numbers_of_their_own() -> None:
    heat = np.array([[0, 0.2, 0.21], [0.5, 0.51, 1]])
    masks = wandb_masks(heat, {"at_threshold": 0.2, "at_half": 0.5})
    assert (masks["at_threshold"]["mask_data"] == [[0, 0, 127], [127, 127, 127]]).all()
    assert (masks["at_half"]["mask_data"] == [[0, 0, 0], [0, 126, 126]]).all()
    assert masks["at_threshold"]["class_labels"] == {127: "above 20.0% of the maximum"}
    assert masks["at_half"]["class_labels"] == {126: "above 50.0% of the maximum"}


def shown(**changes: Any) -> set[str]:
    return set(tables_and_charts(EMPTY._replace(**changes)))


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, set()),
        ({"examples": [Example(Image.new("RGB", (2, 2)), [7])]}, {"test/images"}),
        ({"mistakes": {"right": 1.0}}, {"test/mistakes"}),
        (
            {"curves": {"exact": Curves(torch.zeros(1), (0.5,), *torch.zeros(2, 1, 1), images=1)}},
            {"test/threshold_curve"},
        ),
        (
            {"labels": np.array([0]), "guesses": np.array([1])},
            {"test/confusion", "test/confused_pairs"},
        ),
        (
            {
                "labels": np.array([0]),
                "guesses": np.array([50]),
                "class_names": [str(number) for number in range(51)],
            },
            {"test/confused_pairs"},
        ),
    ],
)
def test_shows_what_was_found(changes: dict[str, Any], names: set[str]) -> None:
    assert shown(**changes) == names
