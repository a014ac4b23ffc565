"""A recipe: which runs make a table, and what the paper says there.

A recipe is a YAML file in `experiments/`, at most 40 lines long, that Hydra composes as
`+experiment=<name>`: its body holds settings that all its runs share, its node `experiment` what is
read here.

    name: table2_localization        # as the file's
    runs: table2_localization        # whose runs fill the table, if another recipe's: its rows of
                                     # the same key say how they are made
    row: googlenet_gap               # of a run that is started by hand
    command: study                   # runs of python -m gapcam.study, not gapcam.run
    title: Localization error, ...   # of the table
    note: ...                        # what a reader must know; may be left out
    metrics: {top-1: loc_top1}       # columns: names of numbers; a list compares several protocols;
                                     # "1 - cls_top1" is an accuracy
    rows:                            # lines: settings, and the paper's numbers, one a column
      googlenet_gap: {title: GoogLeNet-GAP, settings: [arch=googlenet_gap], paper: [56.40]}
      quoted: {title: OverFeat, paper: [29.9]}   # without settings: of others, not run
    columns: {...}                   # instead of several metrics: columns that are runs, like rows;
                                     # one with a metric of its own shows that one
    sweep: {arch.trim: [0, 1, 2]}    # each row at each of these
    paper_at: {arch.trim: 1}         # where the paper's numbers stand; without it, at each
    cuts: true                       # rows are cuts of the same pictures, so they share a table
    repeat: {seed: [0, 1, 2]}        # for mean and standard deviation
    needs: [arch.weights]            # settings that the command must give
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from gapcam.config_dir import RECIPES_DIR
from gapcam.errors import UserError
from gapcam.score_table import ACCURACIES, ERRORS

_KNOWN = {"name", "row", "title", "note", "runs", "metrics", "rows", "columns"} | {
    *("sweep", "paper_at", "repeat", "needs", "cuts", "command"),
}
_KNOWN_OF_CHOICE = {"title", "settings", "paper"}
_KNOWN_OF_COLUMN = {"title", "settings", "metric"}
COMMANDS = ("run", "study")


@dataclass(frozen=True)
class Choice:
    """A row, or a column of runs: its `title`, settings, and the paper's numbers, one a column.

    `settings` are None where nothing is run: the paper quotes others there. `paper` is empty where
    it has no such line; a number is None where it has no such cell. `metric` is the number that a
    column shows, empty for the recipe's.
    """

    title: str
    settings: tuple[str, ...] | None = ()
    paper: tuple[float | None, ...] = ()
    metric: str = ""


@dataclass(frozen=True)
class Recipe:
    """A table: see the module's text. `metrics` are names of numbers by column title.

    `runs` is the recipe whose runs fill it, mostly its own name; `paper_at` the values of swept
    settings that the paper's numbers belong to; `needs` are settings that the command must give;
    `cuts` says that rows are tested on differently cut pictures, and may be compared all the same;
    `command` is `run` or `study`.
    """

    name: str
    title: str
    metrics: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, Choice]
    columns: Mapping[str, Choice]
    sweep: Mapping[str, tuple[Any, ...]]
    repeat: Mapping[str, tuple[Any, ...]]
    runs: str
    paper_at: Mapping[str, Any]
    needs: tuple[str, ...] = ()
    cuts: bool = False
    note: str = ""
    header: str = ""
    command: str = "run"

    @property
    def time(self) -> str:
        """How long all its runs take, in the words of the header's line `Time:`."""
        lines = self.header.splitlines()
        found = [line.strip().removeprefix("Time:") for line in lines if "Time:" in line]
        return found[0].strip().removesuffix(".") if found else ""


def recipe_names() -> list[str]:
    """Names of all recipes."""
    return sorted(path.stem for path in RECIPES_DIR.glob("*.yaml") if _is_recipe(path))


def read_recipe(name: str) -> Recipe:
    """Read a recipe by its name.

    Raises:
        UserError: if there is none of this name, or it is malformed.
    """
    names = recipe_names()
    if name not in names:
        alike = get_close_matches(name, names, n=2)
        raise UserError(
            f"There is no experiment {name!r}. There are {', '.join(names)}."
            + (f" Did you mean {' or '.join(alike)}?" if alike else "")
        )
    path = RECIPES_DIR / f"{name}.yaml"
    try:
        return _recipe(path)
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise UserError(
            f"{path} is no recipe: {reason}. gapcam/recipes/recipe.py says what belongs in one."
        ) from error


