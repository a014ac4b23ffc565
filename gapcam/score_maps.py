"""Scoring heat maps on disk, made by any program."""

from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import torch

from gapcam.arch.evaluation import Evaluation
from gapcam.build import build_protocols
from gapcam.data.data_module import DataModule
from gapcam.data.dataset import LocalizationDataset
from gapcam.data.map_files import MapFolder
from gapcam.errors import UserError
from gapcam.map_scores import Maps, score_maps, without_scores
from gapcam.scored import Scored
from gapcam.threshold_choice import NO_OTHERS, best_of_scored

AT_ONCE = 64


def score_folder(
    config: dict[str, Any],
    data: DataModule,
    dataset: LocalizationDataset,
    on_progress: Callable[[int], None],
) -> Scored:
    """Score a folder of maps of the true classes against a split's boxes.

    Args:
        config: settled configuration of `gapcam.evaluate`.
        data: has the validation split and the class names.
        dataset: the split to score.
        on_progress: told how many more maps are done.

    Raises:
        UserError: if an image has no map, or no image has a true box; before any is scored.
    """
    if not dataset.has_boxes:
        raise UserError(f"The {dataset.split} split has no true boxes to score maps against.")
    folder = _open(config["maps"], dataset)
    view: tuple[int, int] = tuple(config["view"])
    evaluation = Evaluation(build_protocols(config["protocol"]), view, num_classes=data.num_classes)
    notes = folder.notes()
    if evaluation.sweeps:
        notes += _choose(config, data, dataset, evaluation)
    numbers = score_maps(evaluation, dataset, _batches(folder), on_progress)
    evaluation.gather_details()
    evaluation.details = {name: without_scores(d) for name, d in evaluation.details.items()}
    return Scored(
        evaluation=evaluation,
        numbers={name: round(value, 6) for name, value in numbers.items()},
        images=len(folder),
        maps={"source": str(config["maps"]), "largest": list(folder.largest), "view": list(view)},
        resolution=folder.largest,
        notes=notes + folder.notes_of_reading(),
    )


def _choose(
    config: dict[str, Any], data: DataModule, dataset: LocalizationDataset, evaluation: Evaluation
) -> list[str]:
    """Choose thresholds on maps of the validation split, if there are any."""
    swept = ", ".join(evaluation.sweeps)
    if dataset is data.val or not data.val.has_boxes:
        return [best_of_scored(swept, NO_OTHERS)]
    if config["val_maps"] is None:
        return [best_of_scored(swept, "val_maps=... names maps of the validation split")]
    protocols = {name: evaluation.protocols[name] for name in evaluation.sweeps}
    chooser = Evaluation(protocols, evaluation.size)
    score_maps(chooser, data.val, _batches(_open(config["val_maps"], data.val)), lambda _: None)
    chooser.gather()
    evaluation.choose(chooser.best, f"the best of the {data.val.split} split")
    return [f"{swept}: thresholds chosen on {len(data.val):,} maps of the {data.val.split} split"]


def _open(folder: str, dataset: LocalizationDataset) -> MapFolder:
    if not Path(folder).is_dir():
        raise UserError(
            f"{folder} is no folder. Give one with a .npy, .png or .pt file for each image of the "
            f"{dataset.split} split, as {dataset.name(0)}.npy"
        )
    return MapFolder(Path(folder), [dataset.name(row) for row in range(len(dataset))])


def _batches(folder: MapFolder) -> Iterator[Maps]:
    """Maps in order, neighbours of one shape together."""
    samples = (folder[row] for row in range(len(folder)))
    for _, alike in groupby(samples, key=lambda sample: tuple(sample.map.shape)):
        some = []
        for sample in alike:
            some.append(sample)
            if len(some) == AT_ONCE:
                yield _stacked(some)
                some = []
        if some:
            yield _stacked(some)


def _stacked(samples: list[Any]) -> Maps:
    rows = [sample.index for sample in samples]
    return Maps(rows, torch.stack([sample.map for sample in samples]))
