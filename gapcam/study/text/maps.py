"""Maps of the class `text` of chosen pictures, whatever the network takes them for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from gapcam.arch.network import Network
from gapcam.batch import Batch, collate
from gapcam.cam.views import Size
from gapcam.protocol import Protocol
from gapcam.study.bench import Bench
from gapcam.study.steps import Arrays

TEXT = 1
"""Label of pictures with text."""


@dataclass(frozen=True)
class TextMaps:
    """Maps of `text`, of P pictures, which are `rows` of the test split.

    `maps` `(P, h, w)` float32 at mapping resolution, or `(P, V, h, w)` of several views; `regions`
    `(P, 4)` or `(P, V, 4)` what each view shows, in pixels of its original; `sizes` `(P, 2)`.
    """

    rows: Sequence[int]
    maps: torch.Tensor
    regions: torch.Tensor
    sizes: torch.Tensor
    protocol: Protocol
    view: Size

    def __len__(self) -> int:
        return len(self.maps)

    def heat(self, place: int) -> NDArray[np.float64]:
        """A map in 0..1 on the protocol's grid, `(H, W)`."""
        one = slice(place, place + 1)
        heat = self.protocol.heat(self.maps[one], self.view, self.regions[one], self.sizes[one])
        return np.asarray(heat[0].numpy(), np.float64)

    def size(self, place: int) -> Size:
        """Height and width of a picture."""
        height, width = self.sizes[place].tolist()
        return height, width

    def shown(self, place: int) -> NDArray[np.float32]:
        """What the grid shows of a picture, `(4,)`: a view, or all of it where several merge."""
        if self.regions.ndim == 3:
            height, width = self.size(place)
            return np.array([0, 0, width, height], np.float32)
        region: NDArray[np.float32] = self.regions[place].numpy()
        return region


def map_text(
    bench: Bench, network: Network, protocol: Protocol, rows: Sequence[int], key: object
) -> TextMaps:
    """Map `text` in pictures of the test split; kept, so that a repeated study goes on from them.

    Args:
        bench: has the pictures.
        network: its class 1 is text; is moved to the trainer's device.
        protocol: turns the maps into heat.
        rows: of the test split.
        key: digest of network and pictures.
    """

    def compute() -> Arrays:
        network.to(bench.trainer.strategy.root_device)
        parts = []
        with bench.progress("Maps of text", len(rows)) as advance:
            for start in range(0, len(rows), bench.data.eval_batch_size):
                some = rows[start : start + bench.data.eval_batch_size]
                parts.append(_look(network, collate([bench.data.test[row] for row in some])))
                advance(len(some))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    settings = [list(rows), protocol.id, network.cam.word, bench.data.views.describe()]
    kept = bench.steps.arrays("maps", [key, settings], compute)
    return TextMaps(
        rows=rows,
        maps=torch.from_numpy(kept["maps"]),
        regions=torch.from_numpy(kept["regions"]),
        sizes=torch.from_numpy(kept["sizes"]),
        protocol=protocol,
        view=network.size,
    )


def _look(network: Network, batch: Batch) -> Arrays:
    # The true class's map comes last; text takes its place.
    asked = batch._replace(labels=torch.full_like(batch.labels, TEXT))
    with torch.no_grad():
        found = network.predict_step(Batch(*(tensor.to(network.device) for tensor in asked)), 0)
    return {
        "maps": found.maps.select(-3, -1).float().cpu().numpy(),
        "regions": found.regions.cpu().numpy(),
        "sizes": batch.sizes.numpy(),
    }
