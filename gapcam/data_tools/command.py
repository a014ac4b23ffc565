"""`python -m gapcam.data <what> data=… key=value …`: which command, and its configuration."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from gapcam.config_dir import CONFIG_DIR
from gapcam.errors import UserError
from gapcam.suggest import explained

COMMANDS = {
    "check": "is the data set whole and right?",
    "get": "download and unpack it",
    "speed": "images/s of the loader, and what the network needs",
    "shards": "write the training split for streaming",
}
NEEDED: dict[str, tuple[str, ...]] = {
    "check": ("data.",),
    "get": (),
    "speed": ("data.",),
    "shards": ("data.", "out"),
}
"""Settings that must be given, by the beginning of their names."""

CONFIG = "data_tools"

Command = Callable[[str, dict[str, Any], Console], int]
"""Given the option of `data`, the configuration and where to print; returns the exit status."""


def main() -> None:
    """Run the command that the first word names; the others are settings for Hydra."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in COMMANDS:
        lines = [f"  python -m gapcam.data {c:7} data=...   {COMMANDS[c]}" for c in COMMANDS]
        is_question = name in ("", "-h", "--help")
        before = [] if is_question else [f"There is no command {name!r}. The commands are:"]
        print("\n".join(before + lines), file=sys.stdout if is_question else sys.stderr)
        raise SystemExit(0 if is_question else 2)
    del sys.argv[1]
    run_command.name = name
    with explained(CONFIG):
        run_command()


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name=CONFIG)
def run_command(config: DictConfig) -> None:
    """Run one command; its exit status is 1 if something is wrong."""
    console = Console()
    name = run_command.name
    option = HydraConfig.get().runtime.choices["data"]
    try:
        if option == "digits" and name in ("check", "get", "shards"):
            raise UserError(
                f"Which data set? Give data=...; the digits come with scikit-learn: python -m "
                f"gapcam.data {name} data=cub200 ..."
            )
        plain = settings(config, NEEDED[name])
        with console.status("loading"):
            command: Command = import_module(f"gapcam.data_tools.{name}").run
        words = HydraConfig.get().overrides.task
        plain["overrides"] = [word for word in words if word.lstrip("+~").startswith("data")]
        status = command(option, plain, console)
    except UserError as error:
        raise CompactHydraException(str(error)) from None
    except OSError as error:
        raise CompactHydraException(f"{type(error).__name__}: {error}") from None
    except KeyboardInterrupt:
        again = "goes on" if name == "get" else "begins anew"
        console.print(f"Interrupted; the same command {again}.")
        raise SystemExit(130) from None
    if status:
        raise SystemExit(status)


def settings(config: DictConfig, needed: tuple[str, ...]) -> dict[str, Any]:
    """Plain configuration; settings that are not needed may be missing.

    Raises:
        UserError: if one is missing whose name begins with one of those needed.
    """
    missing = [key for key in OmegaConf.missing_keys(config) if key.startswith(needed)]
    if missing:
        wanted = " ".join(f"{key}=..." for key in sorted(missing))
        raise UserError(f"{', '.join(sorted(missing))} must be set: add {wanted} to the command.")
    plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    return plain
