"""Plain functions for tests: commands, configurations and a generated ILSVRC."""

import os
import subprocess
import sys
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from gapcam.config_dir import CONFIG_DIR

FAST_RUN = (
    "trainer=debug",
    "data.counts=[96,20,20]",
    "data.batch_size=16",
    "data.eval_batch_size=10",
    "arch.units=8",
    "gallery=3",
    "trainer.enable_progress_bar=false",
)
"""A run of seconds: a small digits set and few batches."""


def subprocess_environment() -> dict[str, str]:
    """This environment with wide lines, and with compiled modules kept: torch has thousands."""
    environment = {**os.environ, "COLUMNS": "200"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def type_in(
    *overrides: str, cwd: Path | None = None, module: str = "gapcam.run"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *overrides],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=300,
        check=False,
        env=subprocess_environment(),
    )


def compose_config(*overrides: str, name: str = "config") -> DictConfig:
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        config = compose(name, overrides=list(overrides), return_hydra_config=True)
    HydraConfig.instance().set_config(config)
    bare = OmegaConf.masked_copy(config, [key for key in config if key != "hydra"])
    OmegaConf.set_struct(bare, True)
    return bare
