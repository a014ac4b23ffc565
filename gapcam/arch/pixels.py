"""What a network wants its pixels to be; it travels with the weights, inside the network."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn


class PixelFormat(NamedTuple):
    """`mean` and `std` in grey levels 0..255, in the order of `channels`: `rgb` or `bgr`."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    channels: str = "rgb"

    def describe(self) -> str:
        """The format in words."""
        mean = ", ".join(f"{value:.4g}" for value in self.mean)
        std = ", ".join(f"{value:.4g}" for value in self.std)
        divided = "" if set(self.std) == {1.0} else f" / ({std})"
        return f"{self.channels.upper()} - ({mean}){divided}"


CAFFE = PixelFormat((104.0, 117.0, 123.0), (1.0, 1.0, 1.0), "bgr")
"""The released networks and the zoo's: mean values of the released train_val file, no scale."""


def from_fractions(mean: Sequence[float], std: Sequence[float]) -> PixelFormat:
    """Format of statistics given for pixels in 0..1, red, green, blue, as torchvision's are."""
    return PixelFormat(tuple(255 * value for value in mean), tuple(255 * value for value in std))


IMAGENET = from_fractions((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""torchvision's, and most of timm's."""

FORMATS = {"caffe": CAFFE, "imagenet": IMAGENET}
"""By name."""


class Pixels(nn.Module):
    """`(B, 3, H, W)` RGB in 0..255, of any type -> float32 in the network's own format.

    The format is kept in buffers, so a checkpoint restores it and no evaluation can use another.
    """

    mean: Tensor
    std: Tensor
    order: Tensor

    def __init__(self, form: PixelFormat) -> None:
        super().__init__()
        self.register_buffer("mean", torch.empty(3, 1, 1))
        self.register_buffer("std", torch.empty(3, 1, 1))
        self.register_buffer("order", torch.empty(3, dtype=torch.int64))
        self.set_format(form)

    def set_format(self, form: PixelFormat) -> None:
        """Change the format."""
        self.mean.copy_(torch.tensor(form.mean).view(3, 1, 1))
        self.std.copy_(torch.tensor(form.std).view(3, 1, 1))
        self.order.copy_(torch.tensor([2, 1, 0] if form.channels == "bgr" else [0, 1, 2]))

    def format(self) -> PixelFormat:
        """The format in use."""
        channels = "bgr" if self.order[0] == 2 else "rgb"
        mean, std = self.mean.flatten().tolist(), self.std.flatten().tolist()
        return PixelFormat(tuple(mean), tuple(std), channels)

    def forward(self, images: Tensor) -> Tensor:
        return (images.index_select(1, self.order).float() - self.mean) / self.std
