"""Where a linear classifier on pooled features looks: its weights in the network's place."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from PIL import Image

from gapcam.errors import UserError
from gapcam.study.bench import Bench
from gapcam.study.drawing import save, side_by_side, with_words
from gapcam.study.features.judged import Judged
from gapcam.study.features.numbers import measures_rank
from gapcam.study.head import with_classifier
from gapcam.study.layer import POOLED, Layer, require_pooled_classifier
from gapcam.study.outcome import Section, Shown
from gapcam.viz.findings import spread
from gapcam.viz.localizations import Localization, localize
from gapcam.viz.overlay import thumbnail

_SIDE = 256
_A_ROW = 2
"""Pictures of an attribute: the two that are ranked first."""


class Wanted(NamedTuple):
    """Test pictures of a split, and the class whose map each shows."""

    judged: Judged
    rows: list[int]
    classes: list[int]


def why_no_maps(layer: Layer) -> str:
    """Why these features draw no maps; empty if they do."""
    try:
        require_pooled_classifier(layer.network, "A map")
    except UserError as error:
        return f"No maps: {error}."
    if layer.name not in POOLED or layer.pool != "avg":
        return (
            f"No maps: a class map weighs the units that the network's own classifier sees; layer "
            f"{layer.name} with pool={layer.pool} is not their average. study.layer=gap draws them."
        )
    return ""


def maps_section(bench: Bench, judged: Sequence[Judged], layer: Layer) -> Section:
    """Pictures beside the maps of classes that the network was never trained on."""
    title = "Where it looks"
    reason = why_no_maps(layer)
    if reason:
        return Section(title, [reason])
    wanted = _best_ranked(judged, bench.gallery) if measures_rank(judged) else []
    wanted = wanted or [_right_and_wrong(judged[0], bench.gallery)]
    with bench.progress("Drawing maps", sum(len(one.rows) for one in wanted)) as advance:
        shown = []
        for picture in _drawn(bench, wanted):
            shown.append(picture)
            advance(1)
    which = (
        f"the test pictures ranked first by {len(wanted)} attributes"
        if measures_rank(judged)
        else "right and wrong guesses, spread over the test pictures"
        + (f" of split {judged[0].repetition.name}" if len(judged) > 1 else "")
    )
    text = (
        "The network was not trained on these classes: the linear classifier's weights, in the "
        f"place of its own, add up its units to a map. Shown are {which}; the number is the "
        "decision value, which is above 0 where the classifier says yes."
    )
    return Section(title, [text], pictures=shown)


def _right_and_wrong(one: Judged, count: int) -> Wanted:
    right = one.guesses == one.labels
    rows: list[int] = []
    for is_wanted, many in ((right, (count + 1) // 2), (~right, count // 2)):
        among = np.flatnonzero(is_wanted)
        rows += among[spread(len(among), many)].tolist() if len(among) else []
    return Wanted(one, rows, one.guesses[rows].tolist())


def _best_ranked(judged: Sequence[Judged], count: int) -> list[Wanted]:
    """The first pictures of attributes from the best told to the worst."""
    order = np.argsort([-one.score for one in judged], kind="stable")
    chosen = spread(len(judged), max(1, count // _A_ROW))
    found = []
    for place in order[chosen]:
        one = judged[place]
        # Two classes have opposite values, so that of the true class tells the second one's.
        value = np.where(one.labels == 1, one.of_label, -one.of_label)
        rows = np.argsort(-value, kind="stable")[: min(_A_ROW, count)].tolist()
        found.append(Wanted(one, rows, [1] * len(rows)))
    return found


def _drawn(bench: Bench, wanted: Sequence[Wanted]) -> Iterator[Shown]:
    number = 0
    for judged, rows, classes in wanted:
        data, machine = judged.repetition.data, judged.machine
        network = with_classifier(bench.network, machine.weight, machine.bias, data.class_names)
        network.to(bench.trainer.strategy.root_device)
        values = judged.of_label if measures_rank([judged]) else judged.of_guess
        for one in localize(network, data, data.test, rows, classes):
            number += 1
            value = float(values[one.index])
            if measures_rank([judged]) and one.label == 0:
                value = -value
            yield save(
                bench,
                f"{'right' if one.guess == one.label else 'wrong'}-{number:02d}-{one.index}",
                _picture(one, value),
                f"{one.guess_name} · {one.name}",
            )


def _picture(one: Localization, value: float) -> Image.Image:
    # Without a true box to compare it with, the map's box only hides what is below.
    seen = one if len(one.true_boxes) else replace(one, boxes=one.boxes[:0])
    drawn = thumbnail(seen, _SIDE)
    plain = one.picture.resize(drawn.size, Image.Resampling.BICUBIC)
    verdict = "right" if one.guess == one.label else f"wrong, true: {one.true_name}"
    words = f"{one.guess_name} {value:+.2f} ({verdict})"
    return with_words(side_by_side([plain, drawn]), words)
