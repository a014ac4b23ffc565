"""Generated samples for tests of the metrics: maps with a bright block, and boxes near it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gapcam.cam.localization import GUESSES, ranked_classes
from gapcam.metrics import LocalizationError, MaxBoxAcc, PixelAP, PointingGame
from gapcam.metrics.sample_metric import SampleMetric
from gapcam.protocol import PUBLISHED

CLASSES = 7
CELLS = (6, 8)
VIEW = (24, 32)
EXACT = replace(PUBLISHED["exact"], steps=20)

Batch = dict[str, Tensor]


def samples(count: int, seed: int = 3) -> Batch:
    """Images of different sizes with up to three true boxes, the first near the maps' block."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(CLASSES, (count,), generator=generator)
    classes = ranked_classes(torch.randn(count, CLASSES, generator=generator), labels)
    sizes = torch.randint(20, 90, (count, 2), generator=generator)
    corners = torch.rand(count, 3, 2, 2, generator=generator).sort(2).values
    maps = torch.rand(count, GUESSES + 1, *CELLS, generator=generator)
    for row in range(count):
        (x0, y0), (x1, y1) = (corners[row, 0] * torch.tensor(CELLS[::-1])).tolist()
        down, across = slice(int(y0), int(y1) + 1), slice(int(x0), int(x1) + 1)
        maps[row, :, down, across] += 0.4 + torch.rand(1, generator=generator)
    boxes = corners.flatten(2) * sizes[:, [1, 0, 1, 0]][:, None]
    return {
        "maps": maps,
        "classes": classes,
        "labels": labels,
        "ranks": torch.randint(CLASSES, (count,), generator=generator),
        "boxes": boxes,
        "counts": torch.randint(4, (count,), generator=generator),
        "masks": torch.rand(count, 30, 40, generator=generator) < 0.4,
        "ignore": torch.rand(count, 30, 40, generator=generator) < 0.2,
        "sizes": sizes,
        "regions": torch.cat([torch.zeros(count, 2), sizes.flip(1)], dim=1),
        "index": torch.arange(count),
    }


class Kind(NamedTuple):
    """A metric: how it is made, and which of the samples it takes, by its own names."""

    make: Callable[..., Any]
    takes: tuple[str, ...]

    def inputs(self, batch: Batch) -> Batch:
        taken = {name: batch[name] for name in ("sizes", "regions", "index", *self.takes)}
        maps = batch["maps"] if "classes" in self.takes else batch["maps"][:, -1]
        return {**taken, "maps": maps}


KINDS: dict[str, Kind] = {
    "localization": Kind(
        lambda **more: LocalizationError("paper", VIEW, **more),
        ("classes", "labels", "boxes", "counts"),
    ),
    "max_box_acc": Kind(
        lambda **more: MaxBoxAcc(EXACT, VIEW, **more), ("labels", "ranks", "boxes", "counts")
    ),
    "pixel_ap": Kind(lambda **more: PixelAP(EXACT, VIEW, **more), ("masks", "ignore")),
    "pointing": Kind(
        lambda **more: PointingGame(tolerance=3, size=VIEW, **more), ("labels", "boxes", "counts")
    ),
}


def take(batch: Batch, rows: Sequence[int] | slice) -> Batch:
    return {name: value[rows] for name, value in batch.items()}


def plain(numbers: dict[str, Tensor]) -> dict[str, Any]:
    """Numbers that can be compared: NaN becomes None."""
    return {name: None if value.isnan() else value.item() for name, value in numbers.items()}


def updated(kind: str, batch: Batch, **more: Any) -> SampleMetric:
    """A metric that has seen one batch."""
    metric: SampleMetric = KINDS[kind].make(**more)
    metric.update(**KINDS[kind].inputs(batch))
    return metric
