"""Concepts from captions: a detector for each phrase, and where it looks (Section 4.2)."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from gapcam.data.captions import Captions
from gapcam.data.image_files import ImageFiles
from gapcam.data.phrases import frequent_phrases, near
from gapcam.errors import UserError
from gapcam.study.bench import Bench
from gapcam.study.concepts.captioned import Captioned, part_of
from gapcam.study.concepts.detector import Concept, Detector, Mining, detect
from gapcam.study.concepts.page import concept_sections, summary_section
from gapcam.study.concepts.sheets import phrase_sheet, ranking_sheet, round_sheet
from gapcam.study.extraction import extract
from gapcam.study.layer import require_pooled_classifier
from gapcam.study.outcome import Outcome
from gapcam.study.study import Study


class Concepts(Study):
    """A linear SVM a phrase on pooled features, with hard negatives mined.

    Args:
        phrases: looked for, or how many: the most frequent ones.
        longest: words of the longest frequent phrase.
        between: words that may stand between those of a phrase.
        least: so many training pictures must have a phrase.
        pool: so many pictures of each side are drawn for negatives; null: all.
        first: so many negatives, drawn at random, train first.
        rounds: so many times hard negatives are added at most.
        margin: of the decision value above which a negative is hard.
        c: of the SVM: the loss against the weights' norm.

    Raises:
        UserError: if a setting is out of range.
    """

    title = "Concepts from captions"

    def __init__(
        self,
        phrases: Sequence[str] | int,
        longest: int,
        between: Sequence[str],
        least: int,
        pool: int | None,
        first: int,
        rounds: int,
        margin: float,
        c: float,
    ) -> None:
        self.phrases = phrases if isinstance(phrases, int) else _told_apart(phrases)
        whole = {"longest": (longest, 2), "least": (least, 1), "first": (first, 1)}
        whole |= {"rounds": (rounds, 0), "pool": (1 if pool is None else pool, 1)}
        whole |= {"phrases": (phrases, 1)} if isinstance(phrases, int) else {}
        for name, (value, smallest) in whole.items():
            if isinstance(value, bool) or not isinstance(value, int) or value < smallest:
                raise UserError(
                    f"study.{name} must be a whole number, at least {smallest}; got {value!r}"
                )
        if not (_is_number(c) and 0 < c < math.inf):
            raise UserError(f"study.c must be a number above 0; got {c!r}")
        if not (_is_number(margin) and -1 <= margin < 1):
            raise UserError(
                f"study.margin must lie between -1, the SVM's own, and 1; got {margin!r}"
            )
        if isinstance(between, str) or not isinstance(between, Sequence):
            raise UserError(
                f"study.between must be a list of words, such as [a,an,the], or []; got {between!r}"
            )
        self.longest = longest
        self.between = [str(word) for word in between]
        self.least = least
        self.pool = pool
        self.mining = Mining(first, rounds, margin, c)
        self._chosen: list[Concept] | None = None  # by `check`, for `run`

    def check(self, bench: Bench) -> None:
        require_pooled_classifier(bench.network, "study=concepts")
        if not isinstance(bench.data, Captions):
            raise UserError(
                f"study=concepts looks for phrases in captions, and {type(bench.data).__name__} "
                "has none: give data=captions data.phrase=all"
            )
        if not bench.data.has_all:
            raise UserError(
                "study=concepts looks through all captioned pictures: give data.phrase=all, and "
                f"'study.phrases=[{bench.data.phrase}]'"
            )
        if bench.data.stream is not None:
            raise UserError("study=concepts reads picture files: leave out data.stream")
        self._choose(bench)

    def run(self, bench: Bench) -> Outcome:
        return _outcome(bench, *self.detectors(bench))

    def detectors(self, bench: Bench) -> tuple[list[Detector], ImageFiles]:
        """A detector for each phrase, and the held-out pictures that they rank."""
        concepts = self._choose(bench)
        rows = [
            np.unique(np.concatenate([part for side in sides for part in side]))
            for sides in zip(*((one.train, one.test) for one in concepts), strict=True)
        ]
        splits = [bench.data.train, bench.data.test]
        looked_at = [part_of(split, chosen) for split, chosen in zip(splits, rows, strict=True)]
        train, test = extract(bench, looked_at)
        found = []
        with bench.progress("Phrases", len(concepts)) as advance:
            for one in concepts:
                sides = (side.within(chosen) for side, chosen in zip(one[1:], rows, strict=True))
                found.append(detect(bench, Concept(one.phrase, *sides), train, test, self.mining))
                advance(1)
        return found, looked_at[1]

    def _choose(self, bench: Bench) -> list[Concept]:
        """The phrases with their pictures; raises if one has too few."""
        if self._chosen is None:
            splits = (bench.data.train, bench.data.test)
            sides = [Captioned(split, self.pool, self.between) for split in splits]
            self._chosen = (
                self._frequent(bench, sides, self.phrases)
                if isinstance(self.phrases, int)
                else [self._concept(phrase, sides) for phrase in self.phrases]
            )
        return self._chosen

    def _frequent(self, bench: Bench, sides: Sequence[Captioned], count: int) -> list[Concept]:
        """So many of the most frequent phrases, or as many as there are."""
        concepts = []
        train = sides[0].texts
        with bench.progress("Captions", len(train)) as advance:
            texts = _counted(train, advance)
            phrases = frequent_phrases(texts, self.least, self.longest, self.between)
        for phrase in phrases:
            concept = Concept(phrase, *(side.sort(phrase) for side in sides))
            if all(len(s.said) and len(s.unsaid) for s in (concept.train, concept.test)):
                concepts.append(concept)
            if len(concepts) == count:
                return concepts
        if not concepts:
            raise UserError(
                f"None of the phrases of 2 to {self.longest} words is in the captions of "
                f"{self.least} of the {len(train):,} training pictures and of a test picture. "
                "Lower study.least, or give study.phrases=[...]"
            )
        return concepts

    def _concept(self, phrase: str, sides: Sequence[Captioned]) -> Concept:
        """A phrase that was asked for; raises if it has too few pictures."""
        concept = Concept(phrase, *(side.sort(phrase) for side in sides))
        for split, side, least, found in zip(
            ("train", "test"), sides, (self.least, 1), concept[1:], strict=True
        ):
            if len(found.said) < least:
                raise UserError(
                    f"{len(found.said)} of the {len(side.texts):,} captioned pictures that {split} "
                    f"have {phrase!r} in a caption: expected {least} at least"
                    + (" (study.least)" if split == "train" else "")
                    + f". Words there that come near: {near(phrase, side.texts)}"
                )
            if not len(found.unsaid):
                raise UserError(
                    f"No picture of those drawn to {split} is without the words of {phrase!r}, so "
                    "none can be a negative. Raise study.pool or choose a rarer phrase"
                )
        return concept


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _told_apart(phrases: Sequence[str]) -> list[str]:
    """Phrases with single blanks; raises if there are none, or one is there twice."""
    example = "'study.phrases=[mirror in lake,view out of window]'"
    if isinstance(phrases, str) or not isinstance(phrases, Sequence) or not len(phrases):
        raise UserError(
            f"study.phrases must be a list of phrases, such as {example}, or how many of the most "
            f"frequent ones; got {phrases!r}"
        )
    plain = [" ".join(str(phrase if phrase is not None else "").split()) for phrase in phrases]
    if "" in plain:
        raise UserError(f"study.phrases has an empty phrase; expected words, such as {example}")
    lower = [phrase.lower() for phrase in plain]
    twice = [phrase for number, phrase in enumerate(plain) if phrase.lower() in lower[:number]]
    if twice:
        raise UserError(f"study.phrases names {', '.join(map(repr, twice))} twice: once is enough")
    return plain


def _counted(texts: Sequence[str], advance: Callable[[int], None]) -> Iterator[str]:
    for text in texts:
        yield text
        advance(1)


def _outcome(bench: Bench, found: Sequence[Detector], held_out: ImageFiles) -> Outcome:
    repeats = {
        "average_precision": [one.average_precision for one in found],
        "floor_average_precision": [one.chance for one in found],
    }
    metrics = {name: float(np.mean(values)) for name, values in repeats.items()}
    before = float(np.mean([one.rounds[0].average_precision for one in found]))
    many = f"{len(found)} phrases" if len(found) > 1 else f"“{found[0].phrase}”"
    sections = [
        section
        for number, one in enumerate(found, start=1)
        for section in concept_sections(bench, one, held_out, number, len(found))
    ]
    return Outcome(
        metrics=metrics,
        evaluated_on=f"{len(held_out):,} held-out pictures, {many}",
        headline=f"Held-out pictures are ranked by detectors of {many} with an average precision "
        f"of {100 * metrics['average_precision']:.1f} %; it was {100 * before:.1f} % before hard "
        f"negatives were added, and chance has {100 * metrics['floor_average_precision']:.1f} %.",
        sections=[summary_section(found), *sections],
        rows=ranking_sheet(found, held_out),
        tables={"phrases": phrase_sheet(found), "rounds": round_sheet(found)},
        repeats=repeats,
        notes=_notes(found),
    )


def _notes(found: Sequence[Detector]) -> list[str]:
    notes = []
    unfinished = [one.phrase for one in found if not one.machine.converged]
    if unfinished:
        notes.append(f"the solver stopped early for {', '.join(unfinished)}: lower study.c")
    left = [f"{one.phrase} ({one.rounds[-1].hard:,})" for one in found if one.rounds[-1].hard]
    if left:
        notes.append(f"hard negatives are left for {', '.join(left)}: raise study.rounds")
    return notes
