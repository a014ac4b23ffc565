"""Concepts of planted pictures: found, on the thing, and mined; and what is refused before."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from benches import bench, colour_network, save_network, study_config
from planted_concepts import PHRASES, make_concepts, planted_boxes
from twins import make_folders

from gapcam.build import build
from gapcam.data.phrases import has_phrase, has_word
from gapcam.errors import UserError
from gapcam.study.bench import Bench
from gapcam.study.concepts import detector as concept_detector
from gapcam.study.concepts.captioned import Captioned, part_of
from gapcam.study.concepts.detector import Detector
from gapcam.study.concepts.study import Concepts
from gapcam.study.head import with_classifier
from gapcam.study.outcome import Outcome
from gapcam.study.steps import Steps
from gapcam.viz.localizations import localize

CELL = 10
"""Pixels of a picture that a cell of the map has."""

THING = dict(zip(PHRASES, ("kite", "lamp", "flag"), strict=True))
SETTINGS: dict[str, Any] = {
    "phrases": list(PHRASES),
    "longest": 4,
    "between": ["a", "an", "the"],
    "least": 3,
    "pool": None,
    "first": 15,
    "rounds": 10,
    "margin": -1.0,
    "c": 1000.0,
}


class Planted(NamedTuple):
    root: Path
    bench: Bench
    detectors: dict[str, Detector]
    held_out: Any


def planted_words(root: Path, weights: Path) -> list[str]:
    return [
        *("arch=small_gap", "arch.units=8", f"arch.weights={weights}", "study=concepts"),
        *("data=captions", "data.phrase=all", f"data.root={root}", "data.eval_batch_size=32"),
    ]


def concepts(**changed: Any) -> Concepts:
    return Concepts(**{**SETTINGS, **changed})


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    folder = tmp_path_factory.mktemp("concepts")
    root = make_concepts(folder / "data", 300)
    weights = save_network(folder / "colours.ckpt", colour_network(["captioned"]))
    made = bench(folder / "runs", *planted_words(root, weights), f"data.cache={folder}", gallery=9)
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


@pytest.mark.parametrize(
    ("phrase", "pool"), [("zebra", None), ("lamp on table", None), ("lamp on table", 50)]
)
def test_pictures_are_sorted_by_their_captions(
    planted: Planted, phrase: str, pool: int | None
) -> None:
    data = planted.bench.data.train
    found = Captioned(data, pool, ["the", "a"]).sort(phrase)
    texts = [data.index.text(row) for row in range(len(data))]
    said = [has_phrase(phrase, ["a", "the"]).search(text) is not None for text in texts]
    some = [has_word(phrase).search(text) is not None for text in texts]
    assert found.said.tolist() == np.flatnonzero(said).tolist()
    unsaid = [row for row in range(len(data)) if not said[row] and not some[row]]
    between = [row for row in range(len(data)) if not said[row] and some[row]]
    if pool is None:
        assert found.unsaid.tolist() == unsaid
        assert found.between.tolist() == between
    else:
        drawn = {*found.unsaid.tolist(), *found.between.tolist()}
        assert set(found.unsaid.tolist()) == drawn & set(unsaid)
        assert pool - sum(said) <= len(drawn) < pool
    part = part_of(data, found.unsaid)
    assert [part.name(row) for row in range(len(part))] == [data.name(row) for row in found.unsaid]
    assert part.stamp(0) == data.stamp(int(found.unsaid[0]))


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


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"phrases": []}, r"study.phrases must be a list of phrases, such as .*; got \[\]"),
        ({"phrases": None}, r"or how many of the most frequent ones; got None"),
        ({"phrases": "a kite"}, r"must be a list of phrases, such as 'study.phrases=\[.*'a kite'"),
        ({"phrases": ["kite", " "]}, r"study.phrases has an empty phrase; expected words"),
        ({"phrases": ["a kite", None]}, r"study.phrases has an empty phrase"),
        ({"phrases": ["a kite", "lamp", "A  kite"]}, r"study.phrases names 'A kite' twice"),
        ({"phrases": 0}, r"study.phrases must be a whole number, at least 1; got 0"),
        ({"phrases": True}, r"study.phrases must be a whole number, at least 1; got True"),
        ({"least": 0}, r"study.least must be a whole number, at least 1; got 0"),
        ({"longest": 1}, r"study.longest must be a whole number, at least 2; got 1"),
        ({"first": 1.5}, r"study.first must be a whole number, at least 1; got 1.5"),
        ({"rounds": -1}, r"study.rounds must be a whole number, at least 0; got -1"),
        ({"pool": 0}, r"study.pool must be a whole number, at least 1; got 0"),
        ({"margin": 1}, r"study.margin must lie between -1, the SVM's own, and 1; got 1"),
        ({"margin": -2}, r"study.margin must lie between -1"),
        ({"c": 0}, r"study.c must be above 0; got 0"),
    ],
)
def test_settings_are_checked(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        concepts(**changed)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"phrases": ["kyte in cloud"]},
            r"0 of the 240 captioned pictures that train have 'kyte in cloud' in a caption: "
            r"expected 3 at least \(study.least\). Words there that come near: kite .*clouds \(",
        ),
        ({"phrases": ["zebra"]}, r"come near: none"),
        (
            {"phrases": ["barn in field"], "least": 60},
            r"240 .* 'barn in field' .* expected 60 at l",
        ),
        ({"phrases": 3, "least": 200}, r"None of the phrases of 2 to 4 words is in the captions"),
        (
            {"phrases": ["people talking"], "pool": 1},
            r"No picture of those drawn to train is without the words of 'people talking', so none",
        ),
    ],
)
def test_phrases_without_pictures_are_refused_before_features(
    planted: Planted, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], message: str
) -> None:
    monkeypatch.setattr(planted.bench.trainer, "test", lambda *_, **__: pytest.fail("looked"))
    with pytest.raises(UserError, match=message):
        concepts(**changed).check(planted.bench)


def test_other_networks_and_data_are_refused(planted: Planted, tmp_path: Path) -> None:
    other = replace(planted.bench, network=bench_of_folders(tmp_path).network)
    other.network.pool = "max"
    with pytest.raises(UserError, match=r"study=concepts needs average pooling"):
        concepts().check(other)
    with pytest.raises(UserError, match=r"and Folders has none: give data=captions data.phrase"):
        concepts().check(bench_of_folders(tmp_path))
    one = replace(planted.bench, data=planted.bench.data_with(phrase="lamp"))
    with pytest.raises(UserError, match=r"give data.phrase=all, and 'study.phrases=\[lamp\]'"):
        concepts().check(one)


def bench_of_folders(tmp_path: Path) -> Bench:
    weights = save_network(tmp_path / "colours.ckpt", colour_network(["a cat", "dög"]))
    return bench(
        tmp_path / "runs",
        *("arch=small_gap", "arch.units=8", f"arch.weights={weights}", "study=concepts"),
        *("data=folders", "data.train_per_class=3", f"data.root={make_folders(tmp_path / 'data')}"),
    )


def test_settings_of_the_command(planted: Planted, tmp_path: Path) -> None:
    words = planted_words(planted.root, tmp_path / "none")
    config = study_config(tmp_path, *words, "study.phrases=5", "study.pool=null")
    assert build(config["study"], "study").phrases == 5


@pytest.mark.slow
def test_imagenet_features_find_what_is_planted(
    planted: Planted, real_data: Path, tmp_path: Path
) -> None:
    weights = real_data / "squeezenet_dc" / "squeezenet_dc.npz"
    words = planted_words(planted.root, weights)
    made = bench(tmp_path, "arch=squeezenet_gap", *words[2:])
    two = ["flag on roof", "kite in clouds"]
    found, _ = concepts(c=1.0, phrases=two, pool=30).detectors(made)
    for one in found:
        assert one.average_precision > 0.8
        assert one.average_precision > one.chance + 0.5
