"""`python -m gapcam.evaluate`: score a network, or anybody's heat maps, under several protocols.

Importing this module does not import torch: help, completion and mistakes answer at once.
"""

import json
import shlex
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from hydra.types import RunMode
from omegaconf import DictConfig, ListConfig, open_dict

from gapcam.arch.kinds import read_kind
from gapcam.atomic import require_writable
from gapcam.comparison_table import print_comparison
from gapcam.config_dir import CONFIG_DIR
from gapcam.errors import UserError
from gapcam.failure import describe
from gapcam.naming import checkpoint_name, data_name, file_name, network_name
from gapcam.plain_config import plain_config
from gapcam.run_directory import is_main_process
from gapcam.suggest import explained
from gapcam.summary import print_result, wide_console
from gapcam.view_choice import settle_views

CONFIG = "evaluate"

CHOICES = {"split": ("test", "val"), "thresholds": ("val", None), "references": (True, False)}
"""What the settings can be that are chosen from a list."""

_WRITTEN: set[Path] = set()
"""Folders of results of this process's jobs."""


def main() -> None:
    """Do what the command line says; after a misspelt setting, say which ones exist."""
    with explained(CONFIG):
        compose_and_evaluate()


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name=CONFIG)
def compose_and_evaluate(config: DictConfig) -> None:
    """Evaluate what one configuration names; mistakes are told without a traceback."""
    try:
        evaluate(config)
    except UserError as error:
        raise CompactHydraException(describe(error)) from None


def evaluate(config: DictConfig) -> dict[str, Any]:
    """Score what one configuration names, print the numbers and write them to a folder.

    Returns:
        What `metrics.json` holds.

    Raises:
        UserError: on bad input.
    """
    console = wide_console(quiet=not is_main_process())
    words = HydraConfig.get().overrides.task
    _take_words_for_paths(config)
    require_one_source(config, words)
    require_choices(config)
    require_kinds(config)
    folder = Path(str(config.evaluations)) / (config.name or results_name(config))
    require_own_folder(folder)
    if folder in _WRITTEN and HydraConfig.get().mode == RunMode.MULTIRUN:
        raise UserError(
            f"{folder} has the results of another job of this sweep: give each job a name of its "
            "own, as in 'name=t${protocol.paper.threshold}'"
        )
    try:
        with console.status("loading torch"):
            from gapcam.comparison import compare
            from gapcam.score_network import arch_of
            from gapcam.scoring import score
        if config.ckpt is not None:
            with open_dict(config):
                config.arch = arch_of(Path(config.ckpt))
        command = shlex.join(["python", "-m", "gapcam.evaluate", *words])
        several = isinstance(config.cam, ListConfig)
        facts = (compare if several else score)(settings(config), folder, command, console)
    except (KeyboardInterrupt, SystemExit):
        # Lightning turns Ctrl-C into SystemExit once it has shut down.
        console.print("Interrupted; the same command begins anew.")
        raise SystemExit(130) from None
    _WRITTEN.add(folder)
    (print_comparison if several else print_result)(facts, str(folder), console, config.split)
    return facts


def require_one_source(config: DictConfig, words: list[str]) -> None:
    """Refuse a command that names no maps to score, or two sources of them.

    Raises:
        UserError: saying how to name one.
    """
    named = {
        "ckpt=...": config.ckpt,
        "maps=...": config.maps,
        "arch.weights=...": config.arch.get("weights"),
    }
    given = [source for source, value in named.items() if value is not None]
    if len(given) != 1:
        raise UserError(
            f"Whose maps? Give one of {', '.join(named)} (with arch=...); "
            f"got {' and '.join(given) or 'none'}."
        )
    of_arch = [word for word in words if word.lstrip("+~").startswith("arch")]
    if config.ckpt is not None and of_arch:
        raise UserError(
            f"{config.ckpt} says what network it is; leave out {' '.join(of_arch)}, or give "
            "arch.weights=... instead of ckpt=..."
        )


