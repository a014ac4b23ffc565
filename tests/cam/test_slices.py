import pytest
import torch

from gapcam.cam.outcomes import Outcome
from gapcam.cam.slices import (
    COUNT_GROUPS,
    SIZE_GROUPS,
    count_groups,
    object_sizes,
    size_groups,
    sliced,
)


def test_object_sizes_are_those_of_the_largest_true_box() -> None:
    truth = torch.tensor([[[0.0, 0, 5, 4], [2, 2, 6, 10]], [[0, 0, 10, 10], [0, 0, 20, 20]]])
    sizes = torch.tensor([[10, 10], [20, 20]])
    expected = [32 / 100, 100 / 400]
    assert object_sizes(truth, torch.tensor([2, 1]), sizes).tolist() == pytest.approx(expected)
    assert object_sizes(truth, torch.tensor([0, 0]), sizes).tolist() == [0, 0]
    assert object_sizes(torch.zeros(2, 0, 4), torch.tensor([0, 0]), sizes).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("size", "count", "by_size", "by_count"),
    [
        (0.0, 0, "no box", "no box"),
        (0.0, 1, "under 10 %", "1 box"),
        (0.0999, 2, "under 10 %", "2 boxes"),
        (0.1, 3, "10 to 25 %", "3 and more"),
        (0.25, 20, "25 to 50 %", "3 and more"),
        (0.5, 1, "over 50 %", "1 box"),
        (1.0, 1, "over 50 %", "1 box"),
    ],
)
def test_groups(size: float, count: int, by_size: str, by_count: str) -> None:
    sizes, counts = torch.tensor([size]), torch.tensor([count])
    assert SIZE_GROUPS[size_groups(sizes, counts)] == by_size
    assert COUNT_GROUPS[count_groups(counts)] == by_count


def test_slices_are_the_numbers_of_their_images() -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.randint(3, (50,), generator=generator)
    has_box = torch.rand(50, generator=generator) < 0.7
    groups = torch.randint(-1, 3, (50,), generator=generator)  # one group stays empty
    found = sliced({"mean": Outcome(points, has_box, worth=2)}, has_box, groups, tuple("abcd"))
    assert found.groups == ("a", "b", "c", "d")
    for group in range(3):
        chosen = groups == group
        assert found.images[group] == chosen.sum()
        assert found.with_boxes[group] == (chosen & has_box).sum()
        expected = points[chosen & has_box].float().mean() / 2
        assert float(found.numbers["mean"][group]) == pytest.approx(float(expected))
    assert found.images[3] == 0
    assert found.numbers["mean"][3].isnan()
