"""Pictures of studies: maps of classes laid over them, side by side, with words below."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from gapcam.arch.network import Network
from gapcam.atomic import atomic_path
from gapcam.data.data_module import DataModule
from gapcam.data.dataset import LocalizationDataset
from gapcam.study.bench import Bench
from gapcam.study.outcome import Shown
from gapcam.viz.localizations import localize
from gapcam.viz.overlay import fit as fit_in
from gapcam.viz.overlay import panel

GAP = 4
"""White pixels between pictures."""
_LINE = 17
_FONT_SIZE = 13


def draw_maps(
    bench: Bench,
    network: Network,
    data: DataModule,
    dataset: LocalizationDataset,
    rows: Sequence[int],
    prefix: str,
    classes: Sequence[int] | None = None,
    captions: Sequence[str] | None = None,
) -> list[Shown]:
    """Draw pictures beside their maps with true and predicted boxes, one file each.

    Args:
        bench: says where they go.
        network: whose maps they are; is moved to the trainer's device.
        data: names the network's classes.
        dataset: the split.
        rows: of it.
        prefix: of the files' names.
        classes: whose map is shown on each; null for the best guess's.
        captions: one for each; null for what the network says.
    """
    network.to(bench.trainer.strategy.root_device)
    shown = []
    for rank, one in enumerate(localize(network, data, dataset, rows, classes)):
        caption = one.caption if captions is None else captions[rank]
        name = f"{prefix}-{rank + 1:02d}-{one.index}"
        shown.append(save(bench, name, panel(one), f"{caption} · {one.name}"))
    return shown


def save(bench: Bench, name: str, picture: Image.Image, caption: str) -> Shown:
    """Write a picture into the run's folder, by the main process."""
    path: Path = bench.pictures / f"{name}.png"
    if bench.is_main:
        with atomic_path(path) as temporary:
            picture.save(temporary, format="PNG", optimize=True)
    return Shown(path, caption)


def side_by_side(pictures: Sequence[Image.Image]) -> Image.Image:
    """Pictures in a row on white, as high as the highest."""
    width = sum(one.width for one in pictures) + GAP * (len(pictures) - 1)
    sheet = Image.new("RGB", (width, max(one.height for one in pictures)), "white")
    left = 0
    for one in pictures:
        sheet.paste(one, (left, 0))
        left += one.width + GAP
    return sheet


def one_below_the_other(pictures: Sequence[Image.Image]) -> Image.Image:
    """Pictures in a column on white, as wide as the widest."""
    height = sum(one.height for one in pictures) + GAP * (len(pictures) - 1)
    sheet = Image.new("RGB", (max(one.width for one in pictures), height), "white")
    top = 0
    for one in pictures:
        sheet.paste(one, (0, top))
        top += one.height + GAP
    return sheet


def with_words(picture: Image.Image, *lines: str) -> Image.Image:
    """A picture with lines of text below it, cut where they do not fit."""
    font = ImageFont.load_default(_FONT_SIZE)
    sheet = Image.new("RGB", (picture.width, picture.height + _LINE * len(lines) + 2), "white")
    sheet.paste(picture, (0, 0))
    pen = ImageDraw.Draw(sheet)
    for number, line in enumerate(lines):
        pen.text((2, picture.height + _LINE * number), fit(line, picture.width - 4), "black", font)
    return sheet


def fit(text: str, width: int) -> str:
    """As much of a text as fits into so many pixels."""
    return fit_in(text, ImageFont.load_default(_FONT_SIZE), width)
