"""The order of training samples: fixed by seed and epoch, and it can start in the middle."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from torch.utils.data.distributed import DistributedSampler

from gapcam.data.dataset import Draw


class ResumableSampler(DistributedSampler[Any]):
    """A `DistributedSampler` of draws whose order depends on nothing but `seed` and the epoch.

    After a crash in the middle of an epoch, that epoch leaves out the samples that were already
    seen; `len` stays that of a whole epoch, as Lightning's counters expect.

    Args:
        args: as for `DistributedSampler`.
        samples_seen: asked when an epoch begins: how many of its samples (of this process) to
            leave out. Before that Lightning has not yet restored its counters.
        kwargs: as for `DistributedSampler`.
    """

    def __init__(self, *args: Any, samples_seen: Callable[[], int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._samples_seen = samples_seen
        self.asked_epoch: Callable[[], int] = lambda: self.epoch

    def __iter__(self) -> Iterator[Any]:
        # Lightning's `set_epoch` comes too late for the epoch in which a resumed run goes on.
        self.set_epoch(self.asked_epoch())
        rows = islice(super().__iter__(), self._samples_seen(), None)
        return (Draw(row, self.epoch) for row in rows)
