"""Scoring a network: a checkpoint of a run, or weights from anywhere."""

from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from gapcam.arch.loading import load_weights
from gapcam.arch.network import Network
from gapcam.arch.profile import profile
from gapcam.build import build_module, build_trainer, data_facts
from gapcam.checkpoint import read_checkpoint, rebuild
from gapcam.data.data_module import DataModule
from gapcam.data.dataset import LocalizationDataset
from gapcam.errors import UserError
from gapcam.scored import Scored
from gapcam.threshold_choice import best_of_scored, choose_thresholds


def arch_of(path: Path) -> dict[str, Any]:
    """Configuration of the network in a checkpoint.

    Raises:
        UserError: if there is no checkpoint.
    """
    arch: dict[str, Any] = read_checkpoint(path)["gapcam"]["arch"]
    return arch


class Source(NamedTuple):
    """A `network`, and where it is from, in words."""

    network: Network
    title: str


def score_network(
    config: dict[str, Any],
    source: Source,
    data: DataModule,
    dataset: LocalizationDataset,
    console: Console,
) -> Scored:
    """Look at a split once, and score what the network sees under every protocol.

    Args:
        config: settled configuration of `gapcam.evaluate`.
        source: the network.
        data: has the validation split, on which thresholds are chosen.
        dataset: the split to score.
        console: where it is said what will run.
    """
    module = source.network
    measured = profile(module, module.size, module.last_layer)
    resolution = module.resolution_of_maps(measured.mapping_resolution)
    trainer = build_trainer(config, Path(config["evaluations"]))
    device = f"{trainer.world_size} x {trainer.strategy.root_device.type}"
    seen_as = data.views.describe()
    console.print(
        f"{source.title}: {resolution[0]}x{resolution[1]} maps ({module.cam.title}) of "
        f"{len(dataset):,} images of the {dataset.split} split, {seen_as}; {device}",
        highlight=False,
        soft_wrap=True,
    )
    if config["thresholds"] is not None:
        notes = choose_thresholds(trainer, module, data, dataset, needs_boxes=False)
    else:
        swept = ", ".join(module.test_evaluation.sweeps)
        is_noted = swept and dataset.has_boxes
        notes = [best_of_scored(swept, "as thresholds=null asks for")] if is_noted else []
    loader = getattr(data, f"{config['split']}_dataloader")()
    trainer.test(module, dataloaders=loader, verbose=False)
    details = module.test_evaluation.details
    return Scored(
        evaluation=module.test_evaluation,
        numbers=dict(module.test_numbers),
        images=len(next(iter(details.values())).index),
        maps={
            "source": source.title,
            "kind": module.cam.title,
            "mapping_resolution": list(resolution),
            "view": list(module.size),
            "seen_as": seen_as,
            "device": device,
        },
        resolution=resolution,
        notes=notes,
    )


def open_network(config: dict[str, Any], data: DataModule, console: Console) -> Source:
    """The network that a configuration of `gapcam.evaluate` names.

    Raises:
        UserError: if it cannot be had, or does not fit the data, or cannot draw the maps.
    """
    several = isinstance(config["cam"], list)
    cam, facts = None if several else config["cam"], data_facts(data)
    if config["ckpt"] is None:
        module = build_module(config["arch"], config["protocol"], facts, cam or "auto")
        loaded = load_weights(module)
        assert loaded is not None
        if loaded.fresh:
            raise UserError(
                f"{loaded.describe()}. Where layers are random there is nothing to score: train "
                "them with python -m gapcam.run, or give the data that the weights were trained on."
            )
        console.print(loaded.describe(), highlight=False, soft_wrap=True)
        return Source(module, f"{type(module).__name__}, {config['arch']['weights']}")
    path = Path(config["ckpt"])
    checkpoint = read_checkpoint(path)
    recipe = checkpoint["gapcam"]
    _require_same_data(path, recipe["data"], facts)
    changed = {
        "protocol": config["protocol"],
        "data": recipe["data"] | {"views": facts["views"]},
        "cam": cam or recipe["cam"],
    }
    return Source(rebuild(path, checkpoint, **changed), str(path))


def _require_same_data(path: Path, trained_on: dict[str, Any], given: dict[str, Any]) -> None:
    old, new = trained_on["class_names"], given["class_names"]
    if old != new:
        first = next((pair for pair in zip(old, new, strict=False) if pair[0] != pair[1]), None)
        differ = f", the first that differ: {first[0]} and {first[1]}" if first else ""
        raise UserError(
            f"{path} tells {len(old):,} classes apart, these data have {len(new):,}{differ}. Give "
            "the data set that it was trained on."
        )
    if list(trained_on["size"]) != list(given["size"]):
        raise UserError(
            f"{path} sees images of {trained_on['size']}, and data.size is {given['size']}: leave "
            "out data.size"
        )
