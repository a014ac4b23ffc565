"""One study: build, do, write down. Everything here may import torch."""

import csv
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from rich.console import Console

from gapcam.arch.loading import load_weights
from gapcam.arch.network import Network
from gapcam.arch.profile import profile
from gapcam.atomic import atomic_path, write_text
from gapcam.build import build, build_data, build_module, build_trainer, data_facts
from gapcam.checkpoint import read_checkpoint, rebuild
from gapcam.data.data_module import DataModule
from gapcam.execution import keep_lightning_quiet
from gapcam.progress_bar import progress_bar
from gapcam.run_directory import RunDirectory, is_main_process
from gapcam.run_facts import device_name
from gapcam.study.bench import Bench
from gapcam.study.outcome import Outcome, Sheet
from gapcam.study.steps import Steps
from gapcam.study.study import Study
from gapcam.study_tools.facts import study_facts
from gapcam.study_tools.logged import log_outcome
from gapcam.study_tools.page import render_pages
from gapcam.study_tools.weight_file import DIGEST, digest_of_weights
from gapcam.sweep_guard import refuse_processes
from gapcam.wandb_runs import finish_wandb, wandb_mode_kept


@wandb_mode_kept()
def execute(directory: RunDirectory, command: str, alone: bool, console: Console) -> dict[str, Any]:
    """Do a study and write everything that it leaves behind.

    Args:
        directory: claimed by the caller.
        command: the command line, for the record.
        alone: whether it must stay one process, as a job of a Hydra multirun has to.
        console: where progress is shown.

    Returns:
        What `metrics.json` holds.

    Raises:
        UserError: on bad input, before any picture is looked at where that is possible.
    """
    keep_lightning_quiet()
    pl.seed_everything(directory.config["seed"], workers=True, verbose=False)
    study: Study = build(directory.config["study"], "study")
    bench, source = make_bench(directory, console)
    weights = digest_of_weights(directory.config)
    network, data, trainer = bench.network, bench.data, bench.trainer
    measured = profile(network, network.size, network.last_layer)
    if alone:
        refuse_processes(trainer.world_size)
    try:
        study.check(bench)
        if bench.is_main:
            # Not before everything could be built: a mistake must not own the directory.
            directory.write_config()
            bench.say(
                f"[bold]{study.title}[/]: {source}; {data.describe()}; {trainer.world_size} x "
                f"{trainer.strategy.root_device.type}; {directory.path}"
            )
        start = time.perf_counter()
        outcome = study.run(bench)
        facts = study_facts(
            directory,
            study.title,
            outcome,
            network,
            measured,
            data,
            trainer,
            {"study": time.perf_counter() - start},
            command,
            device_name(trainer),
        ) | {DIGEST: weights}
        if bench.is_main:
            _write_results(directory, outcome, facts, trainer)
    finally:
        finish_wandb(trainer)
    return facts


def make_bench(directory: RunDirectory, console: Console) -> tuple[Bench, str]:
    """What a study works with, and where its network is from, in words.

    Args:
        directory: of the run; has its configuration.
        console: where progress is shown.

    Raises:
        UserError: if data or network cannot be had.
    """
    config = directory.config
    with console.status("reading the data") as status:
        data = build_data(config, lambda n: status.update(f"reading the data: {n:,} pictures"))
    network, fresh, source = trained_network(config, data)
    # Whatever a debugging configuration says: a part of the features is of no use.
    whole = {**config, "trainer": {**config["trainer"], "limit_test_batches": 1.0}}
    return Bench(
        network=network.eval(),
        fresh=fresh,
        data=data,
        data_with=partial(_data_with, config),
        protocol=network.test_evaluation.main,
        trainer=build_trainer(whole, directory.path),
        folder=directory.path,
        features=Path(config["features"]),
        steps=Steps(directory.path / "steps", writes=is_main_process()),
        progress=partial(progress_bar, console=console),
        say=partial(console.print, highlight=False, soft_wrap=True),
        seed=config["seed"],
        gallery=config["gallery"],
        is_main=is_main_process(),
    ), source


def trained_network(
    config: dict[str, Any], data: DataModule
) -> tuple[Network, tuple[str, ...], str]:
    """The network of a checkpoint, or of a weight file; its random layers; where it is from.

    A checkpoint's network keeps its own classes. One with a weight file has those of the data, and
    its classifier is random where the file's is for others.

    Raises:
        UserError: if it cannot be had.
    """
    if config["ckpt"] is None:
        network = build_module(config["arch"], config["protocol"], data_facts(data), config["cam"])
        loaded = load_weights(network)
        assert loaded is not None  # the command has seen to it
        return network, tuple(loaded.fresh), loaded.describe()
    path = Path(config["ckpt"])
    checkpoint = read_checkpoint(path)
    facts = checkpoint["gapcam"]["data"] | {"views": list(data.views.kinds)}
    network = rebuild(path, checkpoint, protocol=config["protocol"], data=facts, cam=config["cam"])
    return network, (), str(path)


def _data_with(config: dict[str, Any], **changed: Any) -> DataModule:
    return build_data({**config, "data": {**config["data"], **changed}})


def _write_results(
    directory: RunDirectory, outcome: Outcome, facts: dict[str, Any], trainer: pl.Trainer
) -> None:
    write_sheet(directory.rows, outcome.rows)
    for name, sheet in outcome.tables.items():
        write_sheet(directory.path / f"{name}.csv", sheet)
    for name, page in render_pages(facts, directory.config, outcome.sections).items():
        write_text(directory.path / f"{name}.html", page)
    log_outcome(trainer.loggers, facts, outcome.sections)
    directory.write_metrics(facts)


def write_sheet(path: Path, sheet: Sheet) -> None:
    """Write a table as CSV; numbers have nine digits, which is the very number in single precision.

    What is not known is left empty.
    """
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(sheet.columns)
        writer.writerows(_written(row) for row in sheet.rows)


def _written(row: Sequence[object]) -> list[object]:
    return [f"{value:.9g}" if isinstance(value, float) else value for value in row]
