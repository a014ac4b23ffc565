import time
from collections.abc import Iterator
from threading import current_thread

import numba
import numpy as np
import pytest
import torch

from gapcam.cam import compiled as module
from gapcam.cam.compiled import compiled, run


@compiled
def _fill(first: int, last: int, values: np.ndarray, value: float) -> None:
    for index in range(first, last):
        values[index] += value


@compiled
def _multiply_add(first: int, last: int, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    for index in range(first, last):
        c[index] += a[index] * b[index]


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("count", [0, 1, 2, 7, 1000])
@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.usefixtures("threads")
def test_every_index_once(number: int, count: int) -> None:
    torch.set_num_threads(number)
    values = np.zeros(count)
    run(_fill, count, values, 2.0)
    assert (values == 2).all()


def test_no_fused_multiply_add() -> None:
    random = np.random.default_rng(0)
    a, b, c = random.random((3, 1000), np.float32)
    expected = c + a * b
    exact = (c.astype(float) + a.astype(float) * b.astype(float)).astype(np.float32)
    assert (expected != exact).any()
    run(_multiply_add, len(c), a, b, c)
    assert (c == expected).all()


@pytest.mark.usefixtures("threads")
def test_as_many_threads_as_torch_has() -> None:
    torch.set_num_threads(3)
    names = []

    def kernel(first: int, last: int) -> None:
        names.append(current_thread().name)
        time.sleep(0.05)

    run(kernel, 10)
    assert len(set(names)) == 3


@pytest.mark.usefixtures("threads")
def test_errors_of_all_threads_arrive() -> None:
    torch.set_num_threads(2)

    def kernel(first: int, last: int) -> None:
        if first > 0:
            raise RuntimeError(f"slice from {first}")

    with pytest.raises(RuntimeError, match="slice from 5"):
        run(kernel, 10)


def test_a_long_first_call_is_announced(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def _slow(first: int, last: int, values: np.ndarray) -> None:
        time.sleep(0.1)

    values, others = np.zeros(1, np.float32), np.zeros(1, np.float64)
    run(_slow, 1, values)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(module, "SECONDS_OF_SILENCE", 0.01)
    run(_slow, 1, values)
    assert capsys.readouterr().err == ""
    run(_slow, 1, others)  # another type is compiled anew
    expected = "gapcam compiles slow for this machine: some seconds, once.\n"
    assert capsys.readouterr().err == expected


def test_works_without_a_folder_for_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only installation whose user has no home."""

    def refuse(locator: object) -> None:
        raise OSError("read-only")

    def kernel(first: int, last: int, values: np.ndarray) -> None:
        for index in range(first, last):
            values[index] = index

    for locator in ("UserProvidedCacheLocator", "InTreeCacheLocator", "UserWideCacheLocator"):
        monkeypatch.setattr(f"numba.core.caching.{locator}.ensure_cache_path", refuse)
    with pytest.raises(RuntimeError, match="no locator available"):
        numba.njit(cache=True)(kernel)
    values = np.zeros(3)
    run(compiled(kernel), 3, values)
    assert values.tolist() == [0, 1, 2]
