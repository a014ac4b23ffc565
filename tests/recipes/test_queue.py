import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recipes_support import finish, make_job

from gapcam.errors import UserError
from gapcam.recipes.job import Job, Progress
from gapcam.recipes.queue import StopRequests, command_of, run_queue

FAKE = """
import json, os, signal, sys, time
from pathlib import Path
way, folder = sys.argv[1], Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
if way == "stubborn":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
with (folder / "starts").open("a") as starts:
    starts.write("x")
print("it begins", flush=True)
if way in ("sleep", "stubborn"):
    try:
        time.sleep(30)
    except KeyboardInterrupt:
        (folder / "saved").touch()
        sys.exit(130)
if way == "mistake":
    print("Error executing job with overrides: ['x']\\nNo such thing.\\nTry another.\\n")
    print("Set the environment variable HYDRA_FULL_ERROR=1 for a complete stack trace.")
    sys.exit(1)
if way == "bug":
    raise ValueError("a bug")
if way == "silent":
    sys.exit(3)
if way == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if way == "finish":
    (folder / "config.yaml").write_text(sys.argv[3])
    (folder / "metrics.json").write_text(sys.argv[4])
"""


class Recorder:
    """Notes what it is told; calls `on_tick` with the running job as soon as that has begun."""

    def __init__(self, on_tick: Callable[[Job], None] | None = None) -> None:
        self.told: list[str] = []
        self.on_tick = on_tick
        self._running: Job | None = None

    def changed(self, job: Job, /) -> None:
        self.told.append(f"{job.run.row} {job.progress.value}")
        self._running = job

    def stopping(self, job: Job, /) -> None:
        self.told.append(f"{job.run.row} stopping")

    def tick(self) -> None:
        if self.on_tick and self._running and started(self._running):
            self.on_tick(self._running)


def started(job: Job) -> int:
    """How often a job was started."""
    starts = job.directory.path / "starts"
    return len(starts.read_text()) if starts.exists() else 0


def fake(folder: Path, row: str, way: str) -> Job:
    job = make_job(folder, row)
    length = '{"length": {"trainer.max_epochs": 8, "trainer.max_steps": -1}}'
    config = "{trainer: {max_epochs: 8, max_steps: -1}, data: {}}"
    words = (way, str(job.directory.path), config, length)
    return make_job(folder, row, words=words)


@pytest.fixture
def queue(tmp_path: Path) -> Callable[..., Recorder]:
    """Run jobs with the fake program."""
    script = tmp_path / "fake.py"
    script.write_text(FAKE)

    def _queue(jobs: list[Job], on_tick: Callable[[Job], None] | None = None) -> Recorder:
        recorder = Recorder(on_tick)
        with StopRequests() as stop:
            run_queue(jobs, recorder, stop, (sys.executable, "-I", str(script)))
        return recorder

    return _queue


@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("silent", "it begins"),
        ("nothing", "it ended without a result"),
        ("mistake", "No such thing.\nTry another."),
        ("bug", "ValueError: a bug"),
        ("killed", "killed by SIGKILL; the machine may have run out of memory"),
    ],
)
def test_a_failed_run_does_not_stop_the_others(
    queue: Callable[..., Recorder], tmp_path: Path, way: str, message: str
) -> None:
    jobs = [fake(tmp_path, "a", way), fake(tmp_path, "b", "finish")]
    recorder = queue(jobs)
    assert recorder.told == ["a running", "a failed", "b running", "b finished"]
    assert jobs[0].message == message
    assert jobs[1].message == ""
    assert 0 < jobs[1].seconds < 20


