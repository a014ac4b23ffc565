"""`python -m gapcam.explain`: where a network looks in pictures of one's own.

Importing this module does not import torch: help, completion and mistakes answer at once.
"""

import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from omegaconf import DictConfig, open_dict

from gapcam.atomic import require_writable
from gapcam.config_dir import CONFIG_DIR
from gapcam.errors import UserError
from gapcam.explain_tools.picture_files import find_pictures, split_sources
from gapcam.explain_tools.settings import check_settings
from gapcam.failure import describe
from gapcam.network_choice import require_one_network
from gapcam.plain_config import plain_config
from gapcam.shell_words import quoted, unquoted
from gapcam.suggest import explained
from gapcam.summary import wide_console

CONFIG = "explain"
TEXTS = ("images", "classes")
"""Settings that are text, whatever stands in them."""


def main() -> None:
    """Do what the command line says; after a misspelt setting, say which ones exist."""
    try:
        sys.argv[1:] = quoted(sys.argv[1:], TEXTS)
    except UserError as error:
        sys.exit(str(error))
    with explained(CONFIG):
        compose_and_explain()


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name=CONFIG)
def compose_and_explain(config: DictConfig) -> None:
    """Explain what one configuration names; mistakes are told without a traceback."""
    try:
        explain(config)
    except UserError as error:
        raise CompactHydraException(describe(error)) from None


def explain(config: DictConfig) -> None:
    """Explain the pictures that a configuration names, and write what was found to a folder.

    Raises:
        UserError: on bad input.
    """
    words = HydraConfig.get().overrides.task
    console = wide_console(quiet=False)
    require_one_network(config, words)
    if config.ckpt is not None:
        with open_dict(config):
            config.arch = {}  # the checkpoint brings its own
    plain: dict[str, Any] = plain_config(config)
    check_settings(plain)
    found = find_pictures(split_sources(plain["images"]))
    folder = Path(str(plain["out"])).expanduser()
    require_writable(folder, "Results", "out=...")
    command = shlex.join(["python", "-m", "gapcam.explain", *unquoted(words)])
    try:
        with console.status("loading torch"):
            from gapcam.explain_tools.work import explain_files
        explain_files(plain, found, folder, command, console)
    except KeyboardInterrupt:
        console.print("Interrupted. What was finished is kept; the same command goes on.")
        raise SystemExit(130) from None


class _AlsoTheFunction(ModuleType):
    """Importing this module puts it in the place of the function `gapcam.explain`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from gapcam.explaining.explain import explain as explain_pictures

        return explain_pictures(*args, **kwargs)


sys.modules[__name__].__class__ = _AlsoTheFunction

if __name__ == "__main__":
    main()
