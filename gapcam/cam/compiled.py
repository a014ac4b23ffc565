"""How the compiled engines are compiled and run: Numba, on threads of our own.

Numba's own thread pools (OpenMP above all) wait by spinning and fight with torch's for the cores.
Kernels here are therefore single-threaded, release the interpreter's lock, and are called on
slices of a batch from as many Python threads as torch may use.
"""

import hashlib
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path
from threading import Timer
from typing import Any, TypeVar, cast

import numba
import torch

Function = TypeVar("Function", bound=Callable[..., Any])

SECONDS_OF_SILENCE = 1.0

_known: set[tuple[Any, ...]] = set()


def compiled(function: Function) -> Function:
    """Decorate a function to be compiled at its first call and cached on disk for the next time.

    Arithmetic stays IEEE: no reordering, no fused multiply-add, so results equal torch's.
    """
    config: Any = numba.config
    before, config.CACHE_DIR = config.CACHE_DIR, _cache_folder()
    try:
        decorated = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # no folder for a cache can be written to
        decorated = numba.njit(nogil=True, error_model="numpy")(function)
    finally:
        config.CACHE_DIR = before
    return cast(Function, decorated)


@cache
def _cache_folder() -> str:
    """Where kernels made of these very sources are kept, `$NUMBA_CACHE_DIR` or the user's cache.

    Numba looks whether the file of a kernel has changed, not those of the functions it calls.
    """
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    users = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gapcam"
    kept = Path(os.environ.get("NUMBA_CACHE_DIR") or users)
    return str(kept / "kernels" / digest.hexdigest()[:16])


def run(kernel: Callable[..., None], count: int, *arguments: Any) -> None:
    """Call `kernel(first, last, *arguments)` on slices that cover `0..count-1`, in threads.

    Says so where the first call takes long because the kernel has to be compiled.
    """
    kind = (kernel, *(getattr(argument, "dtype", type(argument)) for argument in arguments))
    if kind in _known:
        _run_slices(kernel, count, arguments)
        return
    notice = Timer(SECONDS_OF_SILENCE, _say, [kernel.__name__])
    notice.daemon = True
    notice.start()
    try:
        _run_slices(kernel, count, arguments)
    finally:
        notice.cancel()
    _known.add(kind)


def _run_slices(kernel: Callable[..., None], count: int, arguments: tuple[Any, ...]) -> None:
    threads = max(1, min(count, torch.get_num_threads()))
    cuts = [count * part // threads for part in range(threads + 1)]
    others = [
        _pool(os.getpid(), threads).submit(kernel, first, last, *arguments)
        for first, last in pairwise(cuts[1:])
    ]
    kernel(cuts[0], cuts[1], *arguments)
    for other in others:
        other.result()


@cache
def _pool(process: int, threads: int) -> ThreadPoolExecutor:  # noqa: ARG001  # forks need their own
    return ThreadPoolExecutor(threads, thread_name_prefix="gapcam")


def _say(kernel: str) -> None:
    print(
        f"gapcam compiles {kernel.strip('_')} for this machine: some seconds, once.",
        file=sys.stderr,
        flush=True,
    )
