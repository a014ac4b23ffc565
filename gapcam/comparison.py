"""Several kinds of maps of one network, scored on the same images under the same protocols."""

import json
import time
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from gapcam.arch.network import Network
from gapcam.arch.stopwatch import Stopwatch
from gapcam.atomic import atomic_path, write_text
from gapcam.build import versions
from gapcam.cam.views import Size
from gapcam.comparison_table import write_methods
from gapcam.naming import file_name
from gapcam.references import reference_metrics
from gapcam.run_directory import is_main_process
from gapcam.score_network import open_network, score_network
from gapcam.scoring import Split, clear, facts_of, open_split, write_evaluation
from gapcam.viz.localizations import Localization, localize
from gapcam.viz.overlay import side_by_side

PICTURES = 8

OF_A_KIND = ("metrics", "thresholds", "intervals", "mistakes", "maps")
"""Facts that differ from kind to kind."""


def compare(config: dict[str, Any], folder: Path, command: str, console: Console) -> dict[str, Any]:
    """Score each kind of maps that `cam` lists, one after the other, and write what was found.

    The folder gets a folder for each kind, with what `gapcam.scoring` writes of it alone;
    `methods.csv`, all numbers with the cost in forward passes; `pictures.png`, some pictures with
    the maps and boxes of their true classes; `metrics.json`. What an earlier evaluation left there
    is replaced.

    Returns:
        What `metrics.json` holds.

    Raises:
        UserError: on bad input, before anything is computed where that is possible.
    """
    start = time.perf_counter()
    split = open_split(config, console)
    source = open_network(config, split.data, console)
    for word in config["cam"]:
        source.network.choose_maps(word)  # all are refused before any is drawn
    limits: dict[Size, dict[str, float]] = {}
    methods: dict[str, Any] = {}
    pictures: dict[str, list[Localization]] = {}
    for word in config["cam"]:
        source.network.choose_maps(word)
        source.network.stopwatch = watch = Stopwatch()
        scored = score_network(config, source, split.data, split.dataset, console)
        source.network.stopwatch = None
        if config["references"] and is_main_process() and scored.resolution not in limits:
            found = reference_metrics(scored.evaluation, split.dataset, scored.resolution, console)
            limits[scored.resolution] = found
        facts = facts_of(scored, limits.get(scored.resolution, {}), split)
        methods[word] = {
            "title": source.network.cam.title,
            "forward_passes": watch.passes,
            "folder": file_name(word),
            **{key: facts[key] for key in OF_A_KIND},
        }
        if is_main_process():
            if len(methods) == 1:
                clear(folder)
            own = {"title": f"{folder.name}, {word}", **facts, "command": command}
            write_evaluation(folder / file_name(word), own, scored, split)
            pictures[word] = _pictures(source.network, split)
    alike = {key: value for key, value in facts.items() if key not in OF_A_KIND}
    together = {
        "title": folder.name,
        "methods": methods,
        **alike,
        "seconds": {"all": time.perf_counter() - start},
        "versions": versions(),
        "command": command,
    }
    if is_main_process():
        protocol = source.network.test_evaluation.main
        heading = f"true classes; protocol {protocol.title}, {split.dataset.split} split"
        with atomic_path(folder / "pictures.png") as temporary:
            side_by_side(pictures, heading).save(temporary, format="PNG", optimize=True)
        write_methods(folder / "methods.csv", together, split.stage)
        write_text(folder / "metrics.json", json.dumps(together, indent=2))
    return together


def _pictures(network: Network, split: Split) -> list[Localization]:
    """Maps and boxes of the true classes of some pictures, evenly spread over the split."""
    count = min(PICTURES, len(split.dataset))
    rows = torch.linspace(0, len(split.dataset) - 1, count).long().tolist()
    labels = [int(split.dataset.labels[row]) for row in rows]
    return list(localize(network, split.data, split.dataset, rows, labels))