def require_own_name(name: str) -> None:
    """Refuse a name of a variant that cannot be a folder's, or is an experiment's.

    Raises:
        UserError: in that case.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", name):
        raise UserError(f"--name must be letters, digits and _ . + -; got {name!r}")
    if name in recipe_names():
        raise UserError(f"--name {name}: that is an experiment. Give the variant another name.")


def _is_recipe(path: Path) -> bool:
    return path.read_bytes().startswith(b"# @package _global_")


def _recipe(path: Path) -> Recipe:
    text = path.read_text(encoding="utf-8")
    node = _node(path)
    _require_known(node, _KNOWN, "experiment")
    if node["name"] != path.stem:
        raise ValueError(f"experiment.name is {node['name']}, the file is called {path.stem}")
    metrics = {
        title: tuple(names) if isinstance(names, list) else (names,)
        for title, names in node["metrics"].items()
    }
    runs = node.get("runs", node["name"])
    if runs not in recipe_names():
        raise ValueError(f"runs is {runs}, and there is no such recipe")
    lender = node if runs == node["name"] else _node(path.with_name(f"{runs}.yaml"))
    lent = {} if lender is node else lender["rows"]
    rows = {
        key: _choice(key, {"settings": lent[key].get("settings"), **row} if key in lent else row)
        for key, row in node["rows"].items()
    }
    if all(row.settings is None for row in rows.values()):
        raise ValueError("no row has settings, so there is nothing to run")
    columns = {key: _column(key, column) for key, column in node.get("columns", {}).items()}
    command = lender.get("command", "run")
    if command not in COMMANDS:
        raise ValueError(f"command is {command}; known are {', '.join(COMMANDS)}")
    if columns and len(metrics) > 1:
        raise ValueError("columns go with one metric")
    _require_numbers(metrics)
    _require_numbers({key: (one.metric,) for key, one in columns.items() if one.metric})
    _require_different([row.title for row in rows.values()])
    for key, row in rows.items():
        if row.paper and len(row.paper) != len(columns or metrics):
            raise ValueError(f"rows.{key}.paper must have {len(columns or metrics)} numbers")
    return Recipe(
        name=node["name"],
        title=str(node["title"]),
        metrics=metrics,
        rows=rows,
        columns=columns,
        sweep=_axes(node.get("sweep", {})),
        repeat=_axes(node.get("repeat", {"seed": [0]})),
        runs=runs,
        paper_at=node.get("paper_at", {}),
        needs=tuple(_list("needs", node.get("needs", []))),
        cuts=node.get("cuts") is True,
        note=node.get("note", ""),
        header=_header(text),
        command=command,
    )


def _node(path: Path) -> dict[str, Any]:
    node: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["experiment"]
    return node


def _choice(key: str, node: Mapping[str, Any]) -> Choice:
    _require_known(node, _KNOWN_OF_CHOICE, key)
    settings = node.get("settings")
    paper = tuple(None if n is None else float(n) for n in node.get("paper", ()))
    if settings is None and not paper:
        raise ValueError(f"{key} has neither settings nor numbers of the paper")
    if settings is not None:
        settings = tuple(_list(f"{key}.settings", settings))
    return Choice(str(node["title"]), settings, paper)


def _column(key: str, node: Mapping[str, Any]) -> Choice:
    """A column of runs, or without settings one that is quoted alone."""
    _require_known(node, _KNOWN_OF_COLUMN, key)
    settings = node.get("settings")
    return Choice(
        str(node["title"]),
        None if settings is None else tuple(_list(f"{key}.settings", settings)),
        metric=str(node.get("metric", "")),
    )


def _require_numbers(metrics: Mapping[str, Sequence[str]]) -> None:
    """Refuse names that no run would ever fill, before any is started."""
    known = ERRORS | ACCURACIES
    for title, names in metrics.items():
        for name in names:
            bare = str(name).removeprefix("1 - ").rpartition("/")[2]
            if bare not in known:
                raise ValueError(f"metrics.{title} is {name}; known are {', '.join(known)}")


def _require_different(titles: Sequence[str]) -> None:
    """Refuse lines that a reader, and `paired.csv`, could not tell apart."""
    twice = [title for title in dict.fromkeys(titles) if titles.count(title) > 1]
    if twice:
        raise ValueError(f"several rows have the title {', '.join(twice)}")


def _axes(node: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    axes = {key: tuple(_list(key, values)) for key, values in node.items()}
    for key, values in axes.items():
        if not values:
            raise ValueError(f"{key} has no values")
    return axes


def _list(key: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{key} must be a list; got {value!r}")
    return value


def _require_known(node: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(node.keys() - known)
    if unknown:
        raise ValueError(f"{where} has {', '.join(unknown)}; known are {', '.join(sorted(known))}")


def _header(text: str) -> str:
    """The comment on top, without the line for Hydra."""
    lines = text.splitlines()[1:]
    end = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines[:end])
