"""From what Hydra composed to plain Python, with what every command checks."""

from typing import Any

from omegaconf import DictConfig, OmegaConf

from gapcam.errors import UserError


def plain_config(config: DictConfig) -> dict[str, Any]:
    """Plain configuration without interpolations.

    Raises:
        UserError: if a setting is missing, or one that all commands share is impossible.
    """
    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        settings = " ".join(f"{key}=..." for key in missing)
        raise UserError(f"{', '.join(missing)} must be set: add {settings} to the command.")
    plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    for key in ("seed", "gallery"):
        if key in plain and (not isinstance(plain[key], int) or plain[key] < 0):
            raise UserError(f"{key} must be a whole number from 0 on; got {plain[key]!r}")
    if plain.get("experiment") is not None:  # the rest is the recipe's, about its other runs
        plain["experiment"] = {key: plain["experiment"][key] for key in ("name", "row")}
    return plain
