"""The page of deep features: numbers of splits and classes, confusions, maps."""

import io
from collections.abc import Sequence

import matplotlib
from matplotlib.figure import Figure

from gapcam.study.bench import Bench
from gapcam.study.features.judged import FOLDS, Judged
from gapcam.study.features.numbers import (
    PERCENT,
    all_labels_and_guesses,
    class_scores,
    classes_sheet,
    mean_and_deviation,
    measures_rank,
    repetitions_sheet,
)
from gapcam.study.features.pictures import maps_section
from gapcam.study.layer import Layer
from gapcam.study.outcome import Section, Sheet
from gapcam.viz.figures import draw_confusion
from gapcam.viz.findings import CONFUSED_COLUMNS, most_confused

_AT_MOST = 30
"""Lines of a table that are shown whole; of more the first and the last ten."""
_ENDS = 10
_CONFUSED = 10


def sentence_of(judged: Sequence[Judged], layer: Layer) -> str:
    """What came out."""
    mean, deviation = mean_and_deviation(judged)
    what = "average precision" if measures_rank(judged) else "accuracy"
    kind = judged[0].repetition.kind or "split"
    spread = "" if deviation is None else f" ± {PERCENT * deviation:.2f}"
    over = f" over {len(judged)} {kind}s" if len(judged) > 1 else ""
    chance = sum(one.chance for one in judged) / len(judged)
    return (
        f"A linear classifier on {layer.name} of {type(layer.network).__name__} has an {what} of "
        f"{PERCENT * mean:.2f}{spread} %{over}; without looking it is {PERCENT * chance:.2f} %."
    )


def sections_of(
    bench: Bench, judged: Sequence[Judged], layer: Layer, choices: Sequence[float]
) -> list[Section]:
    """All sections in order; draws the pictures.

    Args:
        bench: the study's.
        judged: one for each split.
        layer: the features.
        choices: of C.
    """
    sections = [_how(bench, judged, layer, choices)]
    if len(judged) > 1:
        kind = judged[0].repetition.kind
        ranked = sorted(judged, key=lambda one: -one.score) if measures_rank(judged) else judged
        sheet = repetitions_sheet(ranked)
        sections.append(Section(f"{kind.capitalize()}s", sheets=_shortened(sheet)))
    if not measures_rank(judged):
        sections.append(_classes(judged))
    return [*sections, maps_section(bench, judged, layer)]


def _how(bench: Bench, judged: Sequence[Judged], layer: Layer, choices: Sequence[float]) -> Section:
    units = judged[0].machine.weight.shape[1]
    c = " or ".join(f"{one:g}" for one in sorted({one.c for one in judged}))
    if len(choices) > 1:
        among = ", ".join(f"{one:g}" for one in choices)
        c += f", the best of {among} in {FOLDS}-fold cross-validation on the training pictures"
    text = [
        f"Features: the {units:,} numbers of layer {layer.name} of {type(layer.network).__name__}, "
        f"as they are. Evaluation sees {bench.data.views.describe()}. The network is not trained.",
        f"Classifier: scikit-learn's LinearSVC, one class against the rest, C = {c}.",
    ]
    if measures_rank(judged):
        text.append(
            "Measured: average precision of ranking the test pictures by their decision value, and "
            "the mean over all. Without looking it is the share of pictures with the attribute."
        )
    else:
        text.append(
            "Measured: the share of test pictures whose class has the largest decision value"
            + (", and the mean over the splits" if len(judged) > 1 else "")
            + ". Without looking it is the share of the most frequent class."
        )
    return Section("How it was measured", text)


def _classes(judged: Sequence[Judged]) -> Section:
    scores = class_scores(judged)
    known = [one.accuracy for one in scores if one.tested]
    ranked = sorted(scores, key=lambda one: (-one.accuracy if one.tested else 1.0, one.name))
    labels, guesses = all_labels_and_guesses(judged)
    names = judged[0].repetition.data.class_names
    pairs = [
        (true, guess, count, f"{share:.0%}")
        for true, guess, count, share in most_confused(labels, guesses, names, _CONFUSED)
    ]
    sheets = _shortened(classes_sheet(ranked))
    if pairs:
        sheets.append(Sheet(CONFUSED_COLUMNS, pairs, "Most often confused"))
    return Section(
        "Classes",
        [
            f"Mean of the classes' accuracies: {PERCENT * sum(known) / len(known):.2f} %. It is "
            "not the accuracy over pictures where classes have unequally many test pictures."
        ],
        sheets,
        [_svg(draw_confusion(labels, guesses, names))],
    )


def _shortened(sheet: Sheet) -> list[Sheet]:
    """The whole table, or its first and last lines."""
    if len(sheet.rows) <= _AT_MOST:
        return [sheet]
    return [
        Sheet(sheet.columns, sheet.rows[:_ENDS], f"The first {_ENDS} of {len(sheet.rows)}"),
        Sheet(sheet.columns, sheet.rows[-_ENDS:], f"The last {_ENDS}"),
    ]


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "confusion"}):  # the same names every time
        figure.savefig(text, format="svg", metadata={"Date": None})
    drawn = text.getvalue()
    return drawn[drawn.index("<svg") :]
