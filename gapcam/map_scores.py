"""Maps of the true class, whoever made them, scored against the true boxes of a split."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gapcam.arch.details import Details
from gapcam.arch.evaluation import Evaluation
from gapcam.arch.look import Look
from gapcam.batch import Batch
from gapcam.data.dataset import LocalizationDataset

CLASSIFICATION = ("cls_", "loc_top")
"""Beginnings of the numbers that need class scores, which maps alone do not have."""


class Maps(NamedTuple):
    """Maps `(B, h, w)` of whole images, and the `rows` of the split that they belong to."""

    rows: Sequence[int]
    maps: Tensor


def score_maps(
    evaluation: Evaluation,
    dataset: LocalizationDataset,
    batches: Iterable[Maps],
    on_progress: Callable[[int], None],
) -> dict[str, float]:
    """Score maps under every protocol of an evaluation, which is reset first.

    Args:
        evaluation: of protocols; each is shown a map as one view of the whole image.
        dataset: names the true boxes.
        batches: maps of one shape each.
        on_progress: told how many maps of a batch are done.

    Returns:
        The evaluation's numbers, without those that need class scores.
    """
    evaluation.reset()
    for rows, maps in batches:
        batch = truth_of(dataset, rows)
        classes_B2 = batch.labels[:, None].expand(-1, 2)  # a guess, then the true class
        maps_B2hw = maps[:, None].expand(-1, 2, -1, -1)
        look = Look(classes_B2, torch.ones(classes_B2.shape), maps_B2hw, batch.regions)
        evaluation.update(dict.fromkeys(evaluation.kinds, look), batch)
        on_progress(len(rows))
    return {
        name: float(number)
        for name, number in evaluation.compute().items()
        if not needs_scores(name)
    }


def needs_scores(number: str) -> bool:
    """Whether a number, by its name, needs class scores."""
    return number.rpartition("/")[2].removeprefix("oracle_").startswith(CLASSIFICATION)


def without_scores(details: Details) -> Details:
    """The same details of maps without what needs class scores; rows have no guess."""
    rows = details.rows
    if rows is not None:
        rows = rows._replace(
            classes=rows.classes[:, -1:], boxes=rows.boxes[:, -1:], iou=rows.iou[:, -1:]
        )
    return details._replace(
        rows=rows,
        kinds={kind: share for kind, share in details.kinds.items() if kind != "wrong_class"},
        slices={
            by: part._replace(
                numbers={name: v for name, v in part.numbers.items() if not needs_scores(name)}
            )
            for by, part in details.slices.items()
        },
        intervals={name: v for name, v in details.intervals.items() if not needs_scores(name)},
    )


def truth_of(dataset: LocalizationDataset, rows: Sequence[int]) -> Batch:
    """What is known of images without their pixels: a batch of no pixel, seen as a whole."""
    sizes = [dataset.own_size(row) for row in rows]
    boxes = [
        dataset.true_boxes(row, (int(height), int(width)))
        for row, (height, width) in zip(rows, sizes, strict=True)
    ]
    return Batch(
        images=torch.zeros(len(rows), 3, 0, 0, dtype=torch.uint8),
        labels=torch.tensor([int(dataset.labels[row]) for row in rows]),
        boxes=torch.nn.utils.rnn.pad_sequence(boxes, batch_first=True),
        counts=torch.tensor([len(some) for some in boxes]),
        sizes=torch.tensor(sizes),
        regions=torch.tensor([[0.0, 0.0, width, height] for height, width in sizes]),
        index=torch.tensor(rows),
    )
