"""Tables of concepts as files: shares in 0..1."""

from collections.abc import Sequence

import numpy as np

from gapcam.data.image_files import ImageFiles
from gapcam.study.concepts.detector import Detector
from gapcam.study.outcome import Sheet


def phrase_sheet(found: Sequence[Detector]) -> Sheet:
    """A line for each phrase."""
    columns = (
        *("phrase", "train_said", "train_unsaid", "test_said", "test_unsaid", "test_between"),
        *("average_precision_before", "average_precision", "floor_average_precision"),
        *("precision_at_10", "precision_at_20", "converged"),
    )
    rows = []
    for one in found:
        train, test = one.concept.train, one.concept.test
        counts = [len(rows) for rows in (train.said, train.unsaid, *test)]
        shares = [one.rounds[0].average_precision, one.average_precision, one.chance]
        shares += [one.precision_at(10), one.precision_at(20)]
        rows.append([one.phrase, *counts, *shares, int(one.machine.converged)])
    return Sheet(columns, rows)


def ranking_sheet(found: Sequence[Detector], held_out: ImageFiles) -> Sheet:
    """A line for each held-out picture and phrase, best first.

    `said` is 1 if a caption says the phrase, 0 if none of its words is in any, empty between.
    """
    columns = ("phrase", "rank", "image", "said", "score", "captions")
    rows = []
    for one in found:
        said = np.isin(one.ranking, one.concept.test.said)
        between = np.isin(one.ranking, one.concept.test.between)
        for rank, row in enumerate(one.ranking.tolist()):
            rows.append(
                [
                    *(one.phrase, rank + 1, held_out.name(row)),
                    None if between[rank] else int(said[rank]),
                    float(one.scores[row]),
                    " | ".join(held_out.index.text(row).split("\n")),
                ]
            )
    return Sheet(columns, rows)


def round_sheet(found: Sequence[Detector]) -> Sheet:
    """A line for each round of mining."""
    columns = ("phrase", "round", "negatives", "hard", "average_precision")
    rows = [[one.phrase, number, *line] for one in found for number, line in enumerate(one.rounds)]
    return Sheet(columns, rows)
