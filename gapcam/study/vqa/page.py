"""What the study of questions tells: tables, words, pictures with the maps of answers."""

import io
from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image

from gapcam.study.bench import Bench
from gapcam.study.drawing import save, side_by_side, with_words
from gapcam.study.head import with_classifier
from gapcam.study.outcome import Section, Sheet, Shown
from gapcam.study.vqa.findings import TYPES, Findings
from gapcam.study.vqa.models import BOTH
from gapcam.viz.curves import read_curves
from gapcam.viz.localizations import Localization, localize
from gapcam.viz.overlay import overlay

RIGHT = 0.9
"""Accuracy from which an answer is shown as right: three people said it."""
_SIDE = 256
_ANSWERS = 20
_WORDS = 4

_MAPS = (
    "The map is that of the answer given, drawn by the picture's part of its weights: the question "
    "moves no map, it chooses which one is shown. Every map is stretched to its own maximum, so "
    "where the picture adds little to the answer it says little. Below: what picture and words add "
    "to the answer's logit, above their mean over all answers."
)


def scores_section(bench: Bench, found: Findings) -> Section:
    """Accuracy by the type of answer."""
    types = np.array(found.val.types)
    columns = ["", "all", *TYPES]
    some = [np.ones(len(types), bool), *(types == name for name in TYPES)]
    every = {name: one.accuracy for name, one in found.by_model.items()} | dict(found.lines)
    rows: list[list[object]] = [
        [title, *(100 * float(values[which].mean()) if which.any() else None for which in some)]
        for title, values in every.items()
    ]
    if found.paper is not None:
        rows.append(["the paper (iBOWIMG, test-standard split)", found.paper, *[None] * 3])
    rows.append(["questions", *(int(which.sum()) for which in some)])
    text = (
        "VQA accuracy: an answer that three of nine people gave is right, one that two or one of "
        "them gave is right by two thirds or one third; mean over the ten ways to leave out one of "
        "ten people. Answers to the test-standard split are not public: these are of the "
        "validation split, and a number of the other split is not the same.",
        "The difference between words alone and words with the picture is what the picture is "
        "worth. The last lines before the counts are limits: what one gets without any question, "
        "and what the best choice among the known answers would get.",
    )
    return Section("Accuracy, %", text, [Sheet(columns, rows)], _learning(bench))


def _learning(bench: Bench) -> list[str]:
    """Accuracy on the validation questions during training; nothing where no CSV was logged."""
    points = read_curves(bench.folder / "csv").get("val/vqa_accuracy", [])
    if len(points) < 2:
        return []
    figure = Figure(figsize=(7.2, 2.6), layout="constrained")
    axes = figure.subplots()
    steps, values = zip(*points, strict=True)
    axes.plot(steps, [100 * value for value in values], color="#0072B2", marker="o", markersize=3)
    axes.set(title=f"VQA accuracy, %, {BOTH}", xlabel="step", ylim=(0, 100))
    axes.grid(alpha=0.25)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return [text.getvalue()[text.getvalue().index("<svg") :]]


def answers_section(found: Findings) -> Section:
    """The most frequent answers, and the words that speak for them."""
    given, asked = Counter(found.best.guesses.tolist()), Counter(found.val.top)
    words = _words_by_answer(found, [guess for guess, _ in given.most_common(_ANSWERS)])
    rows = [
        [
            found.names[guess],
            count,
            asked[found.names[guess]],
            100 * float(found.best.accuracy[found.best.guesses == guess].mean()),
            ", ".join(f"{word}\N{NO-BREAK SPACE}{share:+.1f}" for word, share in words[guess]),
        ]
        for guess, count in given.most_common(_ANSWERS)
    ]
    columns = ["answer", "given", "by most people", "accuracy, %", "words that speak most for it"]
    text = (
        "How often the model gives an answer, and to how many questions most people give it. A "
        "word's number is what it adds to the answer's logit, above its mean over all answers.",
    )
    return Section("The most frequent answers", text, [Sheet(columns, rows)])


def words_sheet(found: Findings) -> Sheet:
    """The words that speak most for each answer that is given."""
    guesses = sorted(set(found.best.guesses.tolist()))
    words = _words_by_answer(found, guesses)
    rows = [[found.names[guess], word, share] for guess in guesses for word, share in words[guess]]
    return Sheet(["answer", "word", "adds"], rows)


