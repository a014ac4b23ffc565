"""What a configuration from a foreign file may ask for."""

from contextlib import suppress
from importlib import import_module
from typing import Any

from gapcam.errors import UserError


def require_trusted(node: Any, base: type) -> None:
    """Refuse a configuration from a foreign file that could call or read anything.

    Args:
        node: what `build` would be given.
        base: what its target must be a kind of: `Network` or `Protocol`.

    Raises:
        UserError: if the target is no such class of gapcam, or the settings are more than plain
            values: no nested mapping, no tuple, no interpolation.
    """
    changed = "This file was not written by this version of gapcam, or was changed."
    if not isinstance(node, dict) or not all(isinstance(key, str) for key in node):
        raise UserError(f"The checkpoint's recipe holds {node!r} for a configuration. {changed}")
    target = str(node.get("_target_"))
    found: Any = None
    if target.startswith("gapcam.") and all(word.isidentifier() for word in target.split(".")):
        module, _, name = target.rpartition(".")
        with suppress(ImportError):
            found = getattr(import_module(module), name, None)
    # Classes only: a function such as `build` could be made to call anything.
    if not isinstance(found, type) or not issubclass(found, base):
        raise UserError(
            f"The checkpoint wants to call {target!r}. Only gapcam's own networks can be loaded. "
            f"{changed}"
        )
    for key, value in node.items():
        values = value if type(value) is list else [value]
        is_hydras = key.startswith("_") and key != "_target_"
        if is_hydras or not all(_is_plain(one) for one in values):
            raise UserError(
                f"The checkpoint's setting {key} is {value!r}, which is no plain value. {changed}"
            )


def _is_plain(value: Any) -> bool:
    """Whether a value is of a plain type itself, and no interpolation."""
    return type(value) in (str, int, float, bool, type(None)) and "${" not in str(value)
