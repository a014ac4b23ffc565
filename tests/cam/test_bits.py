import pytest
import torch

from gapcam.cam.bits import answer, packed, totals


@pytest.mark.parametrize("rows", [0, 1, 5000])
@pytest.mark.parametrize("count", [1, 7, 8, 9, 20])
def test_packing_loses_nothing(rows: int, count: int) -> None:
    answers = torch.rand(rows, 3, count) < 0.3
    bytes_ = packed(answers)
    assert bytes_.shape == (rows, 3, -(-count // 8))
    assert bytes_.dtype == torch.uint8
    for place in range(count):
        assert torch.equal(answer(bytes_, place), answers[..., place])
    assert torch.equal(totals(bytes_, count), answers.sum(0))


def test_totals_of_one_row_of_bytes() -> None:
    assert totals(packed(torch.ones(4, 10) > 0), 10).tolist() == [4] * 10
