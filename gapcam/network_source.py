"""A network without a data set: a checkpoint, or weights with the names of their classes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml

from gapcam.arch.loading import IMAGENET, load_weights
from gapcam.arch.network import Network
from gapcam.arch.pixels import IMAGENET as IMAGENET_PIXELS
from gapcam.arch.weights import imagenet_classes, read_source
from gapcam.build import build_module
from gapcam.checkpoint import read_checkpoint, rebuild
from gapcam.config_dir import CONFIG_DIR
from gapcam.data.data_module import IMAGENET_MEAN, IMAGENET_STD
from gapcam.errors import UserError


def network_of(config: Mapping[str, Any]) -> tuple[Network, str]:
    """The network that a plain configuration names, in evaluation mode, and words for it.

    Args:
        config: `ckpt`, or `arch` with weights; `class_names`, a file; `cam`; `protocol`.

    Raises:
        UserError: if it cannot be had, some of it would be random, or names do not fit classes.
    """
    names = None if config["class_names"] is None else read_class_names(Path(config["class_names"]))
    if config["ckpt"] is not None:
        return _of_checkpoint(Path(config["ckpt"]), config, names)
    module = build_module(
        config["arch"],
        config["protocol"],
        {
            "class_names": names or _known_names(config["arch"]),
            "size": list(config["arch"]["size"]),
            "views": ["whole"],
            "mean": list(IMAGENET_MEAN),
            "std": list(IMAGENET_STD),
        },
        config["cam"] or "auto",
    )
    loaded = load_weights(module)
    assert loaded is not None  # the commands have seen to it
    if loaded.fresh:
        raise UserError(
            f"{loaded.describe()}. Random layers explain nothing: give the weights of the whole "
            "network (with class_names=<a text file, a name a line>, if they are for other classes "
            "than ImageNet's), or the checkpoint of a run, ckpt=..."
        )
    return module.eval(), loaded.describe()


def pretrained(
    arch: str,
    *,
    class_names: str | Path | None = None,
    cam: str = "auto",
    device: str | torch.device = "cpu",
    **settings: Any,
) -> Network:
    """A network with published weights, or anybody's, in evaluation mode.

    Args:
        arch: an option of the configuration group, as in `arch=torchvision_gap`.
        class_names: a text file with the name of a class on each line; null: what the weights say,
            or ImageNet's.
        cam: which maps, see `gapcam.arch.network`.
        device: where to put it.
        settings: of the network: `weights="imagenet"` or a path, `name="resnet50"`, ...

    Raises:
        UserError: if there is no such network or setting, or the weights cannot be had.
    """
    folder = CONFIG_DIR / "arch"
    if not (folder / f"{arch}.yaml").is_file():
        known = ", ".join(sorted(path.stem for path in folder.glob("*.yaml")))
        raise UserError(f"There is no arch {arch!r}. Known are {known}")
    node: dict[str, Any] = yaml.safe_load((folder / f"{arch}.yaml").read_text(encoding="utf-8"))
    node.pop("defaults", None)  # the recipe to train it by
    unknown = sorted(settings.keys() - node.keys())
    if unknown:
        raise UserError(f"{arch} has no setting {', '.join(unknown)}; it has {', '.join(node)}")
    node |= settings
    if node["weights"] is None:
        raise UserError(f"{arch} needs weights: weights='imagenet', or the path of a file")
    config = {
        "ckpt": None,
        "arch": node,
        "class_names": class_names,
        "cam": cam,
        "protocol": {"paper": {"_target_": "gapcam.protocol.Protocol"}},
    }
    return network_of(config)[0].to(device)


def read_class_names(path: Path) -> list[str]:
    """Names of classes from a text file, one a line, in the order of the network's classes.

    Raises:
        UserError: if it cannot be read, is empty, or has an empty line.
    """
    try:
        lines = path.expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"class_names={path} cannot be read: {error}. Give a text file with the name of a "
            "class on each line"
        ) from error
    names = [line.strip() for line in lines]
    if not names or not all(names):
        empty = f"line {names.index('') + 1} is empty" if names else "it is empty"
        raise UserError(
            f"class_names={path}: {empty}. Give the name of a class on each line, in the order of "
            "the network's classes"
        )
    return names


def _of_checkpoint(
    path: Path, config: Mapping[str, Any], names: list[str] | None
) -> tuple[Network, str]:
    checkpoint = read_checkpoint(path.expanduser())
    recipe = checkpoint["gapcam"]
    data = recipe["data"] | {"views": ["whole"]}
    if names is not None:
        if len(names) != len(data["class_names"]):
            raise UserError(
                f"{config['class_names']} names {len(names):,} classes, and {path} tells "
                f"{len(data['class_names']):,} apart. It knows their names: leave class_names out"
            )
        data["class_names"] = names
    changed = {"protocol": config["protocol"], "data": data, "cam": config["cam"] or recipe["cam"]}
    return rebuild(path, checkpoint, **changed).eval(), str(path)


def _known_names(arch: Mapping[str, Any]) -> list[str]:
    """Names of the classes that weights were trained on; ImageNet's where the file is silent."""
    if arch["weights"] == IMAGENET:
        return imagenet_classes()
    source = read_source(Path(str(arch["weights"])).expanduser(), IMAGENET_PIXELS)
    return source.class_names or imagenet_classes()
