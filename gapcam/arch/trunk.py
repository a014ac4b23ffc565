"""Cutting a trunk: a table of layers, and the places where the cut table cuts it."""

from collections.abc import Sequence

from torch import nn

from gapcam.arch.layers import LayerTable
from gapcam.errors import UserError

CutTable = Sequence[str]
"""Entry `trim` is the name of the last layer kept; entry 0 is the whole trunk's."""


def require_units(units: object) -> None:
    """Refuse a number of units that is none.

    Raises:
        UserError: if `units` is neither null nor a whole number from 1 on.
    """
    if units is not None and (not isinstance(units, int) or isinstance(units, bool) or units < 1):
        raise UserError(f"arch.units must be null or a whole number from 1 on; got {units!r}")


def require_uncut(trim: object, reason: str) -> None:
    """Refuse to cut a network.

    Raises:
        UserError: if `trim` is not 0; gives the reason.
    """
    if trim != 0:
        raise UserError(f"arch.trim must be 0: {reason}; got {trim!r}")


def cut(layers: LayerTable, cuts: CutTable, trim: int | str) -> LayerTable:
    """Take the trunk's end off.

    Args:
        layers: the whole trunk.
        cuts: the cut table.
        trim: a row of the cut table (0 leaves the whole trunk), or the name of any layer.

    Returns:
        The table up to the cut, whose last row is the last layer kept.

    Raises:
        UserError: if there is no such row and no such layer; shows the tables.
    """
    names = [row.name for row in layers]
    is_row = isinstance(trim, int) and not isinstance(trim, bool) and 0 <= trim < len(cuts)
    last = cuts[int(trim)] if is_row else trim
    if last not in names:
        table = ", ".join(f"{row} ({name})" for row, name in enumerate(cuts))
        raise UserError(
            f"arch.trim must be one of {table}, or a layer's name ({', '.join(names)}); "
            f"got {trim!r}"
        )
    return layers[: names.index(str(last)) + 1]


def split(trunk: nn.Module, layer: str) -> tuple[nn.Sequential, nn.Sequential]:
    """Divide a trunk behind one of its layers; both parts share the trunk's modules.

    Args:
        trunk: made by `build_layers`.
        layer: its name; a convolution's normalisation and ReLU belong to it.

    Raises:
        UserError: if there is no such layer, or the trunk was not made here.
    """
    if not isinstance(trunk, nn.Sequential):
        raise UserError(
            f"A layer ({layer}) can be named in networks whose layers follow each other, and this "
            "one's do not: leave out @... to look at its last features"
        )
    children = list(trunk.named_children())
    own = (layer, f"{layer}_norm", f"{layer}_relu")
    end = max((place for place, (name, _) in enumerate(children) if name in own), default=-1) + 1
    names = [name for name, _ in children if not name.endswith(("_norm", "_relu"))]
    if layer not in names:
        raise UserError(f"There is no layer {layer}; give one of {', '.join(names)}")
    modules = [module for _, module in children]
    return nn.Sequential(*modules[:end]), nn.Sequential(*modules[end:])
