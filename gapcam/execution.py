"""One run: build, train, test, write down. Everything here may import torch."""

import logging
import time
import warnings
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import yaml
from pytorch_lightning.callbacks import ModelCheckpoint, Timer
from rich.console import Console

from gapcam.announcement import announce, is_test_of_weights
from gapcam.arch.loading import load_weights
from gapcam.arch.network import Network
from gapcam.arch.profile import profile
from gapcam.atomic import write_text
from gapcam.box_file import write_boxes
from gapcam.build import build_data, build_module, build_trainer, data_facts
from gapcam.checkpoint import read_checkpoint, require_same_network
from gapcam.data.data_module import DataModule
from gapcam.errors import UserError
from gapcam.references import reference_metrics
from gapcam.results import gallery_choice, write_curves, write_gallery, write_rows
from gapcam.run_directory import RunDirectory
from gapcam.run_facts import run_facts
from gapcam.score_table import by_protocol, score_rows
from gapcam.sweep_guard import refuse_processes
from gapcam.threshold_choice import choose_thresholds
from gapcam.viz.curves import draw_curves, read_curves
from gapcam.viz.localizations import localize
from gapcam.viz.report import render_report
from gapcam.wandb_runs import finish_wandb, wandb_mode_kept

_EXPECTED_WARNINGS = (
    ".*LeafSpec.*is deprecated.*",  # Lightning with a newer torch
    ".*your dataloader is not resumable.*",  # its sampler is
    ".*Your `IterableDataset` has `__len__` defined.*",  # litdata divides it among workers
    ".*does not have many workers.*",  # digits are in memory
    ".*The number of training batches .* is smaller than the logging interval.*",
    ".*Checkpoint directory .* exists and is not empty.*",  # runs resume
    ".*exists and is not empty with save_top_k.*",
    ".*The dirpath has changed from.*",  # a run directory may be moved
)


@wandb_mode_kept()
def execute(directory: RunDirectory, command: str, alone: bool, console: Console) -> dict[str, Any]:
    """Train (or go on training), test, and write everything a run leaves behind.

    Args:
        directory: claimed by the caller.
        command: the command line, for the record.
        alone: whether it must stay one process, as a job of a Hydra multirun has to.
        console: where the start line goes.

    Returns:
        What `metrics.json` holds.

    Raises:
        UserError: on bad input, before training where that is possible.
    """
    config = directory.config
    keep_lightning_quiet()
    pl.seed_everything(config["seed"], workers=True, verbose=False)
    with console.status("reading the data") as status:
        data = build_data(config, lambda n: status.update(f"reading the data: {n:,} pictures"))
    module = build_module(
        config["arch"], config["protocol"], data_facts(data), config["cam"], config["optim"]
    )
    measured = profile(module, module.size, module.last_layer)
    resolution = module.resolution_of_maps(measured.mapping_resolution)
    measured = measured._replace(mapping_resolution=resolution)
    trainer = build_trainer(config, directory.path)
    if not data.val.has_boxes:
        choose_by_classification(trainer)
    if alone:
        refuse_processes(trainer.world_size)
    try:
        checkpoint = starting_point(directory, module, trainer.world_size)
        loaded = load_weights(module) if checkpoint is None else None
        assert module.optim is not None
        module.optim.make(module, module.is_head)  # a mistake in its settings shows here
        if trainer.is_global_zero:
            # Not before everything could be built: a mistake must not own the directory.
            directory.write_config()
            announce(module, measured, data, trainer, directory, checkpoint, console)
            if loaded is not None:
                console.print(loaded.describe(), highlight=False, soft_wrap=True)
        _train(trainer, module, data, directory, checkpoint)
        start = time.perf_counter()
        notes = choose_thresholds(trainer, module, data, data.test, needs_boxes=True)
        trainer.test(module, datamodule=data, verbose=False)
        seconds = {"train": _seconds_trained(trainer), "test": time.perf_counter() - start}
        facts = run_facts(directory, module, measured, data, trainer, seconds, command)
        if trainer.is_global_zero:
            limits = reference_metrics(
                module.test_evaluation, data.test, measured.mapping_resolution, console
            )
            facts["metrics"] |= {f"test/{name}": value for name, value in limits.items()}
        facts["data"]["notes"] += notes
        if trainer.is_global_zero:
            _write_results(directory, module, data, trainer, facts, console)
    finally:
        finish_wandb(trainer)
    return facts


