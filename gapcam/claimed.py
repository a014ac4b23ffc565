"""Work in a directory that no other process works in, and what is left there when it ends."""

from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any

from rich.console import Console

from gapcam.errors import UserError
from gapcam.failure import clear_failure, is_explained, write_failure
from gapcam.run_directory import RunDirectory, is_main_process


def work_in(
    directory: RunDirectory,
    command: str,
    work: Callable[[], dict[str, Any]],
    console: Console,
    kept: str | None = None,
) -> dict[str, Any]:
    """Work in a run directory; an error is written into it, an interruption told.

    Args:
        directory: claimed while it is worked in, by the main process.
        command: the command line.
        work: gives what `metrics.json` holds.
        console: where an interruption is told.
        kept: what the same command then does; null for what the checkpoints say.
    """
    with directory.claimed() if is_main_process() else nullcontext():
        if is_main_process():
            clear_failure(directory.path)
        try:
            return work()
        except (KeyboardInterrupt, SystemExit):
            # Lightning turns Ctrl-C into SystemExit once it has shut down.
            console.print(f"Interrupted. {kept or directory.what_is_kept()}", soft_wrap=True)
            raise SystemExit(130) from None
        except Exception as error:
            # Other processes may only have lost the main one, which was interrupted.
            if is_main_process() or is_explained(error):
                with suppress(UserError, OSError):  # on a full disk, which is the error to show
                    write_failure(directory.path, command, error)
            raise
