"""Words of the command line as people type them, for Hydra, which reads more into them."""

import re
from collections.abc import Collection, Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from gapcam.errors import UserError


def quoted(words: Sequence[str], keys: Collection[str]) -> list[str]:
    """Quote the values of settings that are text: commas, blanks, `~` and brackets stay in them.

    Hydra takes `a,b` for a sweep, and does not take `~/photos` or `IMG (1).jpg` at all. What is
    quoted already, a list, or `null` stays as it is.

    Args:
        words: of the command line.
        keys: the settings.

    Raises:
        UserError: if one of them is given twice, of which Hydra would take the last.

    Example:
        >>> quoted(["images=a.jpg,b.jpg", "top=3", "classes=king penguin"], ["images", "classes"])
        ["images='a.jpg,b.jpg'", 'top=3', "classes='king penguin'"]
    """
    given = [word.partition("=")[0].lstrip("+") for word in words if "=" in word]
    twice = next((key for key in keys if given.count(key) > 1), None)
    if twice is not None:
        raise UserError(
            f"{twice}=... is given twice: put what belongs together into one, as in a,b"
        )
    return [_quoted(word, keys) for word in words]


def unquoted(words: Sequence[str]) -> list[str]:
    """Words as they would be typed: the inverse of `quoted`."""
    return [_unquoted(word) for word in words]


def _quoted(word: str, keys: Collection[str]) -> str:
    key, is_setting, value = word.partition("=")
    if key.lstrip("+") not in keys or not is_setting or _is_for_hydra(value):
        return word
    # Within quotes a backslash stands for itself, unless a quote follows.
    escaped = re.sub(
        r"(\\*)('|$)", lambda found: found[1] * 2 + found[2].replace("'", r"\'"), value
    )
    text = escaped.replace("${", r"\${")
    return f"{key}='{text}'"


def _is_for_hydra(value: str) -> bool:
    if value == "null" or (len(value) > 1 and value[0] == value[-1] and value[0] in "'\""):
        return True
    if not (value.startswith("[") and value.endswith("]")):
        return False
    try:
        return isinstance(OverridesParser.create().parse_override(f"x={value}").value(), list)
    except HydraException:
        return False


def _unquoted(word: str) -> str:
    key, _, value = word.partition("=")
    if not value.startswith("'"):
        return word
    text = OverridesParser.create().parse_override(word).value()
    return f"{key}={text}".replace(r"\${", "${")
