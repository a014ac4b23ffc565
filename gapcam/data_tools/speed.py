"""`python -m gapcam.data speed`: images/s of the loader alone, and of the network alone."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch.optim import SGD

from gapcam.arch.network import Network
from gapcam.batch import Batch
from gapcam.build import build_data, build_module, data_facts
from gapcam.data.data_module import DataModule
from gapcam.errors import UserError
from gapcam.protocol import Protocol

_WARM_UP = 2
"""Batches that are not counted: workers start, kernels are chosen."""


def run(option: str, plain: dict[str, Any], console: Console) -> int:
    """Measure and print; returns 0."""
    if plain["workers"] is not None:
        plain["data"]["num_workers"] = plain["workers"]
    if plain["data"].get("stream") is not None:
        raise UserError("speed measures picture files: leave out data.stream")
    if not isinstance(plain["seconds"], int | float) or plain["seconds"] <= 0:
        raise UserError(f"seconds must be a number above 0; got {plain['seconds']!r}")
    with console.status("reading the data"):
        data = build_data(plain)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    seconds = float(plain["seconds"])
    with console.status(f"loading for {seconds:g} s"):
        loaded = loader_speed(data, seconds)
    protocol = {"paper": {"_target_": f"{Protocol.__module__}.Protocol"}}
    module = build_module(plain["arch"], protocol, data_facts(data))
    with console.status(f"training for {seconds:g} s"):
        needed = network_speed(module.to(device), data, seconds)
    workers = max(1, data.num_workers)
    table = Table(title=f"data={option}, batches of {data.batch_size}", title_justify="left")
    for column in ("what", "images/s"):
        table.add_column(column, justify="left" if column == "what" else "right")
    table.add_row(f"loader, {data.num_workers} workers", f"{loaded:,.0f}")
    table.add_row("loader, each worker", f"{loaded / workers:,.0f}")
    name = plain["arch"]["_target_"].rpartition(".")[2]
    table.add_row(f"{name} training on {device.type}", f"{needed:,.0f}")
    console.print(table)
    console.print(verdict(loaded, needed, workers), highlight=False)
    return 0


def verdict(loaded: float, needed: float, workers: int) -> str:
    """Say in words what the two speeds mean.

    Args:
        loaded: images/s of the loader.
        needed: images/s that the network trains on.
        workers: of the loader.
    """
    if loaded >= needed:
        return f"The loader is {loaded / needed:.1f} times as fast as the network needs."
    more = -(-workers * 1.2 * needed // loaded)
    return (
        f"The network waits for the loader, which gives {loaded / needed:.0%} of what it needs. "
        f"{more:.0f} workers would do (data.num_workers), if there are as many cores; pictures on "
        "a slow disk load faster from shards: python -m gapcam.data shards"
    )


def loader_speed(data: DataModule, seconds: float) -> float:
    """Images a second of the training loader, epochs after epochs, for a while."""

    def batches() -> Iterable[Batch]:
        epoch, loader = 0, data.train_loader()
        while True:
            loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
            yield from loader
            epoch += 1

    each = iter(batches())
    return _rate(lambda: len(next(each).labels), seconds, torch.device("cpu"))


def network_speed(module: Network, data: DataModule, seconds: float) -> float:
    """Images a second of forward pass, backward pass and step, on a batch that stays the same."""
    module.configure_model()
    optimizer = SGD(module.parameters(), lr=0.0)
    images = torch.randint(256, (data.batch_size, 3, *data.size), dtype=torch.uint8)
    labels = torch.zeros(data.batch_size, dtype=torch.int64)
    nothing = torch.zeros(data.batch_size, 4)
    batch = Batch(images, labels, nothing[:, None], labels, nothing[:, :2], nothing, labels)
    batch = Batch(*(tensor.to(module.device) for tensor in batch))

    def step() -> int:
        optimizer.zero_grad()
        module.loss(batch).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return len(labels)

    return _rate(step, seconds, module.device)


def _rate(step: Callable[[], int], seconds: float, device: torch.device) -> float:
    for _ in range(_WARM_UP):
        step()
    images, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < seconds:
        images += step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        passed = time.perf_counter() - start
    return images / passed
