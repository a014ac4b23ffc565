"""Objects from configuration: the only place that asks Hydra to instantiate."""

from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import ProgressBar

from gapcam.arch.network import Network
from gapcam.arch.pixels import from_fractions
from gapcam.callbacks.checkpoint_io import AtomicCheckpointIO
from gapcam.data.data_module import DataModule
from gapcam.errors import UserError
from gapcam.protocol import PUBLISHED, Protocol

PACKAGES = ("gapcam", "torch", "torchvision", "pytorch-lightning", "torchmetrics", "numpy")
PRECISIONS = ("32-true", "32", "16-mixed", "bf16-mixed")


def build(node: Mapping[str, Any], where: str, **kwargs: Any) -> Any:
    """Instantiate the `_target_` of a configuration node.

    Args:
        node: plain configuration.
        where: its place in the configuration, for messages.
        kwargs: further arguments for the target.

    Raises:
        UserError: if the target does not take the node's settings, or refuses their values.
        Exception: what the target itself raises, unwrapped.
    """
    try:
        # Given to `instantiate`, a dataclass among the arguments would be turned into a dict.
        return instantiate(dict(node), _partial_=True, _convert_="all")(**kwargs)
    except (TypeError, ValueError, MisconfigurationException) as error:
        raise UserError(f"{where}: {error}") from error
    except InstantiationException as error:
        raise error.__cause__ or UserError(f"{where}: {error}") from None


def build_data(
    config: Mapping[str, Any], on_progress: Callable[[int], None] | None = None
) -> DataModule:
    """Make the data module and load its splits, so that faults show before training.

    Args:
        config: plain configuration.
        on_progress: told how many pictures were read so far, when an index has to be made.
    """
    data: DataModule = build(config["data"], "data")
    if on_progress is not None:
        data.on_progress = on_progress
    data.setup()
    return data


def build_module(
    arch: Mapping[str, Any],
    protocols: Mapping[str, Any],
    data: Mapping[str, Any],
    cam: str = "auto",
    optim: Mapping[str, Any] | None = None,
) -> Network:
    """Make a network, with random weights (`gapcam.arch.loading` puts in others).

    Args:
        arch: configuration of the network.
        protocols: configuration of the protocols, by name; the first is the main one.
        data: what the network must know of the data, see `data_facts`.
        cam: which maps, see `Network.choose_maps`.
        optim: configuration of the training recipe; null for a network that only looks.
    """
    module: Network = build(
        arch,
        "arch",
        num_classes=len(data["class_names"]),
        size=tuple(data["size"]),
        data_pixels=from_fractions(data["mean"], data["std"]),
        protocols=build_protocols(protocols),
        views=data["views"],
        optim=None if optim is None else build(optim, "optim"),
    )
    module.choose_maps(cam)
    module.recipe = {
        "arch": dict(arch),
        "protocol": {name: dict(node) for name, node in protocols.items()},
        "data": dict(data),
        "cam": cam,
        "versions": versions(),
    }
    return module


def build_protocols(nodes: Mapping[str, Any]) -> dict[str, Protocol]:
    """Make protocols; each is called as its key in the configuration.

    Raises:
        UserError: if there is none, or a setting is wrong.
    """
    if not nodes:
        raise UserError(f"protocol names no protocol; give one of {', '.join(PUBLISHED)}")
    protocols = {name: build(node, f"protocol.{name}", name=name) for name, node in nodes.items()}
    for name, protocol in protocols.items():
        if protocol.region == "contour" and protocol.threshold is not None:
            raise UserError(
                f"protocol.{name}: region=contour scores all thresholds; leave threshold=null, and "
                f"set protocol.{name}.steps for fewer of them"
            )
    return protocols


def data_facts(data: DataModule) -> dict[str, Any]:
    """What a network must know of its data: input size, views, pixel statistics, class names."""
    return {
        "views": list(data.views.kinds),
        "size": list(data.size),
        "mean": list(data.mean),
        "std": list(data.std),
        "class_names": data.class_names,
    }


def build_trainer(config: Mapping[str, Any], run_dir: Path) -> pl.Trainer:
    """Make the trainer with loggers, callbacks and atomic checkpoints."""
    precision = str(config["trainer"]["precision"])
    if precision not in PRECISIONS:
        raise UserError(
            f"trainer.precision must be one of {', '.join(PRECISIONS)}; got {precision}. Boxes are "
            "cut in single precision, so the network may use less, the rest may not."
        )
    if config["trainer"]["limit_test_batches"] == 0:
        raise UserError("trainer.limit_test_batches=0 leaves nothing to report; give 1 or more")
    named = {"callbacks": config["callbacks"], "logger": config["logger"]}
    parts = {
        group: [
            build(node, f"{group}.{name}", **_logger_config(node, config))
            for name, node in (nodes or {}).items()
            if node is not None
        ]
        for group, nodes in named.items()
    }
    if not config["trainer"]["enable_progress_bar"]:
        parts["callbacks"] = [c for c in parts["callbacks"] if not isinstance(c, ProgressBar)]
    trainer: pl.Trainer = build(
        config["trainer"],
        "trainer",
        **parts,
        plugins=[AtomicCheckpointIO()],
        default_root_dir=str(run_dir),
        enable_model_summary=False,
    )
    return trainer


def versions() -> dict[str, str]:
    """Versions of the packages that a number depends on."""
    return {package: version(package) for package in PACKAGES}


def _logger_config(node: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    # W&B loses a configuration that is sent later, so it gets it at its start.
    return {"config": config} if str(node.get("_target_")).endswith("WandbLogger") else {}
