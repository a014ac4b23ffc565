"""The map of one class for each picture, at mapping resolution: small enough to keep them all."""

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Subset

from gapcam.arch.network import Network
from gapcam.batch import Batch
from gapcam.cam.merge import merge_views
from gapcam.cam.views import mirrored_views
from gapcam.data.dataset import LocalizationDataset
from gapcam.study.bench import Bench
from gapcam.study.objects.overlap import Mask
from gapcam.study.steps import Arrays

_PART = 256
"""Pictures a file, so that a crash loses no more."""


class Map(NamedTuple):
    """A map of a picture: `maps` `(V, h, w)`, one a view, and what each shows, `regions` `(V, 4)`.

    Regions are in pixels of the original picture, whose height and width `size` `(2,)` holds.
    """

    maps: NDArray[np.float32]
    regions: NDArray[np.float32]
    size: NDArray[np.int64]


class Spread(NamedTuple):
    """A map on a grid: `values` `(H, W)` and which cells any view shows, `shown` `(H, W)`."""

    values: NDArray[np.float32]
    shown: Mask


def maps_of_classes(
    bench: Bench,
    network: Network,
    dataset: LocalizationDataset,
    classes: Sequence[int],
) -> list[Map]:
    """Map one class of each picture of a data set, in its order.

    Parts that were computed before are taken from `bench.steps`.

    Args:
        bench: shows progress; its data module makes the batches.
        network: whose maps they are; is moved to the trainer's device.
        dataset: of the bench's data.
        classes: one for each picture.
    """
    network.to(bench.trainer.strategy.root_device)
    found: list[Map] = []
    key = _key(network, dataset, classes)
    with bench.progress(f"Maps of {dataset.split}", len(dataset)) as advance:
        for start in range(0, len(dataset), _PART):
            rows = range(start, min(start + _PART, len(dataset)))
            part = bench.steps.arrays(
                f"maps-{dataset.split}-{start:08d}",
                [*key, len(rows)],
                partial(_compute, bench, network, dataset, rows, classes),
            )
            columns = (part["maps"], part["regions"], part["sizes"])
            found += [Map(*one) for one in zip(*columns, strict=True)]
            advance(len(rows))
    return found


def spread(one: Map, side: int) -> Spread:
    """A map on a grid of `side` x `side` cells over the whole original picture.

    Several views are averaged where they show the same; cells that none shows are 0.
    """
    maps = torch.from_numpy(one.maps)[None, :, None]
    regions, size = torch.from_numpy(one.regions)[None], torch.from_numpy(one.size)[None]
    mirrored = mirrored_views(len(one.maps))
    values = merge_views(maps, regions, size, (side, side), mirrored)
    shown = merge_views(torch.ones_like(maps), regions, size, (side, side), mirrored)
    return Spread(values[0, 0].numpy(), shown[0, 0].numpy() > 0)


def _compute(
    bench: Bench,
    network: Network,
    dataset: LocalizationDataset,
    rows: range,
    classes: Sequence[int],
) -> Arrays:
    part: LocalizationDataset = Subset(dataset, rows)  # type: ignore[assignment]
    maps, regions, sizes = [], [], []
    for batch in bench.data.evaluation_loader(part):
        here = Batch(*(tensor.to(network.device) for tensor in batch))
        asked = here.labels.new_tensor([classes[row] for row in batch.index.tolist()])
        with torch.no_grad():
            # The last map is that of the class in the place of the true one.
            look = network.predict_step(here._replace(labels=asked), 0)
        several = look.maps.ndim == 5
        last = look.maps.select(-3, -1)
        maps.append((last if several else last[:, None]).cpu().numpy())
        regions.append((look.regions if several else look.regions[:, None]).cpu().numpy())
        sizes.append(batch.sizes.numpy())
    return {
        "maps": np.concatenate(maps),
        "regions": np.concatenate(regions),
        "sizes": np.concatenate(sizes),
    }


def _key(network: Network, dataset: LocalizationDataset, classes: Sequence[int]) -> list[str]:
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    digest.update(np.array(classes, np.int64).tobytes())
    for row in range(len(dataset)):
        digest.update(dataset.stamp(row).encode())
    return [digest.hexdigest(), dataset.views.describe()]
