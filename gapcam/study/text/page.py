"""The page of the text detector: numbers beside those of maps that look at nothing, pictures."""

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gapcam.study.bench import Bench
from gapcam.study.drawing import save
from gapcam.study.outcome import Section, Sheet, Shown
from gapcam.study.text.findings import Findings
from gapcam.study.text.maps import TextMaps
from gapcam.study.text.pictures import draw_text
from gapcam.study.text.word_boxes import boxes_around_marks
from gapcam.study.text.word_numbers import Ends, Tally
from gapcam.study.text.word_scores import CENTRE, OTHERS, OWN

# Okabe and Ito's blue; what looks at nothing is grey.
_LINES = {
    OWN: ("own map", "#0072B2", "-"),
    OTHERS: ("mean map of the other pictures", "#777777", "-"),
    CENTRE: ("a Gaussian in the middle", "#777777", "--"),
}
_COLUMNS = {
    "pixel_ap": "pixel AP",
    "box_recall": "words found",
    "box_recall_iou": "words boxed",
    "marked": "pixels marked",
    "precision": "of these on words",
}
_LEGEND = (
    "White: boxes of words. Pink: boxes around the regions that the map marks. Text that nobody "
    "marked as a word counts as none."
)


def numbers_section(tallies: Mapping[str, Tally], ends: Ends, findings: Findings) -> Section:
    """Figures and a table: pixels and words, beside maps that do not look at the picture.

    Args:
        tallies: by kind of map.
        ends: of 95 % intervals, of the pictures' own maps.
        findings: says how the maps were judged.
    """
    rules = findings.rules
    numbers = {kind: tallies[kind].numbers() for kind in _LINES if kind in tallies}
    true = numbers[OWN]["true"]
    everything = {"pixel_ap": true, "box_recall": 1.0, "marked": 1.0, "precision": true}
    interval = [_interval(ends["pixel_precision" if n == "precision" else n]) for n in _COLUMNS]
    rows = [[_LINES[kind][0], *_percents(one)] for kind, one in numbers.items()]
    rows = [*rows[:1], ["95 % interval", *interval], *rows[1:]]
    return Section(
        "Where the text is",
        (
            f"A pixel is marked where the map exceeds {rules.cut:g} of its maximum. A word is "
            f"found if {rules.covered:.0%} of its box is marked, and boxed if a box around a "
            f"marked region has an IoU of {rules.iou:g} with it. The maps below the picture's own "
            "do not look at the picture and are cut so that they mark as much of it: read words "
            "found beside theirs.",
        ),
        sheets=[
            Sheet(["%", *_COLUMNS.values()], [*rows, ["everything marked", *_percents(everything)]])
        ],
        figures=[_figure(tallies, _draw_pixels), _figure(tallies, _draw_words)],
    )


def detector_section(findings: Findings) -> Section:
    """How many pictures are told rightly."""
    labels, is_text = findings.dataset.labels, findings.decisions > 0
    rows = [
        [name, int((~is_text[labels == label]).sum()), int(is_text[labels == label].sum())]
        for label, name in enumerate(findings.class_names)
    ]
    columns = ["pictures of", *(f"taken for {name}" for name in findings.class_names)]
    return Section("Which pictures have text", sheets=[Sheet(columns, rows)])


def picture_sections(bench: Bench, findings: Findings, maps: TextMaps) -> list[Section]:
    """Best, median and worst maps by average precision of pixels; false alarms.

    Args:
        bench: says where pictures go and how many are wanted.
        findings: of the test split.
        maps: of the pictures with words, in the findings' order; after these of false alarms.
    """
    with_words = len(findings.rows)
    precisions = [findings.precision(place) for place in range(with_words)]
    order = sorted(range(with_words), key=lambda place: -precisions[place])
    chosen = choose(order, pictures_each(bench))
    alarms = range(with_words, len(maps))
    found = []
    with bench.progress("Pictures", sum(map(len, chosen.values())) + len(alarms)) as advance:

        def drawn(prefix: str, places: Sequence[int]) -> Iterator[Shown]:
            for rank, place in enumerate(places):
                yield _draw(bench, findings, maps, place, f"{prefix}-{rank + 1:02d}")
                advance(1)

        for title, places in chosen.items():
            text = (f"By average precision of pixels. {_LEGEND}",)
            found.append(Section(f"{title} maps", text, pictures=[*drawn(title.lower(), places)]))
            without = findings.dataset.labels == 0
        wrong = int((findings.decisions[without] > 0).sum())
        text = (f"Of {int(without.sum()):,} pictures without text {wrong:,} are taken for text.",)
        shown = [*drawn("alarm", alarms)]
        found.append(Section("False alarms, and what comes nearest", text, pictures=shown))
    return found


