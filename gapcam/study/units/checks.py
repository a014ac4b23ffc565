"""What the study of units cannot work with."""

from typing import Any

from gapcam.arch.gap_module import GAPModule
from gapcam.arch.profile import profile
from gapcam.errors import UserError
from gapcam.study.bench import Bench


def require_own_classes(bench: Bench, network: GAPModule) -> None:
    """Refuse a classifier that was not trained on the classes of the data.

    Raises:
        UserError: in that case, or where other layers have random weights.
    """
    names = bench.data.class_names
    if "classifier" in bench.fresh:
        raise UserError(
            f"The classifier of {type(network).__name__} has random weights: the weights given are "
            "for other classes, or have no classifier. Units are ranked by a trained one: give "
            "ckpt=<last.ckpt of a run of python -m gapcam.run on these data>"
        )
    if list(network.class_names) != list(names):
        raise UserError(
            f"The network tells {network.num_classes:,} classes apart "
            f"({', '.join(network.class_names[:3])}, ...), the data have {len(names):,} "
            f"({', '.join(names[:3])}, ...): give the data it was trained on, or a network trained "
            "on these"
        )
    if bench.fresh:
        raise UserError(
            f"Layers of {type(network).__name__} have random weights: {', '.join(bench.fresh)}. "
            "Give the weights of a trained network"
        )


def require_whole(key: str, value: Any, most: int | None = None) -> None:
    """Refuse what is no whole number from 1 to `most`.

    Raises:
        UserError: if the value does not fit.
    """
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or value < 1 or (most is not None and value > most):
        limit = "at least 1" if most is None else f"from 1 to {most:,}"
        raise UserError(f"study.{key} must be a whole number {limit}; got {value!r}")


def require_places(network: GAPModule) -> None:
    """Refuse a network whose maps have one cell.

    Raises:
        UserError: in that case.
    """
    resolution = profile(network, network.size, network.last_layer).mapping_resolution
    if resolution == (1, 1):
        raise UserError(
            f"The maps of {type(network).__name__} have one cell, so its units answer at no "
            "place: give larger pictures (arch.size), or cut earlier (a larger arch.trim)"
        )
