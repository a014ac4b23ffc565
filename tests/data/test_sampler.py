import pytest

from gapcam.data.dataset import Draw
from gapcam.data.sampler import ResumableSampler


def sampler(seen: int = 0, **kwargs: int) -> ResumableSampler:
    settings = {"num_replicas": 1, "rank": 0, "seed": 5, **kwargs}
    return ResumableSampler(range(10), samples_seen=lambda: seen, **settings)


def test_order_depends_on_seed_and_epoch_alone() -> None:
    first, again, other = sampler(), sampler(), sampler(seed=6)
    assert sorted(first) == [Draw(row, epoch=0) for row in range(10)]
    assert list(first) == list(again) != list(other)
    again.set_epoch(1)
    assert {draw.epoch for draw in again} == {1}
    assert [draw.row for draw in first] != [draw.row for draw in again]


@pytest.mark.parametrize("seen", [0, 4, 10])
def test_resuming_leaves_out_what_was_seen(seen: int) -> None:
    whole, resumed = sampler(), sampler(seen)
    whole.set_epoch(2)
    resumed.set_epoch(2)
    assert list(resumed) == list(whole)[seen:]
    assert len(resumed) == 10


def test_processes_share_the_samples() -> None:
    shares = [list(sampler(num_replicas=2, rank=rank)) for rank in range(2)]
    assert sorted(draw.row for draw in shares[0] + shares[1]) == list(range(10))
