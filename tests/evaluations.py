"""What the tests of `python -m gapcam.evaluate` share: quick settings, a network and its maps."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import OmegaConf
from splits import digits
from support import compose_config

from gapcam.arch.look import look
from gapcam.arch.network import Network
from gapcam.build import build_module, data_facts
from gapcam.evaluate import evaluate

ALL = "protocol=[paper,wsolevaluation,exact]"
FEW = "data.counts=[8,12,10]"
"""The same digits as in `splits.digits`."""
QUICK = (
    "data.eval_batch_size=4",
    "trainer.accelerator=cpu",
    "trainer.devices=1",
    "trainer.enable_progress_bar=false",
)

Evaluate = Callable[..., dict[str, Any]]


def saved(path: Path, config: dict[str, Any], facts: dict[str, Any]) -> Network:
    """A network with random weights, and its checkpoint."""
    torch.manual_seed(0)
    module = build_module(config["arch"], config["protocol"], facts).eval()
    path.parent.mkdir(parents=True)
    torch.save({"gapcam": module.recipe, "state_dict": module.state_dict()}, path)
    return module


def plain(*words: str) -> dict[str, Any]:
    config = OmegaConf.to_container(compose_config(*words, name="evaluate"), resolve=True)
    assert isinstance(config, dict)
    return config


def checkpoint_and_maps(home: Path) -> Path:
    """A network for the digits in `last.ckpt`, its maps of the test and validation images."""
    data = digits()
    module = saved(home / "run" / "last.ckpt", plain("arch.units=8"), data_facts(data))
    for split, loader in (("test", data.test_dataloader()), ("val", data.val_dataloader())):
        for batch in loader:
            for row, maps in zip(batch.index, look(module, batch, "whole").maps, strict=True):
                path = home / split / f"{getattr(data, split).name(int(row))}.npy"
                path.parent.mkdir(parents=True, exist_ok=True)
                np.save(path, maps[-1].detach().numpy())
    return home


def evaluated(out: Path, *words: str) -> dict[str, Any]:
    """Evaluate what the words say, in this process, into a folder of `out`."""
    few = [] if any(word.startswith("data=") for word in words) else [FEW]
    return evaluate(compose_config(*few, *QUICK, f"evaluations={out}", *words, name="evaluate"))
