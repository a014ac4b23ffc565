"""What exists, for somebody who misspelt a setting; Hydra says only that the key is wrong."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import OmegaConf

from gapcam.config_dir import CONFIG_DIR


@contextmanager
def explained(config_name: str = "config") -> Iterator[None]:
    """Run a command of Hydra's; after a misspelt setting, say which ones exist.

    Args:
        config_name: the configuration that is composed.
    """
    words = sys.argv[1:]
    for word in words:
        group, is_setting, option = word.partition("=")
        if is_setting and option.isdigit() and _is_group(group.lstrip("+")):
            # Hydra would show a traceback.
            known = ", ".join(sorted(path.stem for path in (CONFIG_DIR / group).glob("*.yaml")))
            sys.exit(f"{word}: {group} must be one of {known}")
    try:
        yield
    except SystemExit as stop:
        if stop.code == 1:
            for line in suggestions(words, config_name):
                print(line, file=sys.stderr)
        raise


def suggestions(arguments: Sequence[str], config_name: str = "config") -> list[str]:
    """Explain each `key=value` among command-line arguments whose key or option does not exist.

    Args:
        arguments: words of the command line.
        config_name: the configuration that was composed.

    Returns:
        A line for each: what there is at that place, and what is most like it.
    """
    words = [word for word in arguments if "=" in word and not word.startswith("-")]
    at_home = [word for word in words if "=~/" in word or word.endswith("=~")]
    if at_home:
        return [
            f"The shell has not put your home folder into {word}: write it out" for word in at_home
        ]
    unknown = [line for word in words for line in _unknown_options(*word.split("=", 1))]
    if unknown:
        return unknown
    try:
        overrides = OverridesParser.create().parse_overrides(words)
        keys = [o.key_or_group for o in overrides if not o.is_add() and not o.is_delete()]
        groups = [w for w, o in zip(words, overrides, strict=True) if _is_group(o.key_or_group)]
        with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
            config = OmegaConf.to_container(compose(config_name, overrides=groups), resolve=False)
    except HydraException:
        return []  # something else is wrong, and Hydra has said so
    known = list(_keys(config))
    return [_explain(key, known) for key in keys if not _exists(key, known)]


def _unknown_options(group: str, options: str) -> Iterator[str]:
    """A line for each option (of several, in a sweep) that a configuration group does not have."""
    if _is_group(group):
        known = [path.stem for path in (CONFIG_DIR / group).glob("*.yaml")]
        for option in options.strip("[]").split(","):
            alike = get_close_matches(option, known, n=3)
            if option.isidentifier() and option not in known and alike:
                yield f"There is no {group}={option}. Did you mean {' or '.join(alike)}?"


def _explain(key: str, known: Sequence[str]) -> str:
    place = key
    while place and place not in known:
        place = place.rpartition(".")[0]
    inside = f"{place}." if place else ""
    here = [k for k in known if k.startswith(inside) and "." not in k.removeprefix(inside)]
    alike = get_close_matches(key, known, n=1)
    return (
        f"There is no setting {key}. {place or 'The configuration'} has: "
        + ", ".join(k.removeprefix(inside) for k in here)
        + "."
        + (f" Did you mean {alike[0]}?" if alike else "")
    )


def _exists(key: str, known: Sequence[str]) -> bool:
    return key in known or _is_group(key) or key.startswith("hydra")


def _is_group(key: str) -> bool:
    return (CONFIG_DIR / key).is_dir()


def _keys(tree: Any, prefix: str = "") -> Iterator[str]:
    """Every key of the tree by its full name, branches included."""
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            if not str(key).startswith("_"):
                yield f"{prefix}{key}"
                yield from _keys(value, f"{prefix}{key}.")
