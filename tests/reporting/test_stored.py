import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from written_runs import write_run

from gapcam.reporting.stored import read_config, read_facts

SHARED = {"metrics": {"test/cls_top1": math.nan}, "seconds": {"train": math.nan}, "mistakes": {}}


@pytest.mark.parametrize("changes", [{}, *({key: value} for key, value in SHARED.items())])
def test_facts_of_a_run(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = write_run(tmp_path) / "metrics.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    facts = read_facts(path)
    assert isinstance(facts, dict)
    assert facts["network"]["mapping_resolution"] == [16, 16]


@pytest.mark.parametrize(
    ("where", "value", "fault"),
    [
        ("protocols", {}, "protocols is empty"),
        ("protocols.paper.title", None, "protocols.paper.title is 'None'"),
        ("protocols.paper", {"id": "x"}, "protocols.paper.title is missing"),
        ("metrics.test/loc_top1", "0.5", "metrics.test/loc_top1 is '0.5'"),
        ("metrics.test/cam/loc_top1", 0.5, "protocols has no cam"),
        ("intervals.paper", None, "intervals.paper is 'None'"),
        ("intervals.paper.loc_top1", [0.1], "intervals.paper.loc_top1 is '[0.1]'"),
        ("intervals.paper.loc_top1", [0.1, "x"], "intervals.paper.loc_top1.1 is 'x'"),
        ("network.mapping_resolution", None, "network.mapping_resolution is 'None'"),
        ("data.fingerprint", None, "data.fingerprint is 'None'"),
        ("seconds", {"train": None}, "seconds.train is 'None'"),
        ("trained", {"epochs": 4}, "trained.steps is missing"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, where: str, value: Any, fault: str) -> None:
    path = write_run(tmp_path) / "metrics.json"
    facts = json.loads(path.read_text())
    *outer, last = where.split(".")
    inner = facts
    for key in outer:
        inner = inner[key]
    inner[last] = value
    path.write_text(json.dumps(facts))
    found = read_facts(path)
    assert isinstance(found, str)
    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda config: config.clear(), {}),  # somebody else's
        (lambda config: config.pop("experiment"), None),
        (lambda config: config.pop("arch"), "in its config.yaml arch is missing"),
        (lambda config: config.update(arch="x"), "in its config.yaml arch is 'x'"),
        (lambda config: config.update(seed=[1]), "in its config.yaml seed is '[1]'"),
        (
            lambda config: config["experiment"].pop("row"),
            "in its config.yaml experiment.row is miss",
        ),
    ],
)
def test_configurations(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], fault: str | dict[str, Any] | None
) -> None:
    path = write_run(tmp_path) / "config.yaml"
    config = yaml.safe_load(path.read_text())
    change(config)
    path.write_text(yaml.safe_dump(config))
    found = read_config(path)
    if isinstance(fault, str):
        assert str(found).startswith(fault)
    else:
        assert found == (config if fault is None else fault)