def _words_by_answer(found: Findings, guesses: Sequence[int]) -> dict[int, list[tuple[str, float]]]:
    vocabulary = found.vocabulary.words
    shares = found.answerer.cpu().contributions(torch.arange(len(vocabulary)))
    shares = shares - shares.mean(1, keepdim=True)
    best = shares.topk(min(_WORDS, len(vocabulary)), dim=0)
    return {
        guess: [
            (vocabulary[place], float(share))
            for place, share in zip(
                best.indices[:, guess].tolist(), best.values[:, guess], strict=True
            )
        ]
        for guess in guesses
    }


def picture_sections(bench: Bench, found: Findings) -> list[Section]:
    """Pictures with the maps of the answers that were given, right and wrong ones."""
    weight = found.answerer.cpu().image_weight().numpy()
    network = with_classifier(bench.network, weight, np.zeros(len(weight)), found.names)
    network.to(bench.trainer.strategy.root_device)
    accuracy = found.best.accuracy
    groups = {
        "Right answers": np.flatnonzero(accuracy >= RIGHT),
        "Wrong answers": np.flatnonzero(accuracy == 0),
    }
    sections: list[Section] = []
    for title, rows in groups.items():
        chosen = choose(bench, found, rows, bench.gallery // 2)
        classes = [int(found.best.guesses[row]) for row in chosen]
        pictures = [int(found.val.pictures[row]) for row in chosen]
        looked = localize(network, bench.data, found.val.dataset, pictures, classes)
        prefix = title.split()[0].lower()
        shown = [
            _show(bench, found, row, one, f"{prefix}-{rank:02d}-{found.val.ids[row]}")
            for rank, (row, one) in enumerate(zip(chosen, looked, strict=True), start=1)
        ]
        text = [f"{len(rows):,} of {len(accuracy):,} answers.", *([] if sections else [_MAPS])]
        sections.append(Section(title, text, pictures=shown))
    return sections


def choose(bench: Bench, found: Findings, rows: np.ndarray, count: int) -> list[int]:
    """So many of the rows, drawn by the seed, spread over types and answers, a picture once."""
    order = np.random.default_rng(bench.seed).permutation(rows).tolist()
    seen: Counter[object] = Counter()
    chosen: list[int] = []
    while order and len(chosen) < count:
        row = min(
            order[:2000],
            key=lambda row: (
                seen["picture", int(found.val.pictures[row])],
                seen["type", found.val.types[row]],
                seen["answer", int(found.best.guesses[row])],
            ),
        )
        order.remove(row)
        chosen.append(row)
        seen["picture", int(found.val.pictures[row])] += 1
        seen["type", found.val.types[row]] += 1
        seen["answer", int(found.best.guesses[row])] += 1
    return chosen


def _show(bench: Bench, found: Findings, row: int, one: Localization, name: str) -> Shown:
    guess = int(found.best.guesses[row])
    words, by_picture = found.models.parts(found.answerer, row, guess)
    said = Counter(found.val.answers[row]).most_common(3)
    people = ", ".join(f"{text} ({count})" for text, count in said)
    by_word = ", ".join(f"{found.vocabulary.words[place]} {share:+.1f}" for place, share in words)
    answer = f"{found.names[guess]} ({found.best.scores[row]:.0%})"
    picture = with_words(
        _beside_its_map(one),
        found.val.texts[row],
        f"model: {answer}; people: {people}",
        f"picture {by_picture:+.1f}; {by_word}",
    )
    caption = f"{found.val.texts[row]} {answer}; people: {people} · {one.name}"
    return save(bench, name, picture, caption)


def _beside_its_map(one: Localization) -> Image.Image:
    factor = _SIDE / max(one.picture.size)
    size = max(1, round(one.picture.width * factor)), max(1, round(one.picture.height * factor))
    picture = one.picture.resize(size, Image.Resampling.BICUBIC)
    heat = Image.fromarray(one.heat).resize(size, Image.Resampling.BILINEAR)
    return side_by_side([picture, overlay(picture, np.asarray(heat).clip(0, 1))])
