"""What a user reads who makes a mistake, asks, or stops a run."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support import FAST_RUN, compose_config, subprocess_environment, type_in

from gapcam.errors import UserError
from gapcam.run import run

PYTHON = sys.executable


def test_another_configuration_is_refused(finished: tuple[Path, str]) -> None:
    refused = type_in(*FAST_RUN, f"runs={finished[0].parents[2]}", "optim.lr=0.5")
    assert refused.returncode == 1
    assert "optim.lr: 0.05 -> 0.5" in refused.stderr
    assert "name=" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["trainer=3"], "trainer=3: trainer must be one of ddp, ddp_nodes, debug, default"),
        (["arch=vgg_gapp"], "There is no arch=vgg_gapp. Did you mean vgg_gap"),
        (["-m", "optim=papr,modern"], "There is no optim=papr. Did you mean paper?"),
        (["arhc=vgg_gap"], "There is no setting arhc. The configuration has: "),
        (["arhc=vgg_gap"], "Did you mean arch?"),
        (
            ["arch.trimm=1"],
            "arch has: size, trim, units",
        ),
        (
            ["arch=vgg_gap", "optim.optimizer.rate=1"],
            "optim.optimizer has: momentum",
        ),
        (["data=ilsvrc"], "data.root must be set: add data.root=... to the command."),
        (["weights=first"], "weights must be last or best; got 'first'"),
        (["weights=best", "trainer.max_epochs=0"], "weights=best needs training"),
        (["seed=x"], "seed must be a whole number from 0 on; got 'x'"),
        (["-m", "trainer.devices=2"], "cannot train a job with 2 processes"),
        (["-m", "trainer.num_nodes=2"], "Add trainer.devices=1"),
    ],
)
def test_mistakes_answer_without_torch(overrides: list[str], message: str, tmp_path: Path) -> None:
    code = (
        "import sys; from gapcam.run import main\n"
        "try: main()\n"
        "finally: assert 'torch' not in sys.modules, 'torch was imported'"
    )
    answer = subprocess.run(
        [PYTHON, "-c", code, *overrides, f"runs={tmp_path}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=subprocess_environment(),
    )
    assert answer.returncode == 1
    assert message in answer.stderr
    assert "torch was imported" not in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not list(tmp_path.rglob("config.yaml"))


@pytest.mark.parametrize(
    "question", [["--help"], ["--cfg", "job"], ["--shell-completion", "install=bash"]]
)
def test_questions_answer_without_torch(question: list[str]) -> None:
    code = (
        "import sys; from gapcam.run import main\n"
        "try: main()\n"
        "finally: assert 'torch' not in sys.modules, 'torch was imported'"
    )
    answer = subprocess.run(
        [PYTHON, "-c", code, *question],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=subprocess_environment(),
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["arch.trim=7"],
            "arch.trim must be one of 0 (conv3_2), 1 (conv2_2), 2 (conv1_1), or a layer's",
        ),
        (["protocol.paper.threshold=1.5"], "protocol.paper: threshold must be in [0, 1), or null"),
        (
            ["protocol=released"],
            "protocol.released looks at ten views, and this data set has whole",
        ),
        (["data=ilsvrc", "data.root=/nowhere"], "data.root=/nowhere does not hold ILSVRC-2012"),
        (["trainer.accelerator=gpux"], "trainer: "),
        (["trainer.precision=bf16-true"], "trainer.precision must be one of 32-true, 32, 16-mixed"),
        (["trainer.limit_test_batches=0"], "trainer.limit_test_batches=0 leaves nothing to report"),
        (
            ["data.num_workers=-1"],
            "data.num_workers must be null (one a core) or a whole",
        ),
        (["arch.size=64"], "data.size (arch.size) must be [height, width] in whole pixels; got 64"),
        (["+optim.optimizer.rate=1"], "optim.optimizer: "),
        (["optim.lr=-1"], "optim.lr must be positive"),
        (
            ["arch=torchvision_gap", "arch.name=resnet5"],
            "has no network 'resnet5'. Nearest: resnet50",
        ),
        (["arch=vgg_gap", "arch.weights=/no.caffemodel"], "there is no file /no.caffemodel"),
        (["arch=alexnet_gap", "arch.size=[8,8]"], "Images of 8x8 are too small for a trunk up to"),
        (["arch=nin", "arch.weights=imagenet"], "Nobody hosts ImageNet weights of NIN"),
        (["ckpt=/nowhere.ckpt"], "There is no checkpoint /nowhere.ckpt"),
    ],
)
def test_bad_input_gets_one_clear_message(
    overrides: list[str], message: str, tmp_path: Path
) -> None:
    few = () if "data=ilsvrc" in overrides else ("data.counts=[8,8,8]",)
    with pytest.raises(UserError) as caught:
        run(compose_config(*few, *overrides, f"runs={tmp_path}"))
    assert message in str(caught.value)
    # The corrected command is not refused: a mistake does not own the directory.
    assert not list(tmp_path.rglob("config.yaml"))


def test_checkpoint_of_another_network(finished: tuple[Path, str], tmp_path: Path) -> None:
    checkpoint = finished[0] / "checkpoints" / "last.ckpt"
    overrides = [*FAST_RUN, "arch.units=9", f"ckpt={checkpoint}", f"runs={tmp_path}"]
    message = r"is the checkpoint of another network.*\n  arch.units: 8 -> 9"
    with pytest.raises(UserError, match=message):
        run(compose_config(*overrides))


@pytest.mark.slow
def test_broken_picture_in_a_worker_is_named(ilsvrc_root: Path, tmp_path: Path) -> None:
    path = ilsvrc_root / "ILSVRC" / "Data" / "CLS-LOC" / "train" / "n02099601" / "n02099601_2.JPEG"
    path.write_bytes(b"broken")
    command = ["data=ilsvrc", f"data.root={ilsvrc_root}", "arch.size=[32,32]", "data.resize=40"]
    command += ["data.num_workers=1", "data.batch_size=4", "trainer=debug", f"runs={tmp_path}"]
    answer = type_in(*command)
    assert answer.returncode == 1
    assert f"Cannot read a picture of the train split: {path}" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.slow
def test_interrupt_keeps_what_was_finished(tmp_path: Path) -> None:
    command = [*FAST_RUN, f"runs={tmp_path}", "trainer.max_epochs=500"]
    process: subprocess.Popen[Any] = subprocess.Popen(
        [PYTHON, "-m", "gapcam.run", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=subprocess_environment(),
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.rglob("last.ckpt")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(3)  # a few epochs
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130, printed
    assert "he same command goes on from" in printed.replace("\n", " ")
    assert "Traceback" not in printed
    resumed = type_in(*command[:-1], "trainer.max_epochs=1")
    assert resumed.returncode == 1
    assert "has already been trained into epoch" in resumed.stderr
