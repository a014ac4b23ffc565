import pytest
import torch

from gapcam.cam.taxonomy import KINDS, kinds_of_guesses, shares_of_kinds

# Whether another class was guessed; the guess; the true boxes.
DRAWN = {
    "nothing_found": ("", (0, 0, 0, 0), [(2, 2, 9, 9)]),
    "right": ("", (2, 2, 9, 9), [(2, 2, 9, 9)]),
    "right, half of it": ("", (0, 0, 10, 5), [(0, 0, 10, 10)]),
    "right, the second one": ("", (20, 0, 30, 10), [(0, 0, 10, 10), (20, 0, 30, 10)]),
    "right, though both lie in it": ("", (0, 0, 20, 10), [(0, 0, 10, 10), (0, 0, 18, 10)]),
    "wrong_class": ("other", (2, 2, 9, 9), [(2, 2, 9, 9)]),
    "wrong_class, nothing found": ("other", (0, 0, 0, 0), [(2, 2, 9, 9)]),
    "part": ("", (3, 3, 6, 6), [(0, 0, 10, 10)]),
    "part, half outside": ("", (-4, 0, 4, 4), [(0, 0, 10, 10)]),
    "part of one of two": ("", (3, 3, 6, 6), [(50, 50, 60, 60), (0, 0, 10, 10)]),
    "too_large": ("", (0, 0, 40, 40), [(5, 5, 15, 15)]),
    "too_large, half of the object": ("", (0, 0, 40, 40), [(35, 5, 45, 15)]),
    "several_merged": ("", (0, 0, 40, 12), [(0, 0, 10, 10), (30, 0, 40, 10)]),
    "several_merged, most of each": ("", (5, 0, 35, 40), [(0, 0, 10, 10), (30, 0, 40, 10)]),
    "too_large, less than half of the second": (
        "",
        (0, 0, 34, 40),
        [(0, 0, 10, 10), (30, 0, 40, 10)],
    ),
    "elsewhere": ("", (50, 50, 60, 60), [(0, 0, 10, 10)]),
    "elsewhere, touching": ("", (10, 0, 20, 10), [(0, 0, 10, 10)]),
    "elsewhere, little in common": ("", (6, 6, 16, 16), [(0, 0, 10, 10)]),
    "elsewhere, as the true box is empty": ("", (0, 0, 9, 9), [(4, 4, 4, 4)]),
}


@pytest.mark.parametrize("drawn", DRAWN)
def test_kinds(drawn: str) -> None:
    other, guess, boxes = DRAWN[drawn]
    padding = [guess, guess]  # would be right, if it were real
    kind = kinds_of_guesses(
        torch.tensor([guess], dtype=torch.float32),
        torch.tensor([not other]),
        torch.tensor([[*boxes, *padding]], dtype=torch.float32),
        torch.tensor([len(boxes)]),
    )
    assert KINDS[kind] == drawn.partition(",")[0].partition(" of")[0]


def test_the_iou_that_counts_can_be_another() -> None:
    box, truth = torch.tensor([[0.0, 0, 10, 6]]), torch.tensor([[[0.0, 0, 10, 10]]])
    kinds = [
        KINDS[kinds_of_guesses(box, torch.tensor([True]), truth, torch.tensor([1]), iou)]
        for iou in (0.5, 0.6, 0.7)
    ]
    assert kinds == ["right", "right", "part"]


def test_every_guess_is_of_one_kind() -> None:
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(500, 4, 2, 2, generator=generator).sort(2).values.flatten(2)
    counts = torch.randint(4, (500,), generator=generator)
    is_right = torch.rand(500, generator=generator) < 0.8
    kinds = kinds_of_guesses(corners[:, 0], is_right, corners[:, 1:], counts)
    shares = shares_of_kinds(kinds, counts > 0)
    assert list(shares) == list(KINDS)
    assert float(sum(shares.values())) == pytest.approx(1)
    assert all(share > 0 for name, share in shares.items() if name != "nothing_found")


def test_without_true_boxes() -> None:
    kinds = kinds_of_guesses(
        torch.rand(2, 4), torch.tensor([True, False]), torch.zeros(2, 0, 4), torch.tensor([0, 0])
    )
    assert all(share.isnan() for share in shares_of_kinds(kinds, kinds < 0).values())
