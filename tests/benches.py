"""What the tests of studies share: a network that sees colours, and a bench to put it on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf
from rich.console import Console
from support import compose_config
from torch import nn

from gapcam.arch.network import Network
from gapcam.build import build_module
from gapcam.run_directory import RunDirectory
from gapcam.study.bench import Bench
from gapcam.study_tools.execution import make_bench

COLOURS = ("red", "green", "blue", "yellow", "magenta", "cyan")
"""Unit k of `colour_network` is one where a picture has this pure colour, zero on grey and black;
the units after these are always zero."""

_DETECTORS = torch.tensor(
    [
        *([1.0, -1, -1, 0], [-1, 1, -1, 0], [-1, -1, 1, 0]),
        *([1, 1, -1, -1], [1, -1, 1, -1], [-1, 1, 1, -1]),
    ]
)
"""Weights of red, green, blue and the bias."""

QUICK = (
    "data.num_workers=0",
    "data.eval_batch_size=4",
    "trainer.accelerator=cpu",
    "trainer.devices=1",
    "trainer.enable_progress_bar=false",
    "logger=csv",
)


@torch.no_grad()
def colour_network(class_names: list[str], size: int = 64, units: int = 8) -> Network:
    """`small_gap` with weights set by hand: 16x16 maps (of 64x64) of six colours.

    Its classifier is zero. Pixels are taken as they are, in 0..1.
    """
    config: Any = OmegaConf.to_container(
        compose_config("arch=small_gap", f"arch.units={units}", f"arch.size=[{size},{size}]"),
        resolve=True,
    )
    facts = {
        "views": ["whole"],
        "size": [size, size],
        "mean": [0.0] * 3,
        "std": [1.0] * 3,
        "class_names": class_names,
    }
    network = build_module(config["arch"], config["protocol"], facts)
    is_first = True
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.zero_()
            if is_first:
                module.weight[:6, :, 1, 1] = _DETECTORS[:, :3]
                is_first = False
            else:
                for unit in range(6):
                    module.weight[unit, unit, 1, 1] = 1
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.weight.fill_((1 + module.eps) ** 0.5)
            module.bias.zero_()
            if module.bias.numel() == 16:  # that of the first convolution
                module.bias[:6] = _DETECTORS[:, 3]
    nn.init.zeros_(network.get_submodule("classifier").weight)  # type: ignore[arg-type]
    nn.init.zeros_(network.get_submodule("classifier").bias)  # type: ignore[arg-type]
    return network.eval()


def save_network(path: Path, network: Network) -> Path:
    """Its checkpoint, for `arch.weights` or `ckpt`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"gapcam": network.recipe, "state_dict": network.state_dict()}, path)
    return path


def study_config(folder: Path, *words: str) -> dict[str, Any]:
    """The plain configuration of `python -m gapcam.study <words>` with runs in `folder`."""
    config = compose_config(*QUICK, f"runs={folder}", *words, name="study")
    plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    return dict(plain)


def bench(folder: Path, *words: str, **changed: Any) -> Bench:
    """A bench as the command would make it.

    Args:
        folder: where runs go.
        words: of the command line; `arch.weights=` or `ckpt=` among them.
        changed: parts to replace, such as `gallery`.
    """
    config = study_config(folder, *words)
    directory = RunDirectory(Path(config["run_dir"]), config)
    made, _ = make_bench(directory, Console(quiet=True))
    return replace(made, **changed)
