"""From a recipe and the words of a command line to the list of its runs."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gapcam.config_dir import CONFIG_DIR
from gapcam.errors import UserError
from gapcam.naming import file_name
from gapcam.recipes.recipe import Choice, Recipe
from gapcam.suggest import suggestions

IN_THE_PATH = ("arch.trim", "seed")
"""Settings that have a folder of their own in the path of a run; others go into its name."""
_SET_BY_THE_RECIPE = ("name", "group", "experiment", "run_dir", "run_id")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_.+-]+")


class MissingSettingsError(UserError):
    """Settings that a run needs and nobody gave: `keys`."""

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__(f"{', '.join(keys)} must be set")
        self.keys = tuple(keys)


@dataclass(frozen=True)
class PlannedRun:
    """One run of a recipe.

    Its place in the table are `row`, `column` (None where a run fills all columns) and `point`, the
    values of swept settings; runs that differ in `repeat` alone share a place. `words` are those of
    its command line, after `python -m gapcam.<command>`.
    """

    recipe: str
    row: str
    column: str | None
    point: tuple[tuple[str, Any], ...]
    repeat: tuple[tuple[str, Any], ...]
    words: tuple[str, ...]
    command: str = "run"

    @property
    def title(self) -> str:
        """Words that tell it from others of the recipe."""
        settings = (f"{key.rpartition('.')[2]} {value}" for key, value in self.point + self.repeat)
        return ", ".join([f"{self.row} {self.column}" if self.column else self.row, *settings])


def plan(
    recipe: Recipe, words: Sequence[str] = (), rows: Sequence[str] = (), name: str | None = None
) -> list[PlannedRun]:
    """List the runs of a recipe, those that repeat each other next to one another.

    Args:
        recipe: the recipe.
        words: settings for all runs, `key=value`; `key=a,b` replaces the values of a swept or
            repeated setting, and sweeps any other one.
        rows: keys of the rows wanted; empty for all.
        name: of a variant, whose runs go to a folder of this name; None for the recipe's own.

    Raises:
        UserError: if a word is not understood, or sets what the recipe's rows set.
    """
    _require_rows(recipe, rows)
    overrides = _parsed(words)
    given = {override.key_or_group for override in overrides}
    sweep, repeat = dict(recipe.sweep), dict(recipe.repeat)
    fixed = [f"{key}=???" for key in recipe.needs if key not in given]
    for word, override in zip(words, overrides, strict=True):
        key = override.key_or_group
        _refuse_what_rows_set(recipe, key, word)
        values = _values(override)
        if key in repeat:
            repeat[key] = values
        elif key in sweep or len(values) > 1:
            sweep[key] = values
        else:
            fixed.append(word)
    chosen = {key: row for key, row in recipe.rows.items() if not rows or key in rows}
    columns: list[tuple[str | None, tuple[str, ...]]] = [*_settings(recipe.columns)]
    return [
        _run(recipe, row, column, point, again, (*of_row, *of_column), fixed, name)
        for row, of_row in _settings(chosen)
        for point in _points(sweep)
        for column, of_column in columns or [(None, ())]
        for again in _points(repeat)
    ]


def compose_run(run: PlannedRun) -> dict[str, Any]:
    """The plain configuration that a run would have.

    Raises:
        MissingSettingsError: if settings have no value.
        UserError: if it does not compose; says which setting is wrong.
    """
    name, resolve = _composed_by(run.command)
    try:
        with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
            config = compose(name, overrides=list(run.words), return_hydra_config=True)
        HydraConfig.instance().set_config(config)
        bare = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
        missing = sorted(OmegaConf.missing_keys(bare))
        if missing:
            raise MissingSettingsError(missing)
        return resolve(bare)
    except (HydraException, OmegaConfBaseException) as error:
        known = suggestions([w for w in run.words if not w.startswith(("+", "experiment."))], name)
        raise UserError("\n".join([f"{run.title}: {error}", *known])) from None
    except ValueError as error:  # Hydra's, of an option that is a number: arch=3
        raise UserError(f"{run.title}: {error}") from None


def _composed_by(command: str) -> tuple[str, Callable[[DictConfig], dict[str, Any]]]:
    """The first configuration file of a command, and what makes it plain."""
    if command == "study":
        from gapcam.study_tools.command import CONFIG, resolve

        return CONFIG, resolve
    from gapcam.run import resolve as resolve_run

    return "config", resolve_run


def _require_rows(recipe: Recipe, rows: Sequence[str]) -> None:
    has = [key for key, _ in _settings(recipe.rows)]
    unknown = [key for key in rows if key not in has]
    if unknown:
        raise UserError(
            f"{recipe.name} has no row {', '.join(unknown)} that is run; it has {', '.join(has)}"
        )


def _settings(choices: Mapping[str, Choice]) -> list[tuple[str, tuple[str, ...]]]:
    """Keys and settings of those that are run."""
    return [(key, one.settings) for key, one in choices.items() if one.settings is not None]


def _run(
    recipe: Recipe,
    row: str,
    column: str | None,
    point: tuple[tuple[str, Any], ...],
    again: tuple[tuple[str, Any], ...],
    settings: tuple[str, ...],
    fixed: Sequence[str],
    name: str | None,
) -> PlannedRun:
    named = [f"{key.rpartition('.')[2]}{v}" for key, v in point + again if key not in IN_THE_PATH]
    parts = [row, *([column] if column else []), *named]
    folder = "-".join(_NOT_IN_A_NAME.sub("_", file_name(part)).strip("_") for part in parts)
    where = [f"+experiment={recipe.runs}", f"experiment.row={folder}"]
    if name is not None:
        where += [f"name={name}/{folder}", f"group={name}"]
    axes = [f"{key}={value}" for key, value in point + again]
    words = (*where, *settings, *axes, *fixed)
    return PlannedRun(recipe.name, row, column, point, again, words, recipe.command)


def _points(axes: Mapping[str, Sequence[Any]]) -> list[tuple[tuple[str, Any], ...]]:
    return [tuple(zip(axes, values, strict=True)) for values in product(*axes.values())]


def _parsed(words: Sequence[str]) -> list[Override]:
    try:
        return OverridesParser.create().parse_overrides(list(words))
    except HydraException as error:
        raise UserError(f"Settings are key=value; {error}") from None


def _values(override: Override) -> tuple[Any, ...]:
    """What a word gives, each value once; whole numbers as numbers."""
    if override.is_sweep_override():
        texts = override.sweep_string_iterator()
        return tuple(dict.fromkeys(_whole_number_or_text(str(text)) for text in texts))
    return (_whole_number_or_text(override.get_value_element_as_str()),)


def _whole_number_or_text(text: str) -> int | str:
    return int(text) if text.isdecimal() and str(int(text)) == text else text


def _refuse_what_rows_set(recipe: Recipe, key: str, word: str) -> None:
    choices = [*recipe.rows.values(), *recipe.columns.values()]
    set_there = {
        setting.lstrip("+~").partition("=")[0] for one in choices for setting in one.settings or ()
    }
    if key.startswith("hydra"):
        raise UserError(
            f"{word}: an experiment is one run after the other, without Hydra's launchers. "
            "`--commands` prints its runs one a line, for a cluster."
        )
    if key in set_there or key.partition(".")[0] in _SET_BY_THE_RECIPE:
        raise UserError(
            f"{word}: the recipe {recipe.name} sets {key} itself, run by run. Leave it out; --rows "
            "chooses among its rows, --name keeps a variant beside it, and `python -m gapcam.run` "
            "makes runs of your own."
        )
