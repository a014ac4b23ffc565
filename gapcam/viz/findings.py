"""What a test found, in the form dashboards show it: a table of pictures, curves, mistakes."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gapcam.arch.details import Details
from gapcam.arch.network import Network
from gapcam.cam.max_box import Curves
from gapcam.cam.taxonomy import KINDS
from gapcam.data.data_module import DataModule
from gapcam.metrics.localization import LocalizationRows
from gapcam.metrics.sample_metric import main_iou
from gapcam.viz.localizations import Localization, localize
from gapcam.viz.overlay import thumbnail

CONFUSED_COLUMNS = ("true class", "guess", "images", "share of the true class")
"""Of `most_confused`."""

_THUMBNAIL = 160
_POINTS = 100
"""Of a curve that a browser draws; the file `curve-<protocol>.csv` has all."""


class Example(NamedTuple):
    """One picture of a test; `values` go with the columns of `Findings`."""

    picture: Image.Image
    values: list[object]


class Findings(NamedTuple):
    """What a test found.

    `columns` and `examples` are a table of pictures, evenly spread over those scored; `curves` by
    protocol, of those that try all thresholds; `numbers` of all protocols as `<protocol>/<name>`;
    `titles` of the protocols; `mistakes`, shares of the kinds under the main protocol, empty where
    no picture has a true box; `labels` and `guesses` `(N,)` true class and best guess of each
    picture, None where only the true class's map was looked at.
    """

    columns: list[str]
    examples: list[Example]
    curves: dict[str, Curves]
    numbers: dict[str, float]
    titles: dict[str, str]
    mistakes: dict[str, float]
    labels: NDArray[np.int64] | None
    guesses: NDArray[np.int64] | None
    class_names: list[str]


def find(module: Network, data: DataModule, examples: int) -> Findings:
    """Gather what the last test found, and look at some of its pictures again.

    Args:
        module: the network, after its test.
        data: has the test split.
        examples: how many pictures at most.
    """
    evaluation = module.test_evaluation
    details, main = evaluation.details, evaluation.main
    known = next((one.rows for one in details.values() if one.rows is not None), None)
    guesses = 1 if known is None else known.classes.shape[1] - 1
    return Findings(
        columns=[
            *("index", "image", "label"),
            *(f"guess_{rank}" for rank in range(1, guesses + 1)),
            *("score", "iou", "found", "mistake"),
        ],
        examples=list(_examples(module, data, details[main.name], known, examples)),
        curves={
            name: one.curves
            for name, one in details.items()
            if one.curves is not None and one.curves.images
        },
        numbers=_with_protocol(module.test_numbers, list(details)),
        titles={name: protocol.title for name, protocol in evaluation.protocols.items()},
        mistakes={k: v for k, v in details[main.name].kinds.items() if not math.isnan(v)},
        labels=None if known is None else known.labels.cpu().numpy(),
        guesses=None if known is None else known.classes[:, 0].cpu().numpy(),
        class_names=data.class_names,
    )


def spread(count: int, most: int) -> list[int]:
    """Places of `most` things, or fewer, evenly spread over `count`."""
    places: list[int] = np.linspace(0, count - 1, min(most, count)).astype(int).tolist()
    return places


def threshold_points(curves: Mapping[str, Curves]) -> Iterator[tuple[float, float, str]]:
    """Threshold, accuracy in 0..1 and name of the curve: about 100 points of each curve."""
    for name, one in curves.items():
        step = max(1, len(one.thresholds) // _POINTS)
        thresholds = one.thresholds[::step].tolist()
        for kind, accuracies in (("V1", one.v1), ("V2", one.v2)):
            for iou, row in zip(one.iou, accuracies, strict=True):
                series = f"{name} {kind}, IoU {iou:g}"
                for threshold, accuracy in zip(thresholds, row[::step].tolist(), strict=True):
                    yield threshold, accuracy, series


def most_confused(
    labels: NDArray[np.int64], guesses: NDArray[np.int64], class_names: Sequence[str], most: int
) -> list[tuple[str, str, int, float]]:
    """The pairs of classes that are taken for each other most often, the most frequent first.

    Args:
        labels: `(N,)` true classes.
        guesses: `(N,)` best guesses.
        class_names: of all classes.
        most: how many pairs.

    Returns:
        Values of `CONFUSED_COLUMNS` for each.
    """
    wrong = labels != guesses
    pairs = Counter(zip(labels[wrong].tolist(), guesses[wrong].tolist(), strict=True))
    ranked = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))[:most]
    sizes = Counter(labels.tolist())
    return [
        (class_names[true], class_names[guess], count, count / sizes[true])
        for (true, guess), count in ranked
    ]


def _examples(
    module: Network,
    data: DataModule,
    details: Details,
    known: LocalizationRows | None,
    most: int,
) -> Iterator[Example]:
    """Examples of the main protocol; rows of metrics are in the order of their index."""
    places = spread(len(details.index), most)
    indices = details.index[places].tolist()
    least = main_iou(module.test_evaluation.main)
    for place, one in zip(places, localize(module, data, data.test, indices), strict=True):
        guesses = [one.guess] if known is None else known.classes[place, :-1].tolist()
        values: list[object] = [
            *(one.index, one.name, one.true_name),
            *(data.class_names[guess] for guess in guesses),
            *(round(one.score, 4), *_verdict(one, details.rows, place, least)),
        ]
        yield Example(thumbnail(one, _THUMBNAIL), values)


def _verdict(
    one: Localization, rows: LocalizationRows | None, place: int, least: float
) -> tuple[float | None, bool | None, str | None]:
    """IoU of the best guess's box, whether it is enough, and the kind of mistake."""
    if rows is None or not len(one.true_boxes):
        return None, None, None
    iou = float(rows.iou[place, 0, 0])
    return round(iou, 4), iou >= least, KINDS[int(rows.kinds[place])].replace("_", " ")


def _with_protocol(numbers: Mapping[str, float], protocols: Sequence[str]) -> dict[str, float]:
    main, *others = protocols
    return {
        name if name.partition("/")[0] in others else f"{main}/{name}": value
        for name, value in numbers.items()
    }