def pictures_each(bench: Bench) -> int:
    """How many pictures of each of the four kinds are wanted."""
    return max(1, bench.gallery // 4)


def choose(order: Sequence[int], each: int) -> dict[str, list[int]]:
    """So many places from the top, the middle and the end of an order, none of them twice.

    Example:
        >>> choose([5, 3, 4, 0, 2, 1, 6], 2)
        {'Best': [5, 3], 'Median': [4, 0], 'Worst': [6, 1]}
    """
    each = max(1, min(each, len(order) // 3))
    middle = (len(order) - each) // 2
    best, worst = list(order[:each]), list(order[::-1][:each])
    chosen = {"Best": best, "Median": list(order[middle : middle + each]), "Worst": worst}
    seen: set[int] = set()
    for title, places in chosen.items():
        chosen[title] = [place for place in places if place not in seen]
        seen.update(places)
    return {title: places for title, places in chosen.items() if places}


def _draw(bench: Bench, findings: Findings, maps: TextMaps, place: int, name: str) -> Shown:
    heat, shown, rules = maps.heat(place), maps.shown(place), findings.rules
    row = maps.rows[place]
    boxes = boxes_around_marks(heat, shown, rules.cut, rules.connectivity)
    decision = findings.decisions[row]
    said = f"score {decision:+.2f}, taken for {findings.class_names[int(decision > 0)]}"
    of_words = f"{(heat > rules.cut).mean():.0%} marked"
    true_boxes = np.zeros((0, 4), np.float32)
    if place < len(findings.rows):
        true_boxes = findings.truths[place].boxes
        found = int(findings.scores[place].is_found.sum())
        of_words = (
            f"{found} of {len(true_boxes)} words found, {of_words}, "
            f"pixel AP {findings.precision(place):.1%}"
        )
    picture = draw_text(
        findings.dataset.picture(row), heat, shown, true_boxes, boxes, (of_words, said)
    )
    return save(bench, f"{name}-{row}", picture, f"{of_words} · {said} · {findings.name(row)}")


def _figure(tallies: Mapping[str, Tally], draw: Callable[[Axes, Mapping[str, Tally]], None]) -> str:
    """An SVG element; the same one for the same numbers."""
    with matplotlib.rc_context({"svg.hashsalt": draw.__name__}):
        figure = Figure(figsize=(4.8, 3.6), layout="constrained")
        axes = figure.subplots()
        draw(axes, tallies)
        axes.set_xlim(0, 1)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.25)
        figure.legend(loc="outside lower center", fontsize=8, frameon=False, ncols=2)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :]


def _draw_pixels(axes: Axes, tallies: Mapping[str, Tally]) -> None:
    for kind, tally in tallies.items():
        label, colour, style = _LINES[kind]
        curve = tally.curve()
        axes.plot(curve.recall, curve.precision, style, color=colour, label=label)
    true = tallies[OWN].numbers()["true"]
    axes.axhline(true, color="#777777", linestyle=":", label="every pixel alike")
    axes.set(title="Pixels, at all thresholds", xlabel="recall", ylabel="precision")


def _draw_words(axes: Axes, tallies: Mapping[str, Tally]) -> None:
    for kind, tally in tallies.items():
        label, colour, style = _LINES[kind]
        axes.plot(*tally.words_found(), style, color=colour, label=label)
    axes.plot((0, 1), (0, 1), ":", color="#777777", label="as many words as pixels")
    numbers = tallies[OWN].numbers()
    axes.plot(numbers["marked"], numbers["box_recall"], "o", color=_LINES[OWN][1])
    axes.set(
        title="Words, at all thresholds",
        xlabel="share of the pixels that is marked",
        ylabel="share of the words that is found",
    )


def _percents(numbers: Mapping[str, float]) -> list[float | None]:
    """The table's cells; None for what there is not."""
    rates = [numbers.get(name, math.nan) for name in _COLUMNS]
    return [None if math.isnan(rate) else 100 * rate for rate in rates]


def _interval(ends: tuple[float, float]) -> str:
    return "-" if math.isnan(ends[0]) else f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f}"
