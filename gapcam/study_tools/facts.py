"""What `metrics.json` says of a study: what it says of any run, and what the study adds."""

from typing import Any

import pytorch_lightning as pl

from gapcam.arch.network import Network
from gapcam.arch.profile import Profile
from gapcam.build import versions
from gapcam.data.data_module import DataModule
from gapcam.run_directory import RunDirectory
from gapcam.study.outcome import Outcome


def study_facts(
    directory: RunDirectory,
    title: str,
    outcome: Outcome,
    network: Network,
    measured: Profile,
    data: DataModule,
    trainer: pl.Trainer,
    seconds: dict[str, float],
    command: str,
    device: str,
) -> dict[str, Any]:
    """Everything needed to know how the numbers of a study were made, the numbers included.

    Args:
        directory: of the run; has its configuration.
        title: of the study.
        outcome: what it found.
        network: that was studied.
        measured: its size and mapping resolution.
        data: what it was shown.
        trainer: ran it over the pictures.
        seconds: that it took, by what.
        command: the command line.
        device: where, in words.
    """
    config = directory.config
    main = network.test_evaluation.main.name
    start = config["arch"]["weights"]
    return {
        "title": config["run_id"],
        "study": title,
        "headline": outcome.headline,
        "experiment": config["experiment"],
        "metrics": {f"test/{name}": value for name, value in outcome.metrics.items()},
        "units": "cls_*, loc_*, floor_* of boxes: error rates in 0..1, lower is better; all others "
        "accuracies in 0..1",
        "repeats": {f"test/{name}": list(values) for name, values in outcome.repeats.items()},
        "intervals": {main: {name: list(ends) for name, ends in outcome.intervals.items()}},
        "mistakes": {},
        "protocols": network.test_evaluation.protocol_facts(),
        "weights": config["ckpt"] or start,
        "network": {
            "name": config["arch"]["_target_"].rpartition(".")[2],
            "parameters": measured.parameters,
            "gflops": round(measured.flops / 1e9, 4),
            "last_layer": network.last_layer,
            "mapping_resolution": list(measured.mapping_resolution),
            "maps": network.cam.title,
            "started_from": config["ckpt"] or start,
            "view": list(network.size),
            "pixels": network.pixels.format().describe(),
        },
        "data": {
            "description": data.describe(),
            "evaluated_on": outcome.evaluated_on,
            "view": data.views.describe(),
            "fingerprint": data.fingerprint(),
            "notes": list(outcome.notes),
        },
        "trained": {"epochs": trainer.current_epoch, "steps": trainer.global_step},
        "seed": config["seed"],
        "seconds": seconds,
        "device": device,
        "versions": versions(),
        "command": command,
        **outcome.facts,
    }