def require_choices(config: DictConfig) -> None:
    """Refuse settings that can be judged without torch.

    Raises:
        UserError: if a setting is impossible.
    """
    for key, choices in CHOICES.items():
        if config[key] not in choices:
            listed = ", ".join("null" if c is None else str(c).lower() for c in choices)
            raise UserError(f"{key} must be one of {listed}; got {config[key]!r}")
    view = config.view
    is_pair = isinstance(view, ListConfig) and len(view) == 2
    if not is_pair or not all(_is_side(side) for side in view):
        raise UserError(f"view must be a height and a width, as in [224,224]; got {view!r}")


def require_kinds(config: DictConfig) -> None:
    """Refuse kinds of maps that no network draws, or kinds where maps are given.

    Raises:
        UserError: names those that there are.
    """
    several = isinstance(config.cam, ListConfig)
    words = list(config.cam) if several else [] if config.cam is None else [config.cam]
    if several and (not words or len(set(map(str, words))) < len(words)):
        raise UserError(
            f"cam must list kinds of maps once each, as in cam=[cam,gradcam]; got {words}"
        )
    if words and config.maps is not None:
        raise UserError(f"maps={config.maps} are what they are; leave out cam")
    for word in words:
        if word != "auto" or several:
            read_kind(word)


def require_own_folder(folder: Path) -> None:
    """Refuse a folder of results that cannot be written to, or has others, before any work.

    Raises:
        UserError: if it cannot be made, or belongs to somebody else.
    """
    require_writable(folder, "Results", "evaluations=...")
    earlier = folder / "metrics.json"
    if earlier.is_file() and " -m gapcam.evaluate " not in f"{_command_of(earlier)} ":
        raise UserError(f"{folder} holds results of something else; give another name=...")


def _command_of(path: Path) -> str:
    """The command line that a file of results was written by, as far as it can be told."""
    try:
        return str(json.loads(path.read_text())["command"])
    except (ValueError, KeyError, TypeError):
        return ""


def results_name(config: DictConfig) -> str:
    """A word for what is scored and how: the source, the data, the protocols, the kinds of maps."""
    words = [source_name(config), data_of(config), config.split]
    words.append("+".join(config.get("protocol") or ()))
    if config.cam is not None:
        kinds = config.cam if isinstance(config.cam, ListConfig) else [config.cam]
        words.append(file_name("+".join(kinds)))
    return "-".join(words)


def source_name(config: DictConfig) -> str:
    """A word for what is scored: the run of a checkpoint, the folder of maps, the network."""
    if config.maps is not None:
        return file_name(Path(config.maps).resolve().name)
    if config.ckpt is None:
        return network_name(HydraConfig.get().runtime.choices["arch"], config.arch)
    return checkpoint_name(Path(config.ckpt))


def data_of(config: DictConfig) -> str:
    """A word for the data that are scored on."""
    return data_name(HydraConfig.get().runtime.choices["data"], config.data)


def settings(config: DictConfig) -> dict[str, Any]:
    """Plain configuration without interpolations.

    Raises:
        UserError: if a setting is missing or impossible.
    """
    plain = plain_config(config)
    if plain["maps"] is not None:
        _see_whole_images(plain)
    settle_views(plain)
    return plain


def _take_words_for_paths(config: DictConfig) -> None:
    """A folder may be called 2026; nothing, as in `maps=`, names none."""
    for key in ("ckpt", "maps", "val_maps", "name"):
        word = config[key]
        config[key] = None if word in (None, "") else str(word)


def _see_whole_images(plain: dict[str, Any]) -> None:
    """Let protocols take each map for one view of a whole image, whatever they look at else."""
    for node in (plain.get("protocol") or {}).values():
        if isinstance(node, dict):
            node["view"] = "whole"


def _is_side(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 4096


if __name__ == "__main__":
    main()
