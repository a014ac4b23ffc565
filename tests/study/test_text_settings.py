"""The text detector under other settings, and started again."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from text_studies import Made, do, small_text
from twins import edit

from gapcam.study.text import maps as text_maps


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return small_text(tmp_path)


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
