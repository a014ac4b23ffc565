"""The page of concepts: what each phrase's detector finds, with its maps."""

import copy
from collections.abc import Sequence

import numpy as np

from gapcam.data.image_files import ImageFiles
from gapcam.data.phrases import has_word
from gapcam.study.bench import Bench
from gapcam.study.concepts.detector import Detector
from gapcam.study.drawing import save, side_by_side
from gapcam.study.head import with_classifier
from gapcam.study.outcome import Section, Sheet, Shown
from gapcam.viz.localizations import localize
from gapcam.viz.overlay import thumbnail

_ON_ONE_PAGE = 4
"""Phrases; of more each has a page of its own."""

_LEAST = 3
"""Pictures a row of the page, where any are wanted."""

_SIDE = 256

_SAID = {1: "said", 0: "not said", None: "some of the words"}


def summary_section(found: Sequence[Detector]) -> Section:
    """All phrases in tables."""
    numbers, counts = [], []
    for one in found:
        shares = [one.rounds[0].average_precision, one.average_precision, one.chance]
        shares += [one.precision_at(10), one.precision_at(20)]
        numbers.append([one.phrase, *(100 * share for share in shares)])
        train, test = one.concept.train, one.concept.test
        sizes = [len(rows) for rows in (train.said, train.unsaid, *test)]
        counts.append([one.phrase, *sizes])
    columns = ("phrase", "AP before mining", "AP", "chance", "precision at 10", "at 20")
    sides = ("train: with it", "without", "held out: with it", "without", "some of its words")
    text = (
        "Average precision (AP) of ranking the held-out pictures whose captions say the phrase "
        "before those whose captions have none of its words. Pictures with some of the words are "
        "ranked and shown, but not judged. Captions leave things out: a mistake may be none."
    )
    sheets = [Sheet(columns, numbers, "Ranking, %"), Sheet(("phrase", *sides), counts, "Pictures")]
    return Section("Phrases", [text], sheets)


def concept_sections(
    bench: Bench, found: Detector, held_out: ImageFiles, number: int, count: int
) -> list[Section]:
    """What mining did, the first of the ranking, and the first of those that do not say it.

    Args:
        bench: draws.
        found: one phrase.
        held_out: the pictures that its rows are of.
        number: of the phrase, from 1 on.
        count: of all phrases, which share the gallery.
    """
    wanted = max(bench.gallery // count, 2 * _LEAST) if bench.gallery else 0
    unsaid = found.ranking[np.isin(found.ranking, found.concept.test.unsaid)]
    doubtful = unsaid[: wanted // 3].tolist()
    top = found.ranking[: wanted - wanted // 3].tolist()
    drawn = _draw(bench, found, held_out, [*top, *doubtful], f"{number:02d}")
    anchor = f"phrase-{number:02d}" if count > _ON_ONE_PAGE else ""
    mining = Sheet(
        ("round", "negatives", "hard among the others", "AP on held-out pictures, %"),
        [
            [turn, one.negatives, one.hard, 100 * one.average_precision]
            for turn, one in enumerate(found.rounds)
        ],
        "Hard negatives",
    )
    texts = [
        f"The first of {len(found.ranking):,} held-out pictures by the score of the detector, each "
        "with its map. Whether a caption says the phrase stands beside the score.",
        "The highest scores among pictures whose captions have none of its words: mistakes of the "
        "detector, or what nobody cared to say.",
    ]
    titles = (f"“{found.phrase}”", f"“{found.phrase}”: not said, but seen?")
    return [
        Section(titles[0], texts[:1], [mining], pictures=drawn[: len(top)], anchor=anchor),
        Section(
            titles[1],
            texts[1:],
            pictures=drawn[len(top) :],
            anchor=f"{anchor}-not-said" if anchor else "",
        ),
    ]


def _draw(
    bench: Bench, found: Detector, held_out: ImageFiles, rows: Sequence[int], prefix: str
) -> list[Shown]:
    """Pictures beside their maps of the phrase, with their score and caption."""
    names = [f"no {found.phrase}", found.phrase]
    network = with_classifier(bench.network, found.machine.weight, found.machine.bias, names)
    network.to(bench.trainer.strategy.root_device)
    named = copy.copy(bench.data)
    named.class_names = names
    shown = []
    looked = localize(network, named, held_out, rows, [1] * len(rows))
    for rank, one in enumerate(looked, start=1):
        seen = thumbnail(one, _SIDE)
        score = f"{found.scores[one.index]:+.2f} · {_SAID[found.said(one.index)]}"
        caption = _caption(found.phrase, held_out.index.text(one.index))
        sheet = side_by_side([one.picture.resize(seen.size), seen])
        name = f"{prefix}-{rank:02d}-{one.index}"
        shown.append(save(bench, name, sheet, f"{score} · {caption} · {one.name}"))
    return shown


def _caption(phrase: str, text: str) -> str:
    """Of several captions the one with the most words of the phrase."""
    return max(text.split("\n"), key=lambda caption: len(has_word(phrase).findall(caption)))
