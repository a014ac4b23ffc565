"""A trained network back from its checkpoint."""

from pathlib import Path
from textwrap import shorten
from typing import Any

import torch

from gapcam.arch.network import Network
from gapcam.build import build_module
from gapcam.errors import UserError
from gapcam.protocol import Protocol
from gapcam.trust import require_trusted

NOT_THE_NETWORK = ("weights", "pixels", "channels_last", "compile", "size")
"""Settings of a network that a checkpoint of it either overrules or does not care about."""


RECIPE = {"arch", "protocol", "data", "cam"}
"""What a checkpoint says of its network."""


def load(path: str | Path, device: str | torch.device = "cpu") -> Network:
    """Rebuild the network of a checkpoint, with its weights, in evaluation mode.

    It takes RGB images with values 0..255; `module.recipe["data"]` has their size and the names of
    the classes.

    Args:
        path: a checkpoint that a run wrote.
        device: where to put the network.

    Raises:
        UserError: if the file is missing, is no checkpoint of gapcam, or wants foreign code.
    """
    module = rebuild(path, read_checkpoint(Path(path)))
    return module.to(device).eval()


def rebuild(path: str | Path, checkpoint: dict[str, Any], **changed: Any) -> Network:
    """Make the network that a checkpoint describes, with its weights.

    Args:
        path: where the checkpoint was read, for messages.
        checkpoint: as `read_checkpoint` gives it.
        changed: parts of its recipe to replace: `protocol`, `data`, `cam`.

    Raises:
        UserError: if the checkpoint does not hold together, or wants foreign code.
    """
    recipe = checkpoint["gapcam"]
    require_trusted(recipe["arch"], Network)
    if not isinstance(recipe["protocol"], dict):
        raise UserError(f"{path} was changed: its recipe holds no protocols.")
    for protocol in recipe["protocol"].values():
        require_trusted(protocol, Protocol)
    wanted = recipe | changed
    try:
        module = build_module(wanted["arch"], wanted["protocol"], wanted["data"], wanted["cam"])
        module.load_state_dict(checkpoint["state_dict"])
    except (TypeError, KeyError, AttributeError, RuntimeError) as error:
        raise UserError(
            f"{path} does not hold together: its weights or facts do not fit the network it "
            f"describes. It was written by another version of gapcam, or changed: {error}"
        ) from error
    module.recipe = wanted
    return module


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint without running any code in it.

    Raises:
        UserError: if the file is missing, damaged, or not written by gapcam.
    """
    if not path.is_file():
        raise UserError(
            f"There is no checkpoint {path}. Runs keep theirs in <run directory>/checkpoints/."
        )
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # Junk makes the reader fail in every way there is.
        raise UserError(f"{path} is damaged or no checkpoint: {error}") from error
    if not isinstance(checkpoint, dict) or not {"gapcam", "state_dict"} <= checkpoint.keys():
        raise UserError(
            f"{path} was not written by gapcam: expected the entries 'gapcam' and 'state_dict'."
        )
    recipe = checkpoint["gapcam"]
    if not isinstance(recipe, dict) or not recipe.keys() >= RECIPE:
        raise UserError(
            f"{path} was written by another version of gapcam: expected its recipe to hold "
            f"{', '.join(sorted(RECIPE))}."
        )
    if recipe["cam"] == "activation":
        recipe["cam"] = "cam"  # as it was called before other methods had names
    return checkpoint


def require_same_network(path: Path, checkpoint: dict[str, Any], module: Network) -> None:
    """Refuse a checkpoint whose network is not `module`'s.

    Args:
        path: where the checkpoint was read, for the message.
        checkpoint: as `read_checkpoint` gives it.
        module: the network that the configuration describes.

    Raises:
        UserError: names both networks, or the settings in which they differ.
    """
    stored, wanted = _network(checkpoint["gapcam"]), _network(module.recipe)
    differences = [
        f"{key}: {_short(stored.get(key))} -> {_short(wanted.get(key))}"
        for key in sorted(stored.keys() | wanted.keys())
        if stored.get(key) != wanted.get(key)
    ]
    if differences:
        raise UserError(
            f"{path} is the checkpoint of another network (checkpoint -> asked for):\n  "
            + "\n  ".join(differences)
        )


def _short(value: Any) -> str:
    if type(value) is list:
        return shorten(f"{len(value)}: {', '.join(map(str, value))}", 80)
    return repr(value)


def _network(recipe: dict[str, Any]) -> dict[str, Any]:
    settings = {f"arch.{k}": v for k, v in recipe["arch"].items() if k not in NOT_THE_NETWORK}
    return settings | {
        "classes": recipe["data"]["class_names"],
        "size": recipe["data"]["size"],
    }
