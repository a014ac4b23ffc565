"""Training on several computers, acted by processes of one."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support import FAST_RUN, subprocess_environment, type_in

FAST = (*FAST_RUN, "trainer.accelerator=cpu", "trainer.max_epochs=1", "data.eval_batch_size=5")


def metrics(runs: Path) -> dict[str, float]:
    facts = json.loads((runs / "small_gap-digits" / "trim0" / "seed0" / "metrics.json").read_text())
    assert facts["device"].startswith("2 x cpu")
    numbers: dict[str, float] = facts["metrics"]
    return numbers


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.mark.slow
def test_two_nodes_reach_the_numbers_of_one_with_two_devices(tmp_path: Path) -> None:
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    command = [sys.executable, "-m", "gapcam.run", *FAST, "trainer=ddp_nodes", "trainer.devices=1"]
    limits = [f"trainer.limit_{split}_batches=2" for split in ("train", "val", "test")]
    nodes = [
        subprocess.Popen(
            [*command, *limits, f"runs={tmp_path / 'nodes'}"],
            env=subprocess_environment() | address | {"NODE_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in (0, 1)
    ]
    printed = [node.communicate(timeout=200)[0] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], "".join(printed)
    assert "results  " in printed[0]
    assert "results  " not in printed[1]  # the first one speaks and writes for all
    one = type_in(*FAST, "trainer=ddp", "trainer.devices=2", *limits, f"runs={tmp_path / 'one'}")
    assert one.returncode == 0, one.stderr
    assert metrics(tmp_path / "nodes") == metrics(tmp_path / "one")
