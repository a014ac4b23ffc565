"""Differences between the lines of a table on the same images, with what chance allows.

Two lines scored on the same images differ by less chance than each has alone: an image that is
hard is hard for both. So each resample draws images, and takes the difference on those.
"""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from gapcam.errors import UserError
from gapcam.reporting.image_scores import can_score, has_images, image_scores
from gapcam.reporting.page import PairedDifferences
from gapcam.reporting.table import PERCENT, Cell, Column, Table

RESAMPLES = 1000
LEVEL = 0.95
_DRAWN_AT_ONCE = 2**20

Scores = dict[str, NDArray[np.float64]]
"""By set of images, the share of a line's runs that got each image wrong."""


def paired_differences(tables: Iterable[Table]) -> tuple[list[PairedDifferences], list[str]]:
    """Compare the lines of each table image by image in its first localization error.

    Where a table has none, it is its first classification error. Lines without runs, and those of
    which `rows.csv` is missing or was changed, are left out; images count if every line has them.

    Returns:
        Differences for tables of which two lines or more can be compared, and notes on others.
    """
    found, notes = [], []
    for table in tables:
        for place in _compared(table):
            lines = {}
            for line in table.lines:
                scores, wrong = _scores(line.cells[place], table.columns[place])
                notes += wrong
                if scores:
                    lines[line.title] = scores
            differences = _differences(lines, table.columns[place], table.recipe)
            if differences is not None:
                found.append(differences)
            elif len(lines) > 1:
                notes.append(
                    f"No paired differences: no image was seen by all of {'; '.join(lines)}"
                )
    return found, list(dict.fromkeys(notes))


def resampled_means(
    scores_LN: NDArray[np.float64], resamples: int = RESAMPLES, seed: int = 0
) -> NDArray[np.float64]:
    """Means of each line's scores over images drawn with replacement, the same for all lines.

    Args:
        scores_LN: of L lines on N images.
        resamples: how often N of the N images are drawn.
        seed: of the draws.

    Returns:
        `(R, L)`.
    """
    images = scores_LN.shape[1]
    generator = np.random.default_rng(seed)
    means = []
    for first in range(0, resamples, at_once := max(1, _DRAWN_AT_ONCE // images)):
        times_RN = np.stack(
            [
                np.bincount(generator.integers(images, size=images), minlength=images)
                for _ in range(min(at_once, resamples - first))
            ]
        )
        means.append(times_RN @ scores_LN.T / images)
    return np.concatenate(means)


def _compared(table: Table) -> list[int]:
    """Columns of one number: the first localization error, or else classification error."""
    possible = [place for place in range(len(table.columns)) if _is_in_rows(table, place)]
    first = min(possible, key=lambda place: "cls" in table.columns[place].name, default=None)
    if first is None:
        return []
    wanted = table.columns[first].name
    return [place for place in possible if table.columns[place].name == wanted]


def _is_in_rows(table: Table, place: int) -> bool:
    """Whether `rows.csv` is about the number: an error of the main protocol."""
    protocol, _, name = table.columns[place].name.rpartition("/")
    runs = [run for line in table.lines for run in line.cells[place].runs]
    mains = {next(iter(run.facts["protocols"])) for run in runs}
    return can_score(name) and (not protocol or mains <= {protocol})


def _scores(cell: Cell, column: Column) -> tuple[Scores, list[str]]:
    by_images, notes = defaultdict(list), []
    for run in cell.runs:
        if not has_images(run.path):
            continue
        try:
            images, wrong = image_scores(run.path, run.facts, column.name.rpartition("/")[2])
        except UserError as error:
            notes.append(f"Left out of the paired differences: {error}")
        else:
            by_images[images].append(~wrong if column.is_accuracy else wrong)
    return {images: np.mean(several, axis=0) for images, several in by_images.items()}, notes


def _differences(lines: dict[str, Scores], column: Column, recipe: str) -> PairedDifferences | None:
    shared = set.intersection(*map(set, lines.values())) if lines else set()
    if len(lines) < 2 or not shared:
        return None
    scores_LN = PERCENT * np.stack(
        [np.concatenate([scores[images] for images in sorted(shared)]) for scores in lines.values()]
    )
    means_RL = resampled_means(scores_LN)
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    lower, upper = np.quantile(means_RL[:, :, None] - means_RL[:, None, :], tails, axis=0)
    means = scores_LN.mean(1)
    return PairedDifferences(
        column=column,
        lines=tuple(lines),
        difference=_matrix(means[:, None] - means[None, :]),
        lower=_matrix(lower),
        upper=_matrix(upper),
        images=scores_LN.shape[1],
        recipe=recipe,
    )


def _matrix(values: NDArray[np.float64]) -> tuple[tuple[float | None, ...], ...]:
    return tuple(
        tuple(None if i == j else float(value) for j, value in enumerate(row))
        for i, row in enumerate(values)
    )
