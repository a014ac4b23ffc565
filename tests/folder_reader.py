"""Class folders as a run reads them."""

from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from support import compose_config

from gapcam.build import build_data
from gapcam.data.dataset import LocalizationDataset
from gapcam.data.folders import Folders


@cache
def composed(option: str, *settings: str) -> Any:
    keys = [f"data.{setting}" for setting in ("root=?", "num_workers=0", *settings)]
    config = compose_config(f"data={option}", "arch=small_gap", *keys)
    return OmegaConf.to_container(config, resolve=True, throw_on_missing=True)


def read(option: str, root: Path, *settings: str) -> Folders:
    """Compose an option and build it for a folder, as a run does."""
    config = composed(option, *settings)
    data = build_data({**config, "data": {**config["data"], "root": str(root)}})
    assert isinstance(data, Folders)
    return data


def names(split: LocalizationDataset) -> list[str]:
    return [split.name(row) for row in range(len(split))]