def test_finished_runs_are_skipped_and_logs_grow(
    queue: Callable[..., Recorder], tmp_path: Path
) -> None:
    assert queue([]).told == []
    done = finish(fake(tmp_path, "a", "bug"))
    queue([done, fake(tmp_path, "b", "mistake")])
    again = fake(tmp_path, "b", "finish")
    queue([done, again])
    assert started(done) == 0
    assert started(again) == 2
    lines = again.log.read_text().splitlines()
    assert lines[0].startswith("$ python -m gapcam.run mistake ")
    assert lines.count("it begins") == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_stop_is_passed_on_once_and_waited_for(
    queue: Callable[..., Recorder], tmp_path: Path, number: signal.Signals
) -> None:
    jobs = [fake(tmp_path, "a", "sleep"), fake(tmp_path, "b", "finish")]
    sent = []

    def request(job: Job) -> None:
        if not sent:
            sent.append(os.kill(os.getpid(), number))

    before = signal.getsignal(number)
    recorder = queue(jobs, request)
    assert recorder.told == ["a running", "a stopping", "a interrupted"]
    assert (jobs[0].directory.path / "saved").exists()
    assert jobs[1].progress is Progress.WAITING
    assert signal.getsignal(number) is before
    # The same queue goes on: the interrupted run first.
    goes_on = [fake(tmp_path, "a", "finish"), fake(tmp_path, "b", "finish")]
    assert queue(goes_on).told[-1] == "b finished"
    assert started(goes_on[0]) == 2


def test_the_second_request_kills(queue: Callable[..., Recorder], tmp_path: Path) -> None:
    job = fake(tmp_path, "a", "stubborn")
    begin = time.monotonic()
    recorder = queue([job], lambda _: os.kill(os.getpid(), signal.SIGINT))
    assert time.monotonic() - begin < 20
    assert recorder.told[-1] == "a interrupted"
    assert job.message == ""


def test_requests_that_come_together_are_one(
    queue: Callable[..., Recorder], tmp_path: Path
) -> None:
    job = fake(tmp_path, "a", "sleep")
    sent = []

    def request(_: Job) -> None:
        if not sent:
            sent.extend(os.kill(os.getpid(), n) for n in (signal.SIGTERM, signal.SIGHUP))

    queue([job], request)
    assert (job.directory.path / "saved").exists()


def test_a_run_interrupted_by_others_is_no_failure(
    queue: Callable[..., Recorder], tmp_path: Path
) -> None:
    jobs = [fake(tmp_path, "a", "sleep"), fake(tmp_path, "b", "finish")]

    before = set(_children())

    def interrupt(job: Job) -> None:
        if job.run.row == "a":
            (child,) = set(_children()) - before
            os.kill(int(child), signal.SIGINT)

    assert queue(jobs, interrupt).told == [
        *("a running", "a interrupted"),
        *("b running", "b finished"),
    ]


def test_an_error_of_our_own_leaves_no_run_behind(
    queue: Callable[..., Recorder], tmp_path: Path
) -> None:
    job = fake(tmp_path, "a", "sleep")
    before = _children()

    def fail(_: Job) -> None:
        raise OSError("the terminal is gone")

    with pytest.raises(OSError, match="the terminal is gone"):
        queue([job], fail)
    assert (job.directory.path / "saved").exists()
    assert _children() == before


def test_ignored_signals_are_no_requests() -> None:
    """As under nohup; a child must not inherit that they are ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopRequests() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
            assert stop.count == 0
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop.count == 1
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_log_that_cannot_be_written(queue: Callable[..., Recorder], tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    job = fake(tmp_path, "a", "finish")
    with pytest.raises(UserError, match=r"Cannot write .*logs/a-seed0.txt \(.*run the same"):
        queue([job])
    job.log = Path("/dev/full")
    with pytest.raises(UserError, match=r"No space left on device.*Make room, and run the same"):
        queue([job])
    assert started(job) == 0


def test_commands_can_be_typed(tmp_path: Path) -> None:
    words = ("+experiment=digits", "data.counts=[1,2,3]")
    assert command_of(make_job(tmp_path, words=words).run) == (
        "python -m gapcam.run +experiment=digits 'data.counts=[1,2,3]'"
    )


def _children() -> list[Any]:
    """Process ids of our children."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
