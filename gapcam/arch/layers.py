"""The rows of a layer table, and the modules made from them.

Convolutions carry the names they have in the authors' and the zoo's Caffe files, so a weight file
fits by name, and a ReLU follows each. Pooling rounds up, as Caffe's does.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Conv(NamedTuple):
    """A convolution of `kernel` x `kernel`, batch normalisation where asked for, and a ReLU."""

    name: str
    units: int
    kernel: int = 3
    stride: int = 1
    padding: int = 0
    groups: int = 1
    batch_norm: bool = False


class MaxPool(NamedTuple):
    """Max pooling that rounds its output up."""

    name: str
    kernel: int = 3
    stride: int = 2


class Norm(NamedTuple):
    """Local response normalisation across 5 units (alpha 1e-4, beta 0.75)."""

    name: str


class Drop(NamedTuple):
    """Dropout, while training."""

    name: str
    probability: float = 0.5


class Inception(NamedTuple):
    """Units of GoogLeNet's four branches: 1x1; 3x3 and 5x5 after their reductions; pooling."""

    name: str
    one: int
    three_reduce: int
    three: int
    five_reduce: int
    five: int
    pool: int


class Fire(NamedTuple):
    """Units of SqueezeNet's module: 1x1 squeeze; 1x1 and 3x3 expand, side by side."""

    name: str
    squeeze: int
    expand: int


Row = Conv | MaxPool | Norm | Drop | Inception | Fire
LayerTable = Sequence[Row]


def build_layers(table: LayerTable, channels: int = 3) -> tuple[nn.Sequential, int]:
    """Make the modules of a table.

    Args:
        table: the rows, first layer first.
        channels: of what goes in.

    Returns:
        The modules under the rows' names, and the number of channels that come out. Convolutions
        start with He's normal weights and zero biases.
    """
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    for row in table:
        match row:
            case Conv():
                modules |= conv_modules(row, channels)
                channels = row.units
            case MaxPool():
                modules[row.name] = nn.MaxPool2d(row.kernel, row.stride, ceil_mode=True)
            case Norm():
                modules[row.name] = AcrossUnitsNorm(5, alpha=1e-4, beta=0.75)
            case Drop():
                modules[row.name] = nn.Dropout(row.probability)
            case Inception():
                modules[row.name] = InceptionBlock(row, channels)
                channels = row.one + row.three + row.five + row.pool
            case Fire():
                modules[row.name] = FireBlock(row, channels)
                channels = 2 * row.expand
    return nn.Sequential(modules), channels


def layer_names(table: LayerTable) -> list[str]:
    """Names of the layers with parameters, with points: `inception_3a.1x1`."""
    with torch.device("meta"):
        modules, _ = build_layers(table)
    stems = dict.fromkeys(key.rpartition(".")[0] for key in modules.state_dict())
    return [stem.replace("/", ".") for stem in stems]


def conv_modules(row: Conv, channels: int) -> OrderedDict[str, nn.Module]:
    """The modules of one convolution row, which takes `channels` channels."""
    name, units, kernel, stride, padding, groups, batch_norm = row
    convolution = nn.Conv2d(
        channels, units, kernel, stride, padding, groups=groups, bias=not batch_norm
    )
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)
    modules: OrderedDict[str, nn.Module] = OrderedDict({name: convolution})
    if batch_norm:
        modules[f"{name}_norm"] = nn.BatchNorm2d(units)
    modules[f"{name}_relu"] = nn.ReLU(inplace=True)
    return modules


class AcrossUnitsNorm(nn.LocalResponseNorm):
    """Local response normalisation in single precision: in half, squares overflow beyond 255."""

    def forward(self, inputs: Tensor) -> Tensor:
        is_half = inputs.dtype in (torch.float16, torch.bfloat16)
        outputs: Tensor = super().forward(inputs.float() if is_half else inputs)
        return outputs


class Branches(nn.Module):
    """Convolutions by name, each with its ReLU, that do not simply follow each other."""

    def __init__(self, rows: Iterable[tuple[Conv, int]]) -> None:
        super().__init__()
        for row, channels in rows:
            for name, module in conv_modules(row, channels).items():
                self.add_module(name, module)

    def convolve(self, name: str, inputs: Tensor) -> Tensor:
        """Apply the convolution of that name and its ReLU."""
        outputs: Tensor = getattr(self, f"{name}_relu")(getattr(self, name)(inputs))
        return outputs


class InceptionBlock(Branches):
    """Four branches side by side; the 5x5 branch is really 5x5."""

    def __init__(self, row: Inception, channels: int) -> None:
        super().__init__(
            (
                (Conv("1x1", row.one, 1), channels),
                (Conv("3x3_reduce", row.three_reduce, 1), channels),
                (Conv("3x3", row.three, 3, padding=1), row.three_reduce),
                (Conv("5x5_reduce", row.five_reduce, 1), channels),
                (Conv("5x5", row.five, 5, padding=2), row.five_reduce),
                (Conv("pool_proj", row.pool, 1), channels),
            )
        )
        self.pool = nn.MaxPool2d(3, stride=1, padding=1)

    def forward(self, inputs: Tensor) -> Tensor:
        branches = (
            self.convolve("1x1", inputs),
            self.convolve("3x3", self.convolve("3x3_reduce", inputs)),
            self.convolve("5x5", self.convolve("5x5_reduce", inputs)),
            self.convolve("pool_proj", self.pool(inputs)),
        )
        return torch.cat(branches, dim=1)


class FireBlock(Branches):
    """A squeeze and two expansions side by side."""

    def __init__(self, row: Fire, channels: int) -> None:
        super().__init__(
            (
                (Conv("squeeze1x1", row.squeeze, 1), channels),
                (Conv("expand1x1", row.expand, 1), row.squeeze),
                (Conv("expand3x3", row.expand, 3, padding=1), row.squeeze),
            )
        )

    def forward(self, inputs: Tensor) -> Tensor:
        squeezed = self.convolve("squeeze1x1", inputs)
        return torch.cat(
            [self.convolve("expand1x1", squeezed), self.convolve("expand3x3", squeezed)], 1
        )
