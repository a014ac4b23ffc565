"""What `gapcam.evaluate` does once its configuration is settled."""

import csv
import json
import time
from collections.abc import Sequence
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

import torch
from matplotlib.figure import Figure
from rich.console import Console

from gapcam.arch.details import Details, note_on_classes
from gapcam.atomic import atomic_path, write_text
from gapcam.build import build_data, build_protocols, versions
from gapcam.cam.max_box import Curves
from gapcam.data.data_module import DataModule
from gapcam.data.dataset import LocalizationDataset
from gapcam.execution import keep_lightning_quiet
from gapcam.metrics.drawing import draw_curves
from gapcam.metrics.sample_metric import main_iou
from gapcam.progress_bar import progress_bar
from gapcam.protocol import Protocol
from gapcam.references import reference_metrics
from gapcam.results import write_curves, write_rows
from gapcam.run_directory import is_main_process
from gapcam.score_maps import score_folder
from gapcam.score_network import open_network, score_network
from gapcam.score_table import by_protocol
from gapcam.scored import Scored

COMPARED = ("methods.csv", "pictures.png")
"""What else a comparison of kinds of maps leaves."""

UNITS = (
    "cls_*, loc_*, floor_*, ceiling_*: error rates in 0..1, lower is better; "
    "max_box_acc*: accuracies; floor_centred_side: fraction of a side"
)


class Split(NamedTuple):
    """The split to score: its `dataset`, the `data` it is of, and its name there, the `stage`."""

    data: DataModule
    dataset: LocalizationDataset
    stage: str


def score(config: dict[str, Any], folder: Path, command: str, console: Console) -> dict[str, Any]:
    """Score a network or a folder of maps, and write what was found into a folder.

    What an earlier evaluation left there is replaced. For the files see `write_evaluation`.

    Returns:
        What `metrics.json` holds.

    Raises:
        UserError: on bad input, before anything is computed where that is possible.
    """
    start = time.perf_counter()
    split = open_split(config, console)
    if config["maps"] is None:
        source = open_network(config, split.data, console)
        scored = score_network(config, source, split.data, split.dataset, console)
    else:
        with progress_bar("scoring maps", len(split.dataset), console) as advance:
            scored = score_folder(config, split.data, split.dataset, advance)
    limits = {}
    if config["references"] and is_main_process():
        limits = reference_metrics(scored.evaluation, split.dataset, scored.resolution, console)
    facts = {
        "title": folder.name,
        **facts_of(scored, limits, split),
        "seconds": {"all": time.perf_counter() - start},
        "versions": versions(),
        "command": command,
    }
    if is_main_process():
        clear(folder)
        write_evaluation(folder, facts, scored, split)
    return facts


def open_split(config: dict[str, Any], console: Console) -> Split:
    """Read the data.

    Raises:
        UserError: on bad input, also in the protocols.
    """
    keep_lightning_quiet()
    build_protocols(config["protocol"])  # a mistake shows before the data are read
    with console.status("reading the data") as status:
        data = build_data(config, lambda n: status.update(f"reading the data: {n:,} pictures"))
    return Split(data, getattr(data, config["split"]), config["split"])


def facts_of(scored: Scored, limits: dict[str, float], split: Split) -> dict[str, Any]:
    """What was found, for a file; `limits` are the numbers of floors and ceiling."""
    evaluation, data, dataset = scored.evaluation, split.data, split.dataset
    main = next(iter(evaluation.details.values()))
    numbers = scored.numbers | limits
    return {
        "metrics": {f"{split.stage}/{name}": value for name, value in numbers.items()},
        "units": UNITS,
        **evaluation.facts(),
        "maps": scored.maps,
        "data": {
            "description": data.describe(),
            "evaluated_on": f"{scored.images:,} images of the {dataset.split} split",
            "fingerprint": {split.stage: dataset.fingerprint},
            "notes": data.notes() + scored.notes + note_on_classes(main, data.class_names),
        },
    }


def write_evaluation(folder: Path, facts: dict[str, Any], scored: Scored, split: Split) -> None:
    """Write what was found.

    The folder gets `metrics.json`; for each protocol `slices-<protocol>.csv`, numbers of groups of
    images; `rows-<protocol>.csv`, the boxes of every image, where the protocol has a threshold; and
    `curve-<protocol>.csv` and `.png` where it tries all of them.
    """
    evaluation = scored.evaluation
    by_name = by_protocol(facts["metrics"], evaluation.protocols, split.stage)
    for name, details in evaluation.details.items():
        _write_details(folder, name, details, split.dataset, split.data.class_names)
        if details.curves is not None and details.curves.images:
            protocol = evaluation.protocols[name]
            write_curves(folder / f"curve-{name}.csv", details.curves)
            _draw(folder / f"curve-{name}.png", details.curves, protocol, by_name[name])
    write_text(folder / "metrics.json", json.dumps(facts, indent=2))


def clear(folder: Path) -> None:
    """Remove an earlier evaluation, which may have been of other protocols or kinds of maps."""
    for kind in _compared(folder / "metrics.json"):
        clear(folder / kind)
        if (folder / kind).is_dir() and not any((folder / kind).iterdir()):
            (folder / kind).rmdir()
    for pattern in ("metrics.json", "rows-*.csv", "slices-*.csv", "curve-*", *COMPARED):
        for path in folder.glob(pattern):
            path.unlink()


def _compared(path: Path) -> list[str]:
    """Folders of the kinds of maps that an earlier evaluation compared."""
    if not path.is_file():
        return []
    methods = json.loads(path.read_text(encoding="utf-8")).get("methods", {})
    return [one["folder"] for one in methods.values()]


def _draw(path: Path, curves: Curves, protocol: Protocol, numbers: dict[str, float]) -> None:
    figure = Figure(figsize=(8, 5), layout="constrained")
    values = {name: torch.tensor(value) for name, value in numbers.items()}
    draw_curves(curves, values, main_iou(protocol), protocol.title, figure.subplots())
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=150)


def _write_details(
    folder: Path,
    name: str,
    details: Details,
    dataset: LocalizationDataset,
    class_names: Sequence[str],
) -> None:
    if details.rows is not None:
        write_rows(folder / f"rows-{name}.csv", details.rows, dataset, class_names)
    with (
        atomic_path(folder / f"slices-{name}.csv") as temporary,
        temporary.open("w", newline="") as file,
    ):
        writer = csv.writer(file)
        for by, part in details.slices.items():
            if by == next(iter(details.slices)):
                writer.writerow(["by", "group", "images", "with_boxes", *part.numbers])
            groups = class_names if by == "class" else part.groups
            columns = [part.images, part.with_boxes, *part.numbers.values()]
            for group, *values in zip(groups, *(c.tolist() for c in columns), strict=True):
                # An empty cell: no image of the group counts.
                writer.writerow([by, group, *("" if isnan(v) else f"{v:.6g}" for v in values)])
