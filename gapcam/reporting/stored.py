"""What a run has stored, `config.yaml` and `metrics.json`, as far as a report reads them.

Files are edited, cut short, or of other versions: what is not as it must be is named, so that one
broken run does not hide the others.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # compiled: a tenth of the time
_NUMBERS = {str: Real}
_CONFIG = {"name": str, "seed": int, "arch": {}, "data": {}, "trainer": {}}
_EXPERIMENT = {"name": str, "row": str}
_FACTS = {
    "metrics": _NUMBERS,
    "protocols": {str: {"title": str, "id": str, "rule": str}},
    "intervals": {str: {str: [Real, Real]}},
    "mistakes": {str: _NUMBERS},
    "network": {"last_layer": str, "mapping_resolution": [int, int]},
    "data": {"evaluated_on": str, "fingerprint": {}},
    "versions": {str: str},
    "length": {},
}
_MORE_FACTS = {"seconds": _NUMBERS, "trained": {"epochs": int, "steps": int}, "command": str}
"""What a run may do without."""
_SHOWN = 3
"""Faults of a file that are told."""


def read_config(path: Path) -> dict[str, Any] | str:
    """The configuration of a run, empty if the file is about something else; or what is wrong."""
    try:
        config = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        return f"its config.yaml cannot be read ({' '.join(str(error).split())})"
    if not isinstance(config, dict):
        return "its config.yaml is no configuration"
    if "run_dir" not in config:
        return {}
    shape = {**_CONFIG, **({"experiment": _EXPERIMENT} if config.get("experiment") else {})}
    unlike = _first(_unlike(config, shape, ""))
    return f"in its config.yaml {unlike}" if unlike else config


def read_facts(path: Path) -> dict[str, Any] | str:
    """What `metrics.json` of a run holds, or what is wrong with it."""
    facts = read_json(path)
    if isinstance(facts, str):
        return facts
    there = {name: shape for name, shape in _MORE_FACTS.items() if name in facts}
    unlike = _first(_unlike(facts, {**_FACTS, **there}, ""))
    return unlike or _first(_of_no_protocol(facts)) or facts


def read_json(path: Path) -> dict[str, Any] | str:
    """The table that a JSON file holds, or what is wrong with it."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        return str(error)
    return facts if isinstance(facts, dict) else "it is no table of facts"


def _first(unlike: Iterable[str]) -> str:
    """The first faults, in a line."""
    faults = list(unlike)
    more = [f"{len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
    return "; ".join([*faults[:_SHOWN], *more])


def _of_no_protocol(facts: Mapping[str, Any]) -> list[str]:
    """Numbers that no protocol has."""
    if not facts["protocols"]:
        return ["protocols is empty"]
    named = (name.removeprefix("test/").rpartition("/")[0] for name in facts["metrics"])
    unknown = dict.fromkeys(name for name in named if name and name not in facts["protocols"])
    return [f"protocols has no {name}" for name in unknown]


def _unlike(value: Any, shape: Any, where: str) -> Iterator[str]:
    """What of a value has not the shape: a type, a list of shapes, or shapes by key.

    The key `str` stands for all keys.
    """
    kind: Any = shape if isinstance(shape, type) else type(shape)
    is_like = isinstance(value, kind) and (kind is not list or len(value) == len(shape))
    if not is_like:
        yield f"{where} is {str(value)[:40]!r}"
    elif isinstance(shape, list):
        for place, (one, of_one) in enumerate(zip(value, shape, strict=True)):
            yield from _unlike(one, of_one, f"{where}.{place}")
    elif isinstance(shape, dict):
        every = dict.fromkeys(value, shape[str]) if str in shape else shape
        for key, of_one in every.items():
            inside = f"{where}.{key}".lstrip(".")
            if key in value:
                yield from _unlike(value[key], of_one, inside)
            else:
                yield f"{inside} is missing"
