"""Pictures of the study of birds: maps and boxes, and what was cut out."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gapcam.study.bench import Bench
from gapcam.study.cub.found import Found
from gapcam.study.drawing import save, side_by_side
from gapcam.study.outcome import Section, Shown
from gapcam.viz.localizations import Localization, localize
from gapcam.viz.overlay import thumbnail

_HEIGHT = 240
_WIDEST = 360
_LARGE = 360


def located_pictures(bench: Bench, found: Found) -> Iterator[Section]:
    """Best, median and worst boxes of the guessed class, by IoU with the true box."""
    rows = found.test.rows
    places = np.flatnonzero((rows.counts > 0).numpy())
    order = places[np.argsort(-rows.iou[places, 0, 0].numpy(), kind="stable")]
    each = min(max(1, bench.gallery // 4), len(order) // 3)
    middle = (len(order) - each) // 2
    groups = {
        "best": order[:each],
        "median": order[middle : middle + each],
        "worst": order[len(order) - each :][::-1],
    }
    for name, group in groups.items():
        if len(group):
            yield Section(
                f"{name.capitalize()} boxes",
                text=_HOW if name == "best" else (),
                pictures=_draw(bench, found, name, group),
            )


_HOW = (
    "The map of the guessed class over a test picture, with the true box in white and the map's "
    "in red; beside it what was cut out. Captions: the answer from the full picture, the IoU, the "
    "answer from the crop.",
)


def changed_pictures(bench: Bench, found: Found) -> Iterator[Section]:
    """Pictures that are told right from the crop alone, and from the full picture alone."""
    full, crop = found.right["full"], found.right["crop"]
    most = max(1, bench.gallery // 8)
    for title, name, held in (
        ("Right in the crop alone", "mended", crop & ~full),
        ("Right in the full picture alone", "spoilt", full & ~crop),
    ):
        places = np.flatnonzero(held)
        if len(places):
            yield Section(
                title,
                text=[f"{len(places):,} of {len(held):,} test pictures."],
                pictures=_draw(bench, found, name, places[:most]),
            )


def _draw(bench: Bench, found: Found, prefix: str, places: NDArray[np.int64]) -> Sequence[Shown]:
    network = found.network.to(bench.trainer.strategy.root_device)
    test, rows = found.whole.test, found.test.rows.index.numpy()[places].tolist()
    shown = []
    located = localize(network, found.whole, test, rows)
    for rank, (place, one) in enumerate(zip(places.tolist(), located, strict=True)):
        cut = found.cropped.test.picture(one.index)
        after = found.whole.class_names[int(found.settings[1].guesses[place])]
        what = "crop" if found.crops["test"][place].any() else "nothing found, stays whole"
        words = f"{_words(one)}; {what}: {after} · {one.name}"
        sheet = side_by_side([_fitted(thumbnail(one, _LARGE)), _fitted(cut)])
        shown.append(save(bench, f"{prefix}-{rank + 1:02d}-{one.index}", sheet, words))
    return shown


def _fitted(picture: Image.Image) -> Image.Image:
    """A picture at the height of its neighbours, or as wide as there is room."""
    scale = min(_HEIGHT / picture.height, _WIDEST / picture.width)
    width, height = (max(1, round(scale * side)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BICUBIC)


def _words(one: Localization) -> str:
    true = "" if one.guess == one.label else f" (true: {one.true_name})"
    return f"{one.guess_name}{true}, IoU {one.iou:.2f}"
