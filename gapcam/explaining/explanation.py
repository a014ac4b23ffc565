"""What a network says of pictures, and where it looks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from gapcam.cam.views import Size
from gapcam.protocol import Protocol
from gapcam.viz.colours import PREDICTED_COLOUR
from gapcam.viz.overlay import draw_boxes, overlay


@dataclass(frozen=True)
class Explanation:
    """N pictures, M classes of each, best first or as asked for.

    All tensors are on the CPU. `explanation[2]` is the explanation of the third picture alone.

    Attributes:
        pictures: RGB; of a size fit for drawing, where they would take too much memory.
        names: of the pictures.
        sizes: `(N, 2)` height and width of the pictures as they came.
        logits: `(N, C)` class scores before the softmax, averaged over the views.
        classes: `(N, M)` int64, in `0..C-1`.
        scores: `(N, M)` probabilities (softmax), averaged over the views.
        maps: `(N, M, h, w)` at mapping resolution, as they come from the network, or
            `(N, V, M, h, w)` of several views.
        regions: `(N, 4)` or `(N, V, 4)` what each view shows, in pixels of the picture.
        boxes: `(N, M, K, 4)` `x0, y0, x1, y1`, half-open, in pixels of the picture; zeros where
            nothing is above the threshold. K is 1, or 2 (loose and tight) under `dt_box`.
        class_names: of all C classes.
        protocol: the rule by which maps became boxes.
        view: height and width of a view.
    """

    pictures: list[Image.Image]
    names: list[str]
    sizes: Tensor
    logits: Tensor
    classes: Tensor
    scores: Tensor
    maps: Tensor
    regions: Tensor
    boxes: Tensor
    class_names: Sequence[str]
    protocol: Protocol
    view: Size

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, row: int) -> "Explanation":
        row = range(len(self))[row]  # counts from the end, too, and says where the end is
        one = slice(row, row + 1)
        tensors = ("sizes", "logits", "classes", "scores", "maps", "regions", "boxes")
        return replace(
            self,
            pictures=self.pictures[one],
            names=self.names[one],
            **{name: getattr(self, name)[one] for name in tensors},
        )

    def class_name(self, row: int = 0, rank: int = 0) -> str:
        """Name of one of a picture's classes."""
        return self.class_names[int(self.classes[row, rank])]

    def picture(self, row: int = 0, side: int | None = None) -> Image.Image:
        """A picture, resized until its longer side has `side` pixels; null: as it came."""
        height, width = self._drawn_size(row, side)
        return self.pictures[row].resize((width, height), Image.Resampling.BICUBIC)

    def heat(self, row: int = 0, rank: int = 0, side: int | None = None) -> NDArray[np.float32]:
        """The map of a class on the pixels of the picture, as the protocol thresholds it.

        Args:
            row: which picture.
            rank: which of its classes.
            side: of the longer side of what is returned; null: as large as the picture.

        Returns:
            `(H, W)` in 0..1; zero where no view shows the picture.
        """
        size = self._drawn_size(row, side)
        scale = torch.tensor(self._scale(row, size))
        rows = slice(row, row + 1)
        maps = self.maps[rows].narrow(-3, rank, 1)
        places = (self.regions[rows] * scale, torch.tensor([size]))
        (heat,) = self.protocol.heat_on_pictures(maps, self.view, *places)
        return heat[0].numpy()

    def overlay(
        self,
        row: int = 0,
        rank: int = 0,
        *,
        side: int | None = None,
        opacity: float = 0.55,
        colours: str = "viridis",
        boxes: bool = True,
    ) -> Image.Image:
        """A picture under the heat map of one of its classes, with the box.

        Args:
            row: which picture.
            rank: which of its classes.
            side: of the longer side; null: as large as the picture.
            opacity: of the map, 0..1.
            colours: one of `gapcam.viz.colours.COLOURS`.
            boxes: whether to draw them.
        """
        picture = self.picture(row, side)
        view = overlay(picture, self.heat(row, rank, side), opacity, colours)
        if not boxes:
            return view
        scale = np.array(self._scale(row, (picture.height, picture.width)))
        return draw_boxes(view, list(self.boxes[row, rank].numpy() * scale), PREDICTED_COLOUR)

    def plot(self, row: int = 0, **settings: object) -> Figure:
        """Draw a picture beside the overlays of its classes.

        Args:
            row: which picture.
            settings: of `overlay`.
        """
        count = self.classes.shape[1]
        figure = Figure(figsize=(2.6 * (count + 1), 3.2), layout="constrained")
        axes = figure.subplots(1, count + 1, squeeze=False)[0]
        axes[0].imshow(self.pictures[row])
        axes[0].set_title(self.names[row][-32:], fontsize=8)
        for rank, place in enumerate(axes[1:]):
            place.imshow(self.overlay(row, rank, **settings))  # type: ignore[arg-type]
            score = float(self.scores[row, rank])
            place.set_title(f"{self.class_name(row, rank)} {score:.1%}", fontsize=9)
        for place in axes:
            place.set_axis_off()
        figure.supxlabel(f"{self.protocol.title}: {self.protocol.rule}", fontsize=7)
        return figure

    def _drawn_size(self, row: int, side: int | None) -> Size:
        height, width = self.sizes[row].tolist()
        return (height, width) if side is None else drawn_size((height, width), side)

    def _scale(self, row: int, drawn: Size) -> list[float]:
        """By what corners of a box have to be multiplied."""
        height, width = self.sizes[row].tolist()
        return [drawn[1] / width, drawn[0] / height] * 2


def drawn_size(size: Size, side: int) -> Size:
    """Height and width of a picture whose longer side becomes `side`."""
    factor = side / max(size)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
