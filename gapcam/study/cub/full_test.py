"""The test of a network with an SVM for a classifier: the numbers that any run has, kept."""

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gapcam.arch.gap_module import GAPModule
from gapcam.metrics.localization import LocalizationRows
from gapcam.protocol import Protocol
from gapcam.study.bench import Bench
from gapcam.study.cub.boxes import arrays_of, key_of_look, rows_of
from gapcam.study.steps import Arrays
from gapcam.threshold_choice import choose_thresholds


@dataclass(frozen=True)
class FullTest:
    """What a test says.

    `rows` under the main protocol; `numbers` of all protocols, named as in `metrics.json`; `facts`
    what that file has besides: protocols, thresholds, intervals, mistakes; `notes` for readers;
    `cutter` the main protocol at the threshold that was used.
    """

    rows: LocalizationRows
    numbers: dict[str, float]
    facts: dict[str, Any]
    notes: list[str]
    cutter: Protocol


def run_full_test(bench: Bench, network: GAPModule) -> FullTest:
    """Test a network on the pictures of `bench.data.test`, under all protocols; kept as a step.

    Args:
        bench: has data, trainer, and keeps the step.
        network: has the classes of `bench.data`.
    """

    def test() -> Arrays:
        data, evaluation = bench.data, network.test_evaluation
        notes = choose_thresholds(bench.trainer, network, data, data.test, needs_boxes=True)
        bench.trainer.test(network, datamodule=data, verbose=False)
        rows = evaluation.details[evaluation.main.name].rows
        assert rows is not None  # thresholds were chosen
        told = {
            "numbers": network.test_numbers,
            "facts": evaluation.facts(),
            "notes": notes,
            "threshold": evaluation.for_pictures().threshold,
        }
        return {**arrays_of(rows), "told": np.array(json.dumps(told))}

    protocols = network.test_evaluation.protocols.values()
    key = key_of_look(network, bench.data.test) | {
        "protocols": [asdict(protocol) for protocol in protocols],
        "chosen on": bench.data.val.fingerprint,
    }
    kept = bench.steps.arrays("full-test", key, test)
    told = json.loads(str(kept["told"]))
    main = network.test_evaluation.main
    return FullTest(
        rows=rows_of(kept),
        numbers=told["numbers"],
        facts=told["facts"],
        notes=told["notes"],
        cutter=main.at(told["threshold"]) if main.is_swept else main,
    )
