"""The jobs of a multirun, found again after it, wherever they ran.

Launchers run jobs in other processes and on other computers; what they leave behind is in their
run directories. So the jobs are listed from the command line, as Hydra's own sweeper lists them.
"""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, TypeVar

from hydra.conf import HydraConf
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

Found = TypeVar("Found")

_BASIC_SWEEPER = "BasicSweeper"
_STARTED: list[tuple[DictConfig, ConfigLoader]] = []


class RememberSweep(Callback):
    """Tells this module which multirun was started; Hydra calls it."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Keep the sweep's configuration, and what can make those of its jobs."""
        _STARTED.append((config, GlobalHydra.instance().config_loader()))


def remember_sweeps() -> None:
    """Let Hydra tell of multiruns, whichever configuration file is the first one."""
    callbacks = {"sweep": {"_target_": f"{__name__}.{RememberSweep.__name__}"}}
    node = HydraConf(callbacks=callbacks)
    ConfigStore.instance().store(group="hydra", name="config", node=node, provider="gapcam")


def sweep_jobs(look: Callable[[DictConfig], Found]) -> list[Found]:
    """Look at each job of the multirun that was started; one at a time, for they are large.

    Args:
        look: is given the job's configuration, with the node `hydra`.

    Returns:
        What it found, in the order of the sweep; empty for a single run, for a sweep that Hydra
        refuses, and for sweepers that choose their jobs as they go.
    """
    try:
        return [look(job) for config, loader in _STARTED for job in _jobs(config, loader)]
    except HydraException:
        return []  # no job was started; Hydra has said why


def _jobs(config: DictConfig, loader: ConfigLoader) -> Iterator[DictConfig]:
    if not str(config.hydra.sweeper._target_).endswith(f".{_BASIC_SWEEPER}"):
        return
    # Unresolved: in name=lr${optim.lr} each job puts its own.
    node: Any = OmegaConf.to_container(config.hydra, resolve=False)
    words = [f"{key}={value}" for key, value in (node["sweeper"]["params"] or {}).items()]
    words += node["overrides"]["task"]
    choices: dict[str, list[str]] = {}
    for override in OverridesParser.create(config_loader=loader).parse_overrides(words):
        key = override.get_key_element()
        values = (
            override.sweep_string_iterator()
            if override.is_sweep_override()
            else [override.get_value_element_as_str()]
        )
        choices[key] = [f"{key}={value}" for value in values]
    for job in product(*choices.values()):
        yield loader.load_sweep_config(config, list(job))
