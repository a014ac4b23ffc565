"""Settings of `python -m gapcam.explain` that can be judged without torch."""

from collections.abc import Mapping
from typing import Any

from gapcam.errors import UserError
from gapcam.viz.colours import COLOURS

SHAPES = ("warp", "keep")


def check_settings(config: Mapping[str, Any]) -> None:
    """Refuse impossible settings.

    Raises:
        UserError: naming the first one.
    """
    protocols = config["protocol"] or {}
    if len(protocols) != 1:
        raise UserError(
            f"One protocol cuts the boxes; got {', '.join(protocols) or 'none'}. Give "
            "protocol=paper, or another one"
        )
    _require_one_of(config, "colours", COLOURS)
    _require_one_of(config, "shape", SHAPES)
    for key in ("upright", "maps", "overwrite"):
        if not isinstance(config[key], bool):
            raise UserError(f"{key} must be true or false; got {config[key]!r}")
    for key in ("top", "side", "batch_size"):
        if type(config[key]) is not int or config[key] < 1:
            raise UserError(f"{key} must be a whole number from 1 on; got {config[key]!r}")
    if not _is_number(config["opacity"]) or not 0 <= config["opacity"] <= 1:
        raise UserError(f"opacity must lie in 0..1; got {config['opacity']!r}")
    if config["threshold"] is not None and not _is_number(config["threshold"]):
        raise UserError(f"threshold must be a number in 0..1; got {config['threshold']!r}")


def listed(words: Any) -> list[str | int] | None:
    """Names from a list, or from text with commas; None for null.

    Example:
        >>> listed("goldfish, king penguin")
        ['goldfish', 'king penguin']
    """
    if words is None or isinstance(words, list):
        return words
    return [word.strip() for word in str(words).split(",") if word.strip()]


def _require_one_of(config: Mapping[str, Any], key: str, known: tuple[str, ...]) -> None:
    if config[key] not in known:
        raise UserError(f"{key} must be one of {', '.join(known)}; got {config[key]!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
