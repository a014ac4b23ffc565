"""Checks of settings that several data sets have."""

from collections.abc import Sequence
from typing import Any

from gapcam.errors import UserError

_OF_COMMANDS = ("workers", "deep", "complete")


def require_whole(key: str, value: Any, least: int, null: str = "") -> None:
    """Refuse what is no whole number from `least` on.

    Args:
        key: of the setting below `data`.
        value: what was given.
        least: smallest allowed.
        null: what null means, where it is allowed.

    Raises:
        UserError: if the value does not fit.
    """
    if value is None and null:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        either = f"null ({null}) or " if null else ""
        raise UserError(
            f"{_full(key)} must be {either}a whole number, at least {least}; got {value!r}"
        )


def require_choice(key: str, value: Any, choices: Sequence[Any]) -> None:
    """Refuse what is none of the choices.

    Raises:
        UserError: if the value does not fit.
    """
    if not any(value is choice or (value == choice and type(value) is str) for choice in choices):
        raise UserError(
            f"{_full(key)} must be one of {', '.join(map(str, choices))}; got {value!r}"
        )


def require_kinds(key: str, value: Any, choices: Sequence[str]) -> tuple[str, ...]:
    """One of the choices, or a list of several.

    Raises:
        UserError: if it names none, one that there is not, or one twice.
    """
    is_list = isinstance(value, Sequence) and not isinstance(value, str)
    kinds = tuple(value) if is_list else (value,)
    is_known = all(type(kind) is str and kind in choices for kind in kinds)
    if not kinds or not is_known or len(set(kinds)) < len(kinds):
        raise UserError(
            f"{_full(key)} must be one of {', '.join(choices)}, or a list of them without repeats; "
            f"got {value!r}"
        )
    return kinds


def require_size(size: Any) -> tuple[int, int]:
    """Height and width that the network sees.

    Raises:
        UserError: if it is no pair of whole numbers.
    """
    fits = isinstance(size, Sequence) and not isinstance(size, str) and len(size) == 2
    if not fits or not all(type(side) is int and side >= 1 for side in size):
        raise UserError(
            f"data.size (arch.size) must be [height, width] in whole pixels; got {size!r}"
        )
    return size[0], size[1]


def require_three(key: str, value: Any, above: float = -float("inf")) -> None:
    """Refuse what is no list of three numbers above a bound: one for red, green and blue.

    Raises:
        UserError: if the value does not fit.
    """
    is_list = isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 3
    if not is_list or not all(isinstance(v, int | float) and above < v < 1e9 for v in value):
        raise UserError(f"data.{key} must be three numbers, of red, green and blue; got {value!r}")


def _full(key: str) -> str:
    return key if key in _OF_COMMANDS else f"data.{key}"
