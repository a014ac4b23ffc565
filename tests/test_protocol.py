import dataclasses
from typing import Any

import pytest

from gapcam.protocol import PaperProtocol


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "paper"),
        ({"threshold": 0.3}, "paper(threshold=0.3)"),
        ({"connectivity": 4, "iou_threshold": 0.7}, "paper(connectivity=4, iou_threshold=0.7)"),
    ],
)
def test_name_says_what_is_not_the_papers(settings: dict[str, Any], name: str) -> None:
    assert PaperProtocol(**settings).name == name


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": 1.0}, r"protocol.threshold must lie in \[0, 1\); got 1.0"),
        ({"threshold": -0.1}, "protocol.threshold"),
        ({"connectivity": 6}, "protocol.connectivity must be 4 or 8; got 6"),
        ({"iou_threshold": 0.0}, r"protocol.iou_threshold must lie in \(0, 1\]; got 0.0"),
    ],
)
def test_impossible_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PaperProtocol(**settings)


def test_is_frozen_and_plain() -> None:
    protocol = PaperProtocol()
    with pytest.raises(dataclasses.FrozenInstanceError, match="threshold"):
        protocol.threshold = 0.1  # type: ignore[misc]
    assert protocol.as_dict()["threshold"] == 0.2
    assert "0.2 of max" in protocol.as_dict()["rule"]
