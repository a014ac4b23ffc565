"""Deep features: are they good for data that the network was not trained on (Table 5)?"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gapcam.errors import UserError
from gapcam.study.bench import Bench
from gapcam.study.extraction import extract_pool
from gapcam.study.features.judged import FOLDS, Judged, judge
from gapcam.study.features.numbers import metrics_of, rows_of, tables_of, tested_on
from gapcam.study.features.page import sections_of, sentence_of
from gapcam.study.features.repetition import Repetition, read_repetitions, require_pictures
from gapcam.study.layer import Layer
from gapcam.study.outcome import Outcome
from gapcam.study.pool import Pool
from gapcam.study.study import Study
from gapcam.study.trained import require_trained


class Features(Study):
    """Features of a trained network, and a linear SVM on them, under a data set's protocol.

    Args:
        layer: whose answers are the features, see `gapcam.study.layer.Layer`.
        pool: how a layer with places becomes a vector: `avg` or `max`.
        c: of the SVM; of several the best in cross-validation on the training pictures.
        splits: `all` of the protocol, or the `one` of the configuration.

    Raises:
        UserError: if a setting is out of range.
    """

    title = "Deep features"

    def __init__(
        self,
        *,
        layer: str | None = None,
        pool: str = "avg",
        c: float | Sequence[float] = 1.0,
        splits: str = "all",
    ) -> None:
        if pool not in ("avg", "max"):
            raise UserError(f"study.pool must be avg or max; got {pool!r}")
        if splits not in ("all", "one"):
            raise UserError(f"study.splits must be all or one; got {splits!r}")
        self.layer = layer
        self.pool = pool
        self.choices = _require_c(c)
        self.splits = splits

    def check(self, bench: Bench) -> None:
        require_trained(Layer(bench.network, self.layer, self.pool), bench.fresh)
        if getattr(bench.data, "stream", None) is not None:
            raise UserError(
                "Features are computed of picture files, and data.stream has shards: leave it out"
            )
        several = len(self.choices) > 1
        for repetition in read_repetitions(bench, self.splits):
            require_pictures(
                repetition,
                FOLDS if several else 1,
                f"several study.c are compared on {FOLDS} parts, so each class needs {FOLDS}"
                if several
                else "a classifier needs one of each class at least",
            )

    def run(self, bench: Bench) -> Outcome:
        repetitions = read_repetitions(bench, self.splits)
        layer = Layer(bench.network, self.layer, self.pool)
        judged = self._judge(bench, layer, repetitions)
        numbers = metrics_of(judged, bench.seed)
        return Outcome(
            metrics=numbers.metrics,
            repeats=numbers.repeats,
            intervals=numbers.intervals,
            evaluated_on=tested_on(judged),
            headline=sentence_of(judged, layer),
            sections=sections_of(bench, judged, layer, self.choices),
            rows=rows_of(judged),
            tables=tables_of(judged),
            notes=self._notes(bench, judged),
            facts={
                "features": {
                    "layer": layer.name,
                    "units": int(judged[0].machine.weight.shape[1]),
                    "pool": layer.pool,
                    "c": [one.c for one in judged],
                    "repetitions": [one.repetition.name for one in judged],
                }
            },
        )

    def _judge(self, bench: Bench, layer: Layer, repetitions: Sequence[Repetition]) -> list[Judged]:
        splits = [s for one in repetitions for s in (one.data.train, one.data.test)]
        pictures = Pool(splits)
        features = extract_pool(bench, pictures, layer)
        judged = []
        with bench.progress("Training linear classifiers", len(repetitions)) as advance:
            for number, repetition in enumerate(repetitions):
                # Ten splits of a large data set would not fit into memory together.
                train, test = (
                    np.asarray(features[pictures.places(2 * number + part)]) for part in (0, 1)
                )
                name = f"svm-{number + 1}"
                judged.append(
                    judge(repetition, train, test, self.choices, bench.seed, bench.steps, name)
                )
                advance(1)
        return judged

    def _notes(self, bench: Bench, judged: Sequence[Judged]) -> list[str]:
        unfinished = sum(not one.machine.converged for one in judged)
        return [
            *(note for note in bench.data.notes() if not note.startswith("no true boxes")),
            *(
                [f"{unfinished} of {len(judged)} linear classifiers did not converge"]
                if unfinished
                else []
            ),
        ]


def _require_c(c: Any) -> list[float]:
    values = list(c) if isinstance(c, Sequence) and not isinstance(c, str) else [c]
    are_numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if not values or not are_numbers or not all(0 < v < float("inf") for v in values):
        raise UserError(f"study.c must be a number above 0, or a list of such numbers; got {c!r}")
    return [float(value) for value in values]
