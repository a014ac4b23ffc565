"""The order of training samples: fixed by seed and epoch, and it can start in the middle."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from torch.utils.data.distributed import DistributedSampler


class ResumableSampler(DistributedSampler[Any]):
    """A `DistributedSampler` whose order depends on nothing but `seed` and the epoch.

    After a crash in the middle of an epoch, that epoch alone leaves out the samples that were
    already seen; `len` stays that of a whole epoch, as Lightning's counters expect.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._resume_at: tuple[int, int] = (-1, 0)

    def resume(self, epoch: int, samples_seen: int) -> None:
        """Leave out the first `samples_seen` samples (of this process) of `epoch`."""
        self._resume_at = (epoch, samples_seen)

    def __iter__(self) -> Iterator[Any]:
        epoch, samples_seen = self._resume_at
        return islice(super().__iter__(), samples_seen if self.epoch == epoch else 0, None)
