"""Concepts of planted pictures: found, on the thing, and mined."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from benches import bench
from concepts_studies import SETTINGS, concepts, concepts_words, made_concepts
from planted_concepts import PHRASES, planted_boxes

from gapcam.data.phrases import has_phrase, has_word
from gapcam.study.bench import Bench
from gapcam.study.concepts import detector as concept_detector
from gapcam.study.concepts.captioned import Captioned
from gapcam.study.concepts.detector import Detector
from gapcam.study.head import with_classifier
from gapcam.study.outcome import Outcome
from gapcam.study.steps import Steps
from gapcam.viz.localizations import localize

CELL = 10
"""Pixels of a picture that a cell of the map has."""

THING = dict(zip(PHRASES, ("kite", "lamp", "flag"), strict=True))


class Planted(NamedTuple):
    root: Path
    bench: Bench
    detectors: dict[str, Detector]
    held_out: Any


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    root, made = made_concepts(tmp_path_factory.mktemp("concepts"))
    found, held_out = concepts().detectors(made)
    return Planted(root, made, {one.phrase: one for one in found}, held_out)


@pytest.fixture(scope="module")
def outcome(planted: Planted) -> Outcome:
    study = concepts()
    study.check(planted.bench)
    return study.run(planted.bench)


def names(planted: Planted, rows: Any) -> list[str]:
    return [planted.held_out.name(row) for row in rows]


@pytest.mark.parametrize("phrase", PHRASES)
def test_detectors_find_what_is_planted(planted: Planted, phrase: str) -> None:
    found = planted.detectors[phrase]
    boxes = planted_boxes(planted.root)
    has_it = [(name, THING[phrase]) in boxes for name in names(planted, found.ranking)]
    assert 5 < sum(has_it) < len(has_it) / 2
    # All that show it come before all that do not, whatever their captions say.
    assert has_it == sorted(has_it, reverse=True)
    assert found.average_precision > found.chance + 0.5
    assert found.precision_at(5) == 1
    unsaid = names(planted, found.concept.test.unsaid)
    are_noisy = any((name, THING[phrase]) in boxes for name in unsaid)
    assert are_noisy == (found.average_precision < 1)


@pytest.mark.parametrize("phrase", PHRASES)
def test_maps_lie_on_what_is_planted(planted: Planted, phrase: str) -> None:
    found, boxes = planted.detectors[phrase], planted_boxes(planted.root)
    weights = found.machine.weight, found.machine.bias
    network = with_classifier(planted.bench.network, *weights, ["captioned", phrase])
    rows = found.concept.test.said.tolist()
    hits, overlaps = [], []
    named = planted.bench.data_with()
    named.class_names = ["captioned", phrase]
    for one in localize(network, named, planted.held_out, rows, [1] * len(rows)):
        x0, y0, x1, y1 = boxes[one.name, THING[phrase]]
        y, x = np.unravel_index(one.heat.argmax(), one.heat.shape)
        hits.append(x0 - CELL <= x < x1 + CELL and y0 - CELL <= y < y1 + CELL)
        mask = np.zeros(one.heat.shape, bool)
        mask[y0:y1, x0:x1] = True
        marked = one.heat > 0.2
        overlaps.append((mask & marked).sum() / (mask | marked).sum())
    assert np.mean(hits) == 1
    # Half of a flag is a barn's red, so the detector looks at the green half.
    assert np.mean(overlaps) > (0.4 if phrase == "flag on roof" else 0.6)


def test_mining_tells_flags_from_barns(planted: Planted) -> None:
    found = planted.detectors["flag on roof"]
    data = planted.bench.data.train
    said = Captioned(data, None, SETTINGS["between"]).sort("flag on roof").unsaid
    drawn = said[np.random.default_rng(0).permutation(len(said))[: SETTINGS["first"]]]
    texts = [data.index.text(row) for row in drawn]
    assert not any("barn" in text for text in texts)
    assert sum("barn" in data.index.text(row) for row in said) > 3
    assert found.rounds[0].average_precision < 0.8
    assert found.rounds[0].hard > 0
    assert found.rounds[-1].average_precision == 1
    assert found.rounds[-1].hard == 0


def test_a_phrase_does_not_depend_on_the_others(planted: Planted) -> None:
    (alone,), held_out = concepts(phrases=["lamp on  Table"], pool=30).detectors(planted.bench)
    both = ["flag on roof", "lamp on table"]
    among, all_held_out = concepts(phrases=both, pool=30).detectors(planted.bench)
    found = {one.phrase: one for one in among}["lamp on table"]
    assert alone.phrase == "lamp on Table"
    assert alone.rounds == found.rounds
    assert [held_out.name(row) for row in alone.ranking] == [
        all_held_out.name(row) for row in found.ranking
    ]
    assert (alone.machine.weight == found.machine.weight).all()


def test_outcome(planted: Planted, outcome: Outcome) -> None:
    found = list(planted.detectors.values())
    values = [one.average_precision for one in found]
    assert outcome.metrics["average_precision"] == pytest.approx(np.mean(values))
    assert list(outcome.repeats["average_precision"]) == values
    floors = [one.chance for one in found]
    assert outcome.metrics["floor_average_precision"] == pytest.approx(np.mean(floors))
    assert "of 3 phrases with an average precision of 9" in outcome.headline
    assert not outcome.notes
    rows = [dict(zip(outcome.rows.columns, row, strict=True)) for row in outcome.rows.rows]
    assert len(rows) == 3 * len(planted.held_out)
    assert [row["rank"] for row in rows] == 3 * list(range(1, 61))
    for row in rows:
        says = has_phrase(row["phrase"], ["a", "the"]).search(row["captions"])
        mentions = has_word(row["phrase"]).search(row["captions"])
        assert row["said"] == (1 if says else None if mentions else 0)
    kites = [row["score"] for row in rows if row["phrase"] == "kite in clouds"]
    assert kites == sorted(kites, reverse=True)
    rounds = outcome.tables["rounds"].rows
    assert next(row[:3] for row in rounds if row[0] == "flag on roof") == ["flag on roof", 0, 15]
    assert [row[0] for row in outcome.tables["phrases"].rows] == list(PHRASES)


def test_page(planted: Planted, outcome: Outcome) -> None:
    titles = [section.title for section in outcome.sections]
    assert titles[:3] == ["Phrases", "“kite in clouds”", "“kite in clouds”: not said, but seen?"]
    top, doubtful = outcome.sections[1].pictures, outcome.sections[2].pictures
    assert (len(top), len(doubtful)) == (4, 2)
    assert all(one.path.is_file() for one in (*top, *doubtful))
    assert all("· said ·" in one.caption or "· not said ·" in one.caption for one in top)
    boxes = planted_boxes(planted.root)
    # The first negative of kites is one that nobody spoke of.
    score, said, _, name = doubtful[0].caption.split(" · ")
    assert said == "not said"
    assert (name, "kite") in boxes
    assert float(score) > 0
    assert not any(section.anchor for section in outcome.sections)


def test_many_phrases_have_pages_of_their_own(planted: Planted) -> None:
    found = concepts(phrases=5, least=10).run(replace(planted.bench, gallery=0))
    anchors = [section.anchor for section in found.sections]
    assert anchors[:3] == ["", "phrase-01", "phrase-01-not-said"]
    assert len(set(anchors)) == 11
    assert not any(section.pictures for section in found.sections)


def test_frequent_phrases_are_found(planted: Planted) -> None:
    found, _ = concepts(phrases=6, least=20).detectors(planted.bench)
    counts = [len(one.concept.train.said) for one in found]
    assert counts == sorted(counts, reverse=True)
    by_phrase = {one.phrase: one for one in found}
    assert {"quiet afternoon", "people talking", "lamp on table"} < set(by_phrase)
    # What pictures do not show cannot be learned.
    for phrase in ("quiet afternoon", "people talking"):
        assert abs(by_phrase[phrase].average_precision - by_phrase[phrase].chance) < 0.2


def test_it_goes_on_after_a_crash(
    planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = replace(planted.bench, steps=Steps(tmp_path / "steps"))
    learned = []
    mine = concept_detector.mine

    def crashing(positives: Any, *rest: Any, **settings: Any) -> Any:
        learned.append(len(positives))
        if len(learned) == 2:
            raise RuntimeError("power cut")
        return mine(positives, *rest, **settings)

    monkeypatch.setattr(concept_detector, "mine", crashing)
    with pytest.raises(RuntimeError, match="power cut"):
        concepts().detectors(empty)
    found, _ = concepts().detectors(empty)
    counts = [len(one.concept.train.said) for one in planted.detectors.values()]
    assert learned == [counts[0], counts[1], counts[1], counts[2]]
    for one, other in zip(found, planted.detectors.values(), strict=True):
        assert (one.machine.weight == other.machine.weight).all()
        assert (one.scores == other.scores).all()
        assert one.rounds == other.rounds
    concepts(c=1.0, phrases=["lamp on table"]).detectors(empty)
    assert learned[4:] == [counts[1]]  # with another setting it is learned again


def test_hard_negatives_that_are_left_are_told(planted: Planted) -> None:
    found = concepts(rounds=0, phrases=["flag on roof"]).run(replace(planted.bench, gallery=0))
    assert any("hard negatives are left for flag on roof (1" in note for note in found.notes)
    assert "detectors of “flag on roof” with" in found.headline


@pytest.mark.slow
def test_imagenet_features_find_what_is_planted(
    planted: Planted, real_data: Path, tmp_path: Path
) -> None:
    weights = real_data / "squeezenet_dc" / "squeezenet_dc.npz"
    words = concepts_words(planted.root, weights)
    made = bench(tmp_path, "arch=squeezenet_gap", *words[2:])
    two = ["flag on roof", "kite in clouds"]
    found, _ = concepts(c=1.0, phrases=two, pool=30).detectors(made)
    for one in found:
        assert one.average_precision > 0.8
        assert one.average_precision > one.chance + 0.5
