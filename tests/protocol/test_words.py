import pytest

from gapcam.protocol import PUBLISHED, Protocol

RULES = {
    "paper": "views as data.view says; bilinear to the view's grid; clamp at 0, divide by max; "
    "value > 0.2; largest 8-connected component; IoU >= 0.5 with any true box",
    "released": "ten crops, absolute sum, not divided by coverage; matlab to the original image's "
    "grid; clamp at 0, divide by max, 8 bit; dt_box at grey levels 20/100/110, loose and tight "
    "box; IoU >= 0.5 with any true box",
    "wsolevaluation": "one view, squashed; cubic to 224x224; min-max, 8 bit; 1,000 thresholds, the "
    "best of the images scored; largest contour (V1), all contours (V2); inclusive IoU of "
    "truncated boxes >= 0.3/0.5/0.7 with any true box",
    "exact": "views as data.view says; bilinear to the view's grid; min-max; 1,000 thresholds, the "
    "best of the images scored; largest 8-connected component (V1), all components (V2); IoU >= "
    "0.3/0.5/0.7 with any true box",
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_in_one_line(name: str) -> None:
    assert PUBLISHED[name].rule == RULES[name]


@pytest.mark.parametrize(
    ("protocol", "title"),
    [
        (PUBLISHED["paper"], "paper"),
        (PUBLISHED["paper"].at(0.3), "paper(threshold=0.3)"),
        (Protocol(name="paper", view="whole"), "paper"),
        (Protocol(name="paper", view="ten"), "paper(view='ten')"),
        (Protocol(name="mine", threshold=0.3), "mine"),
        (Protocol(name="paper", threshold=None, connectivity=4), None),
    ],
)
def test_a_title_names_what_departs_from_the_published_rule(
    protocol: Protocol, title: str | None
) -> None:
    assert protocol.title == (title or "paper(threshold=None, connectivity=4)")


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        (Protocol(name="mine", percentile=90), "divide by the 90th percentile"),
        (Protocol(name="mine", view="ten"), "ten crops, signed sum, divided by coverage"),
        (Protocol(name="mine", view="centre"), "the centre crop"),
        (Protocol(name="mine", normalise="minmax", percentile=90), "up to the 90th percentile"),
        (PUBLISHED["wsolevaluation"].at(0.5), "value > 0.5; largest contour;"),
    ],
)
def test_every_setting_has_its_words(protocol: Protocol, words: str) -> None:
    assert words in protocol.rule


def test_the_rule_says_where_the_threshold_is_from() -> None:
    rule = PUBLISHED["exact"].as_dict("the best of the val split")["rule"]
    assert "; 1,000 thresholds, the best of the val split; largest" in rule
    assert "val split" not in PUBLISHED["paper"].as_dict("the best of the val split")["rule"]
