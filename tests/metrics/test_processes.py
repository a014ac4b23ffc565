"""1, 2 and 3 processes give exactly the same, as Lightning arranges distributed evaluations."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from metric_samples import KINDS, plain, samples, take, updated

from gapcam.metrics import LocalizationError, MaxBoxAcc
from gapcam.metrics.row_metric import RowMetric
from gapcam.metrics.sample_metric import SampleMetric

CASES = ((1, 7), (2, 7), (3, 7), (3, 2), (3, 0))
"""Processes and images: fewer than processes, too, and none at all."""


def answers(metric: SampleMetric) -> dict[str, Any]:
    """What a metric says that has gathered what all processes saw."""
    found: dict[str, Any] = {"numbers": plain(metric.compute())}
    if isinstance(metric, RowMetric):
        found["rows"] = [column.nan_to_num(nan=-9).tolist() for column in metric.rows()]
    if isinstance(metric, MaxBoxAcc):
        found["best"] = {name: str(value) for name, value in metric.best_thresholds().items()}
    if isinstance(metric, LocalizationError):
        intervals = metric.confidence(resamples=20)
        found["intervals"] = {name: str(interval) for name, interval in intervals.items()}
    return found


@pytest.mark.slow
def test_any_number_of_processes_gives_the_same(tmp_path: Path) -> None:
    mp.spawn(_evaluate_part, args=(tmp_path,), nprocs=3)
    for processes, images in CASES:
        for kind in KINDS:
            alone = answers(updated(kind, samples(images)))
            for rank in range(processes):
                file = tmp_path / f"{kind}-{images}-{processes}-{rank}.pt"
                assert torch.load(file) == alone, file.name


def _evaluate_part(rank: int, folder: Path) -> None:
    """A process of padded evaluations, and of one that leaves some processes without a sample."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=3)
    torch.set_num_threads(1)
    groups = {count: dist.new_group(list(range(count))) for count in (1, 2, 3)}
    for processes, images in CASES:
        for kind in KINDS if rank < processes else ():
            metric = KINDS[kind].make(process_group=groups[processes])
            metric.update(**KINDS[kind].inputs(samples(0)))
            for rows in _batches(images, processes, rank):
                metric.update(**KINDS[kind].inputs(take(samples(images), rows)))
            found = answers(metric)
            torch.save(found, folder / f"{kind}-{images}-{processes}-{rank}.pt")
    dist.destroy_process_group()


def _batches(images: int, processes: int, rank: int) -> list[list[int]]:
    """This process's rows, two a batch; with 2 images the third process gets none."""
    padded = list(range(images))
    if images > 2:
        padded = [*padded, *range(processes)][: -(-images // processes) * processes]
    own = padded[rank::processes]
    return [own[start : start + 2] for start in range(0, len(own), 2)]
