"""Which runs stand together: where a run belongs in a recipe's table, and which repeat each other.

Runs repeat each other if nothing but the repeated settings (seeds, splits) tells them apart.
Others at the same place become lines of their own, titled by what is different.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gapcam.recipes.recipe import Recipe
from gapcam.reporting.records import RunRecord
from gapcam.run_directory import LENGTH, compare

Point = tuple[tuple[str, Any], ...]

_NAMES = ("name", "run_id")
"""Settings that follow from others."""
_NO_MATTER = (
    "gallery",
    "callbacks.progress",
    "callbacks.recovery",
    "callbacks.tensorboard_panels",
    "callbacks.timer",
    "callbacks.wandb_panels",
)
"""Settings that no number depends on, with all below them."""
_SHOWN = 3
"""Differing settings in a title."""


class Place(NamedTuple):
    """A row, a column of runs (None: runs fill all columns), and values of swept settings."""

    row: str
    column: str | None
    point: Point


@dataclass(frozen=True)
class Variant:
    """Runs that repeat each other; `title` tells them from others at the same place, if any."""

    runs: tuple[RunRecord, ...]
    title: str = ""


def place_in(recipe: Recipe, record: RunRecord) -> Place | None:
    """Where a run of a recipe belongs, None if the recipe has no such row any more."""
    name = str(record.config["experiment"]["row"])
    # The run's name begins with that of its row and column; swept settings follow.
    begins = {
        "-".join(filter(None, (row, column))): (row, column)
        for row, choice in recipe.rows.items()
        if choice.settings is not None
        for column in run_columns(recipe) or (None,)
    }
    matching = [begin for begin in begins if f"{name}-".startswith(f"{begin}-")]
    if not matching:
        return None
    begin = max(matching, key=len)
    row, column = begins[begin]
    rest = name.removeprefix(begin)
    point = tuple(
        (key, _swept_value(key, values, record.config, rest))
        for key, values in recipe.sweep.items()
    )
    return Place(row, column, point)


def run_columns(recipe: Recipe) -> list[str]:
    """Keys of the columns that are runs; empty where every run fills all columns."""
    return [key for key, choice in recipe.columns.items() if choice.settings is not None]


def repeat_of(record: RunRecord, keys: Iterable[str]) -> Point:
    """The values of repeated settings."""
    return tuple((key, setting(record.config, key)) for key in sorted(keys))


def setting(config: Mapping[str, Any], key: str) -> Any:
    """The value of a setting `arch.trim`, None where there is none."""
    value: Any = config
    for word in key.split("."):
        value = value.get(word) if isinstance(value, Mapping) else None
    return value


def variants(records: Sequence[RunRecord], repeated: Iterable[str]) -> list[Variant]:
    """Part the runs of one place into those that repeat each other.

    Args:
        records: of one place.
        repeated: settings in which repeats differ.
    """
    keys = {*repeated, "seed"}
    groups = _part([({}, list(records))], lambda record: _identity(record, keys))
    # Twice the same seed: they differ in what does not make a run another one, or are copies.
    for tell in (_length, _seeds, _images, _folder):
        is_repeated = [_has_twins(runs, keys) for _, runs in groups]
        groups = [
            part
            for group, again in zip(groups, is_repeated, strict=True)
            for part in (_part([group], tell) if again else [group])
        ]
    different = _different([said for said, _ in groups])
    titles: list[str] = []
    for said, _ in groups:
        title = _title({key: said.get(key, "absent") for key in different})
        titles.append(title if title not in titles else f"{title} ({len(titles) + 1})")
    return [Variant(tuple(runs), title) for (_, runs), title in zip(groups, titles, strict=True)]


Said = dict[str, str]
_Group = tuple[Said, list[RunRecord]]


def _part(groups: list[_Group], tell: Callable[[RunRecord], Said]) -> list[_Group]:
    parted: dict[Any, _Group] = {}
    for number, (said, runs) in enumerate(groups):
        for record in runs:
            new = tell(record)
            key = number, tuple(sorted(new.items()))
            parted.setdefault(key, (said | new, []))[1].append(record)
    return list(parted.values())


def _has_twins(runs: Sequence[RunRecord], keys: Iterable[str]) -> bool:
    repeats = [repeat_of(record, keys) for record in runs]
    return any(repeats.count(repeat) > 1 for repeat in repeats)


def _identity(record: RunRecord, repeated: set[str]) -> Said:
    """Settings that make a run another one, as text: the difference to no configuration at all."""
    said = (line.partition(": absent -> ") for line in compare({}, record.config))
    return {
        key: value
        for key, _, value in said
        # Data sets that are drawn have a seed, too, which follows the run's.
        if key not in repeated and key not in _NAMES and key.rpartition(".")[2] != "seed"
        if not f"{key}.".startswith(tuple(f"{free}." for free in _NO_MATTER))
    } | {"group": repr(record.config.get("group"))}


def _length(record: RunRecord) -> Said:
    return {key: repr(setting(record.config, key)) for key in LENGTH}


def _seeds(record: RunRecord) -> Said:
    said = (line.partition(": absent -> ") for line in compare({}, record.config))
    return {key: value for key, _, value in said if key.endswith(".seed")}


def _images(record: RunRecord) -> Said:
    return {"test images": test_images(record)}


def _folder(record: RunRecord) -> Said:
    return {"in": str(record.path)}


def test_images(record: RunRecord) -> str:
    """Digest of the images that a run was tested on, with how many they were; "" if unknown."""
    data = record.facts.get("data", {})
    digest = data.get("fingerprint", {}).get("test", "")
    return f"{data.get('evaluated_on', '')} ({digest})" if digest else ""


def described_images(record: RunRecord) -> str:
    """How many images of which split a run was tested on, however they are cut."""
    return str(record.facts.get("data", {}).get("evaluated_on", ""))


def _different(said: Sequence[Said]) -> list[str]:
    keys = dict.fromkeys(key for one in said for key in one)
    # What says most comes first.
    by_weight = sorted(keys, key=lambda key: (key.startswith("callbacks."), "_target_" in key))
    return [key for key in by_weight if len({one.get(key) for one in said}) > 1]


def _title(said: Said) -> str:
    words = [f"{key.rpartition('.')[2]} {value.strip(chr(39))}" for key, value in said.items()]
    more = len(words) - _SHOWN
    return ", ".join(words[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _swept_value(key: str, values: Sequence[Any], config: Mapping[str, Any], rest: str) -> Any:
    """The value that a run has of a swept setting; options of groups show in its name alone."""
    value = setting(config, key)
    if not isinstance(value, Mapping):
        return next((planned for planned in values if str(planned) == str(value)), value)
    named = [option for option in values if str(option) in rest]
    return max(named, key=lambda option: len(str(option)), default=rest.strip("-"))
