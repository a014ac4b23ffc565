"""What configurations compute: names of runs, in which two networks are told apart, and counts."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

_LONGEST = 60
"""Letters of a word in a path."""


def network_name(option: str, arch: DictConfig) -> str:
    """The option of the group `arch`, with the network's name and variant where it has them.

    Example:
        >>> network_name("torchvision_gap", OmegaConf.create({"name": "resnet50"}))
        'torchvision_gap-resnet50'
        >>> network_name("vgg_gap", OmegaConf.create({"variant": "paper"}))
        'vgg_gap'
    """
    variant = arch.get("variant")
    words = [option, arch.get("name"), None if variant == "paper" else variant]
    return "-".join(file_name(word) for word in words if word)


def data_name(option: str, data: DictConfig) -> str:
    """The option of the group `data`, with what tells two of its tasks or splits apart.

    Example:
        >>> data_name("scene15", OmegaConf.create({"split": 2}))
        'scene15-split2'
        >>> data_name("sun_attribute", OmegaConf.create({"attribute": "open area", "split": 1}))
        'sun_attribute-open area'
        >>> data_name("cub200", OmegaConf.create({}))
        'cub200'
    """
    split = data.get("split")
    words = [option, data.get("attribute"), data.get("phrase")]
    words += [f"split{split}" if split not in (None, 1) else None]
    return "-".join(file_name(word) for word in words if word not in (None, ""))


def checkpoint_name(path: Path) -> str:
    """A word for a checkpoint: the run it belongs to.

    Example:
        >>> checkpoint_name(Path("/runs/vgg_gap-cub200/trim1/seed0/checkpoints/last.ckpt"))
        'vgg_gap-cub200-trim1-seed0-last'
    """
    path = path.resolve()
    if path.parent.name == "checkpoints":
        return file_name("-".join([*path.parts[-5:-2], path.stem]))
    return file_name(path.stem)


def file_name(word: object) -> str:
    """A word that can be part of a path: `conv2/3x3` -> `conv2-3x3`.

    A long one is cut, and told from others by a digest.
    """
    plain = "".join(c for c in " ".join(str(word).split()) if c.isprintable()).replace("/", "-")
    if len(plain) <= _LONGEST:
        return plain
    return f"{plain[:_LONGEST]}…{hashlib.sha256(plain.encode()).hexdigest()[:6]}"


def processes_per_node(devices: Any) -> int:
    """How many processes `trainer.devices` surely starts on each node.

    Example:
        >>> [processes_per_node(devices) for devices in (4, "2", [0, 1, 5], "auto", -1)]
        [4, 2, 3, 1, 1]
    """
    if isinstance(devices, Sequence) and not isinstance(devices, str):
        return max(1, len(devices))
    try:
        return max(1, int(devices))
    except ValueError:
        return 1


def register_resolvers() -> None:
    """Make them known to the configuration: `${network_name:...}`, `${data_name:...}`, ..."""
    OmegaConf.register_new_resolver("network_name", network_name, replace=True)
    OmegaConf.register_new_resolver("data_name", data_name, replace=True)
    OmegaConf.register_new_resolver("file_name", file_name, replace=True)
    OmegaConf.register_new_resolver("processes_per_node", processes_per_node, replace=True)
