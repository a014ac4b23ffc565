"""Runs one after the other, a process each: a failed one does not stop the others."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any, Protocol

from gapcam.recipes.job import Job, Progress
from gapcam.recipes.log import error_in, open_log, printed
from gapcam.recipes.plan import PlannedRun
from gapcam.run_directory import State

INTERRUPTED = 130
"""Exit status of a run that was interrupted."""
STOPPING = "stopping: the run saves what it has; Ctrl-C again kills it"
_POLL_SECONDS = 0.2


class Display(Protocol):
    """Shows how far the jobs are."""

    def changed(self, job: Job, /) -> None:
        """A job has begun, or ended."""

    def tick(self) -> None:
        """Some time has passed."""

    def stopping(self, job: Job, /) -> None:
        """The running job was asked to stop, and is waited for."""


class StopRequests:
    """Counts requests to stop while it is entered: Ctrl-C, SIGTERM, a closed terminal.

    Signals that this process was told to ignore (by `nohup`, or a shell's `&`) are not requests.
    They get a handler that does nothing, because a child would inherit that they are ignored, and
    could then not be interrupted.
    """

    def __init__(self) -> None:
        self.count = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "StopRequests":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            is_ignored = signal.getsignal(number) is signal.SIG_IGN
            handler = self._ignore if is_ignored else self._request
            self._before[number] = signal.signal(number, handler)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _request(self, *_: object) -> None:
        self.count += 1

    def _ignore(self, *_: object) -> None:
        """Do nothing."""


def command_of(run: PlannedRun) -> str:
    """The command line of a run, as one would type it."""
    return shlex.join(["python", "-m", f"gapcam.{run.command}", *run.words])


def run_queue(
    jobs: Sequence[Job],
    display: Display,
    stop: StopRequests,
    program: Sequence[str] | None = None,
) -> None:
    """Run the jobs that wait, until all have ended or a stop is requested.

    The first request interrupts the running job as Ctrl-C would and waits for it, so that it saves
    what it has; a later one kills it.

    Args:
        jobs: in order; their `progress`, `seconds` and `message` are kept up to date.
        display: told of everything.
        stop: entered by the caller.
        program: called with the words of a job; None for its command.

    Raises:
        UserError: if a log cannot be written.
    """
    for job in jobs:
        if stop.count:
            return
        if job.progress is Progress.WAITING:
            _run(job, display, stop, program)


def _run(job: Job, display: Display, stop: StopRequests, program: Sequence[str] | None) -> None:
    program = program or (sys.executable, "-m", f"gapcam.{job.run.command}")
    with open_log(job.log, command_of(job.run)) as log:
        start_of_output = log.tell()
        begin = time.monotonic()
        # A process group of its own: Ctrl-C reaches it once, through us, loader workers included.
        process = subprocess.Popen(  # noqa: S603
            [*program, *job.run.words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        job.progress = Progress.RUNNING
        try:
            display.changed(job)
            _wait(process, job, begin, display, stop)
        finally:
            if process.poll() is None:  # an error of our own
                _send(process, signal.SIGINT)
                process.wait()
    job.progress, job.message = _outcome(job, process.returncode, start_of_output, stop)
    display.changed(job)


def _wait(
    process: subprocess.Popen[bytes],
    job: Job,
    begin: float,
    display: Display,
    stop: StopRequests,
) -> None:
    handled = 0
    while True:
        try:
            process.wait(timeout=_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            job.seconds = time.monotonic() - begin
            if stop.count > handled:
                # Two that come together, as a service manager's, are one.
                _send(process, signal.SIGKILL if handled else signal.SIGINT)
                handled = stop.count
                display.stopping(job)
            display.tick()
        else:
            job.seconds = time.monotonic() - begin
            return


def _send(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return  # it has just ended


def _outcome(job: Job, code: int, start_of_output: int, stop: StopRequests) -> tuple[Progress, str]:
    if code == 0 and job.directory.state() is State.FINISHED:
        return Progress.FINISHED, ""
    if stop.count or code == INTERRUPTED:
        return Progress.INTERRUPTED, ""
    if code == 0:
        return Progress.FAILED, "it ended without a result"
    if code < 0:
        return Progress.FAILED, _ended_by(code)
    return Progress.FAILED, error_in(printed(job.log, start_of_output)) or f"exit status {code}"


def _ended_by(code: int) -> str:
    name = signal.Signals(-code).name
    memory = "; the machine may have run out of memory" if -code == signal.SIGKILL else ""
    return f"killed by {name}{memory}"
