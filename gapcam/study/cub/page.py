"""What the study of birds has found, told in numbers, tables and words."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapcam.cam.bootstrap import bootstrap_intervals
from gapcam.cam.outcomes import Outcome as Points
from gapcam.cam.outcomes import rates
from gapcam.metrics.sample_metric import main_iou
from gapcam.study.bench import Bench
from gapcam.study.cub.box_rows import box_rows
from gapcam.study.cub.found import WORDS, Found
from gapcam.study.cub.paired import Paired, compare, least_telling
from gapcam.study.cub.pictures import changed_pictures, located_pictures
from gapcam.study.outcome import Outcome, Section, Sheet

PERCENT = 100
GUESSED = "of the class that it guesses, right or wrong"


def tell(bench: Bench, found: Found) -> Outcome:
    """Numbers, rows and page."""
    right = found.right
    pairs = {
        (one, other): compare(right[other], right[one], bench.seed)
        for one, other in combinations(WORDS, 2)
    }
    errors = {_metric(name): ~right[name] for name in ("crop", "bbox")}
    ends = _intervals(errors)
    looks = _looks(found)
    facts = dict(found.test.facts)
    main = next(iter(facts["protocols"]))
    facts["intervals"] = {**facts["intervals"], main: facts["intervals"][main] | ends}
    return Outcome(
        metrics=found.test.numbers | {name: float(wrong.mean()) for name, wrong in errors.items()},
        evaluated_on=f"{len(found.labels):,} images of the {found.whole.test.split} split",
        headline=_headline(right, pairs, looks, 1 - found.test.numbers["floor_whole_image"]),
        sections=[
            _settings_section(found),
            _pairs_section(pairs, len(found.labels)),
            _looks_section(found, looks),
            *located_pictures(bench, found),
            *changed_pictures(bench, found),
        ],
        rows=box_rows(
            found.test.rows,
            found.whole.test,
            found.whole.class_names,
            {f"{one.name}_guess": one.guesses.tolist() for one in found.settings[1:]},
        ),
        notes=[*bench.data.notes(), *found.test.notes, *_notes(found)],
        facts=facts,
    )


def _metric(setting: str) -> str:
    return "cls_top1" if setting == "full" else f"cls_top1_{setting}"


def _intervals(outcomes: Mapping[str, NDArray[np.bool_]]) -> dict[str, list[float]]:
    """95 % bootstrap intervals of shares."""
    points = {name: _points(torch.from_numpy(one)) for name, one in outcomes.items()}
    return {name: list(ends) for name, ends in bootstrap_intervals(points).items()}


def _points(held: Tensor, counted: Tensor | None = None) -> Points:
    return Points(held, torch.ones_like(held) if counted is None else counted)


def _looks(found: Found) -> dict[str, Points]:
    """Which boxes are well placed, in each way that the paper's number may be meant."""
    rows, train = found.test.rows, found.train_rows
    least = main_iou(found.test.cutter)
    is_right = rows.classes[:, 0] == rows.labels
    placed = rows.iou[:, 0, 0] >= least
    has_box = rows.counts > 0
    return {
        "of the class that it guesses, and the guess is right": _points(is_right & placed, has_box),
        GUESSED: _points(placed, has_box),
        "of the true class": _points(rows.iou[:, -1, 0] >= least, has_box),
        "training pictures, of the class that it guesses": _points(
            train.iou[:, 0, 0] >= least, train.counts > 0
        ),
    }


def _headline(
    right: Mapping[str, NDArray[np.bool_]],
    pairs: Mapping[tuple[str, str], Paired],
    looks: Mapping[str, Points],
    whole: float,
) -> str:
    shares = {name: PERCENT * one.mean() for name, one in right.items()}
    guessed = float(rates({"": looks[GUESSED]})[""])
    gain = pairs["full", "crop"]
    low, high = (PERCENT * end for end in gain.interval)
    verdict = "may be chance" if gain.may_be_chance else "is more than chance"
    return (
        f"{shares['full']:.1f} % of the test pictures are told right from full pictures, "
        f"{shares['crop']:.1f} % cut to the network's own boxes, {shares['bbox']:.1f} % cut to "
        f"true boxes. What its own boxes change, {PERCENT * gain.difference:+.1f} points (95 % "
        f"interval {low:+.1f} to {high:+.1f}), {verdict} (p = {gain.p:.2g}). "
        f"{PERCENT * guessed:.1f} % of them are well placed, of boxes around the whole picture "
        f"{PERCENT * whole:.1f} %."
    )


