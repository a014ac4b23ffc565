"""What `metrics.json` says of a run."""

import platform
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from gapcam.arch.details import note_on_classes
from gapcam.arch.network import Network
from gapcam.arch.profile import Profile
from gapcam.build import versions
from gapcam.data.data_module import DataModule
from gapcam.run_directory import RunDirectory


def run_facts(
    directory: RunDirectory,
    module: Network,
    measured: Profile,
    data: DataModule,
    trainer: pl.Trainer,
    seconds: dict[str, float],
    command: str,
) -> dict[str, Any]:
    """Everything needed to know how the numbers of a run were made, the numbers included.

    Args:
        directory: of the run; has its configuration.
        module: the network, after its test.
        measured: its size and mapping resolution.
        data: what it was trained and tested on.
        trainer: which did that.
        seconds: that it took, by what.
        command: the command line.
    """
    config = directory.config
    details = list(module.test_evaluation.details.values())
    trained = trainer.global_step > 0
    start = config["arch"]["weights"] or "random"
    return {
        "title": config["run_id"],
        "experiment": config["experiment"],
        "metrics": {f"test/{name}": value for name, value in module.test_numbers.items()},
        "units": "loc_*, cls_*, floor_*: error rates in 0..1, lower is better; max_box_acc*: "
        "accuracies; floor_centred_side: fraction of a side",
        **module.test_evaluation.facts(),
        "weights": config["ckpt"] or (config["weights"] if trained else f"{start}, not trained"),
        "network": {
            "name": config["arch"]["_target_"].rpartition(".")[2],
            "parameters": measured.parameters,
            "gflops": round(measured.flops / 1e9, 4),
            "last_layer": module.last_layer,
            "mapping_resolution": list(measured.mapping_resolution),
            "maps": module.cam.title,
            "started_from": start,
            "view": list(module.size),
            "pixels": module.pixels.format().describe(),
        },
        "data": {
            "description": data.describe(),
            "evaluated_on": f"{len(details[0].index):,} images of the {data.test.split} split",
            "view": data.views.describe(),
            "fingerprint": data.fingerprint(),
            "notes": data.notes() + note_on_classes(details[0], data.class_names),
        },
        "trained": {"epochs": trainer.current_epoch, "steps": trainer.global_step},
        "seed": config["seed"],
        "seconds": seconds,
        "device": f"{trainer.world_size} x {device_name(trainer)}",
        "versions": versions(),
        "command": command,
    }


def device_name(trainer: pl.Trainer) -> str:
    """What the trainer runs on, in words."""
    device = trainer.strategy.root_device
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} ({_processor()}, {torch.get_num_threads()} threads)"


def _processor() -> str:
    """What the machine says its processor is."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.is_file() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())
