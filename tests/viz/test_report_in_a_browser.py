"""The report in headless Chromium: nothing breaks, nothing is fetched, a phone can show it."""

from pathlib import Path

import numpy as np
import pytest
from browser import in_a_browser, opened_in_chromium
from PIL import Image

from gapcam.score_table import Row
from gapcam.viz.curves import draw_curves
from gapcam.viz.localizations import Localization
from gapcam.viz.overlay import panel
from gapcam.viz.report import render_report

FACTS = {
    "title": "<b>name</b>",
    "network": {
        "name": "VGGGAP",
        "parameters": 20_000_000,
        "last_layer": "conv5_3",
        "mapping_resolution": [14, 14],
        "maps": "class activation maps",
    },
    "data": {
        "description": "3 images",
        "evaluated_on": "1 image of the test split",
        "fingerprint": {"test": "0123456789abcdef"},
        "notes": ["a note"],
    },
    "scores": [
        Row("error, %", "classification, top-1", ["12.35", "-"]),
        Row(
            "GT-known error of floors and ceiling, %",
            "floor: box around the whole image",
            ["60.00", "60.00"],
        ),
    ],
    "has_boxes": True,
    "protocols": {
        name: {"title": name, "id": f"{name}-0a1b2c", "rule": "value > 0.2; largest component"}
        for name in ("paper", "wsolevaluation")
    },
    "weights": "last",
    "seconds": {"train": 1.0},
    "trained": {"epochs": 1, "steps": 2},
    "device": "1 x cpu",
    "versions": {"torch": "2"},
    "seed": 0,
    "command": "python -m gapcam.run",
    "config": "seed: 0",
}


@pytest.mark.slow
@in_a_browser
def test_opens_on_a_phone_without_faults(tmp_path: Path) -> None:
    one = Localization(
        index=0,
        name="val/0.jpg",
        picture=Image.new("RGB", (64, 48), "grey"),
        heat=np.zeros((48, 64), np.float32),
        true_boxes=np.zeros((1, 4), np.float32),
        boxes=np.array([[1, 1, 9, 9]], np.float32),
        label=0,
        guess=0,
        true_name="cat",
        guess_name="cat",
        score=0.5,
        iou=0.0,
    )
    picture = tmp_path / "one.png"
    panel(one).save(picture)
    report = tmp_path / "report.html"
    report.write_text(
        render_report(FACTS, draw_curves({}), {"best": [(picture, one)], "worst": []})
    )
    with opened_in_chromium(report, width=390, height=800) as (page, faults):
        assert page.locator("h1").inner_text() == "<b>name</b>"  # escaped
        assert page.locator("td.number").first.inner_text() == "12.35"
        assert page.locator("figure img").evaluate("image => image.naturalWidth") == 516
        assert page.locator("h3").all_inner_texts() == ["Best"]
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert faults == []
