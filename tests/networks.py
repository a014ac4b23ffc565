"""Networks for tests, made from the configuration."""

from typing import Any

from omegaconf import OmegaConf
from support import compose_config

from gapcam.arch.network import Network
from gapcam.build import build_module

ORIGINALS = ("alexnet", "vgg", "googlenet", "nin", "squeezenet")
GAP = ("alexnet_gap", "alexnet_star_gap", "vgg_gap", "googlenet_gap", "googlenet_gmp")
RELEASED = ("alexnet_star_gap", "vgg_gap", "googlenet_gap", "googlenet_gmp")


def network(*overrides: str, classes: int = 1000) -> Network:
    """A network as `python -m gapcam.run <overrides>` would build it, with random weights."""
    config: Any = OmegaConf.to_container(compose_config(*overrides), resolve=True)
    facts = {
        "views": ["whole"],
        "size": config["arch"]["size"],
        "mean": [0.4, 0.5, 0.6],
        "std": [0.1, 0.2, 0.3],
        "class_names": [str(number) for number in range(classes)],
    }
    return build_module(
        config["arch"], config["protocol"], facts, config["cam"], optim=config["optim"]
    )