def keep_lightning_quiet() -> None:
    """Silence notes and warnings that are expected here; the start line says what matters."""
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in _EXPECTED_WARNINGS:
        warnings.filterwarnings("ignore", message)


def starting_point(directory: RunDirectory, module: Network, processes: int) -> Path | None:
    """Return the checkpoint to go on from or to test, None if there is none yet.

    Raises:
        UserError: if training cannot go on from it.
    """
    wanted = directory.config["ckpt"]
    path = Path(wanted) if wanted is not None else directory.resume_from()
    if path is not None:
        checkpoint = read_checkpoint(path)
        require_same_network(path, checkpoint, module)
        trained_on = checkpoint["gapcam"].get("processes", processes)
        if wanted is None and trained_on != processes:
            raise UserError(
                f"{directory.path} was trained with {trained_on} processes and cannot go on with "
                f"{processes}: batches and learning rate would change. Ask for as many devices, "
                "or give this run a name= of its own."
            )
        begun, asked_for = checkpoint["epoch"] + 1, directory.config["trainer"]["max_epochs"]
        if wanted is None and asked_for is not None and 0 <= asked_for < begun:
            raise UserError(
                f"{directory.path} has already been trained into epoch {begun}. Ask for "
                f"trainer.max_epochs={begun} or more, or give a shorter run a name= of its own."
            )
    return path


def _train(
    trainer: pl.Trainer,
    module: Network,
    data: DataModule,
    directory: RunDirectory,
    checkpoint: Path | None,
) -> None:
    config = directory.config
    if is_test_of_weights(config, checkpoint):
        return
    if config["ckpt"] is None:
        trainer.fit(module, datamodule=data, ckpt_path=str(checkpoint) if checkpoint else None)
        tested = directory.checkpoints / "best.ckpt" if config["weights"] == "best" else None
    else:
        tested = checkpoint
    if tested is not None:
        module.load_state_dict(read_checkpoint(tested)["state_dict"])


def choose_by_classification(trainer: pl.Trainer) -> None:
    """Let checkpoints that are chosen by localization be chosen by classification.

    For data whose validation split has no true boxes.
    """
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ModelCheckpoint) and (callback.monitor or "").startswith("val/loc"):
            callback.monitor = "val/cls_top1"


def _seconds_trained(trainer: pl.Trainer) -> float:
    callbacks = trainer.callbacks  # type: ignore[attr-defined]
    timers = [callback for callback in callbacks if isinstance(callback, Timer)]
    return timers[0].time_elapsed("train") if timers else float("nan")


def _write_results(
    directory: RunDirectory,
    module: Network,
    data: DataModule,
    trainer: pl.Trainer,
    facts: dict[str, Any],
    console: Console,
) -> None:
    evaluation = module.test_evaluation
    rows = evaluation.details[evaluation.main.name].rows
    if rows is not None:
        write_rows(directory.rows, rows, data.test, data.class_names)
    for name, details in evaluation.details.items():
        if details.curves is not None and details.curves.images:
            write_curves(directory.path / f"curve-{name}.csv", details.curves)
    groups = gallery_choice(rows, len(data.test), directory.config["gallery"])
    indices = [index for group in groups.values() for index in group]
    module.to(trainer.strategy.root_device)
    if directory.config["boxes"]:
        write_boxes(directory.boxes, module, data, directory.config["boxes"], console)
    gallery = write_gallery(directory.cams, groups, localize(module, data, data.test, indices))
    page = render_report(
        {
            **facts,
            "scores": score_rows(
                by_protocol(facts["metrics"], facts["protocols"]),
                facts["intervals"],
                facts["mistakes"],
            ),
            "has_boxes": data.test.has_boxes,
            "config": yaml.safe_dump(directory.config, sort_keys=False),
        },
        draw_curves(read_curves(directory.path / "csv")),
        gallery,
    )
    write_text(directory.report, page)
    directory.write_metrics(facts)