def _settings_section(found: Found) -> Section:
    right = found.right
    ends = _intervals(right)
    rows = [
        [
            WORDS[one.name],
            float(PERCENT * right[one.name].mean()),
            _range(ends[one.name]),
            PERCENT * one.fit,
        ]
        for one in found.settings
    ]
    wrong = int((found.train_rows.classes[:, 0] != found.train_rows.labels).sum())
    return Section(
        "Three ways to cut pictures",
        text=[
            "Each has a linear SVM of its own, on features of training pictures that are cut as "
            "the test pictures are. Own boxes are those of the maps of the SVM of full pictures.",
            "It has seen the training pictures, whose boxes it draws: it guesses a wrong class in "
            f"{wrong:,} of {len(found.train_rows.labels):,}. In the others study.train_boxes=guess "
            "and label cut the same box.",
        ],
        sheets=[Sheet(("cut to", "accuracy, %", "95 % interval", "of training pictures, %"), rows)],
    )


def _pairs_section(pairs: Mapping[tuple[str, str], Paired], images: int) -> Section:
    columns = ("", "points", "95 % interval", "better", "worse", "p")
    rows = [
        [
            _instead(one, other),
            PERCENT * pair.difference,
            _range(pair.interval, signed=True),
            pair.only_a,
            pair.only_b,
            f"{pair.p:.2g}",
        ]
        for (one, other), pair in pairs.items()
    ]
    return Section(
        "Is the difference chance?",
        text=[
            f"All are asked about the same {images:,} test pictures, so they are compared picture "
            "by picture: better and worse are the pictures that only one of the two tells right. "
            "The interval is of the bootstrap over pictures, p of McNemar's exact test.",
            *(_verdict(one, other, pair) for (one, other), pair in pairs.items()),
        ],
        sheets=[Sheet(columns, rows)],
    )


def _instead(one: str, other: str) -> str:
    return f"{WORDS[other]} instead of {WORDS[one]}"


def _verdict(one: str, other: str, pair: Paired) -> str:
    names = _instead(one, other).capitalize()
    if not pair.may_be_chance:
        word = "more" if pair.difference > 0 else "fewer"
        return f"{names}: {word} right answers, beyond chance."
    changed = pair.only_a + pair.only_b
    needed = least_telling(changed)
    enough = (
        "which is too few to tell anything"
        if needed is None
        else f"and {needed} of them the same way would be beyond it"
    )
    pictures = "picture" if changed == 1 else "pictures"
    return f"{names}: may be chance. {changed} {pictures} changed, {enough}."


def _looks_section(found: Found, looks: Mapping[str, Points]) -> Section:
    numbers, least = found.test.numbers, main_iou(found.test.cutter)
    rows: list[list[object]] = []
    for words, points in looks.items():  # training pictures are others: one by one
        one = {words: points}
        share, ends = float(rates(one)[words]), bootstrap_intervals(one)[words]
        rows.append([words, PERCENT * share, _range(ends)])
    side = PERCENT * numbers["floor_centred_side"]
    for words, name in (
        ("a box around the whole picture", "floor_whole_image"),
        (f"the best centred box, {side:.0f} % of each side", "floor_best_centred"),
    ):
        rows.append([words, PERCENT * (1 - numbers[name]), "-"])
    return Section(
        "Where it looks",
        text=[
            "Boxes of the maps of the SVM of full pictures. The paper says which share has an IoU "
            f"of {least:g} or more with the true box, and not whether a wrong guess counts, so "
            "here are all readings. The centred box has the side that is best on these very "
            "pictures."
        ],
        sheets=[Sheet(("box", f"IoU of {least:g} or more, %", "95 % interval"), rows)],
    )


def _notes(found: Found) -> Iterator[str]:
    for one in found.settings:
        if not one.converged:
            yield f"the SVM of the setting {one.name} did not come to its end"
    whole = {split: int((~boxes.any(1)).sum()) for split, boxes in found.crops.items()}
    if any(whole.values()):
        yield (
            f"nothing was found in {whole['train']:,} of {len(found.crops['train']):,} training "
            f"and {whole['test']:,} of {len(found.crops['test']):,} test pictures: they stay whole "
            "among the crops"
        )


def _range(ends: Sequence[float], signed: bool = False) -> str:
    low, high = (PERCENT * end for end in ends)
    return f"{low:+.1f} to {high:+.1f}" if signed else f"{low:.1f} to {high:.1f}"
