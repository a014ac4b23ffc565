import pytest
import torch

from gapcam.cam.outcomes import Outcome, rates, table

N = torch.zeros(0, dtype=torch.bool)
YES, NO = True, False


@pytest.mark.parametrize(
    ("points", "counted", "worth", "expected"),
    [
        ([], [], 1, None),
        ([YES, NO], [NO, NO], 1, None),
        ([YES, NO, YES], [YES, YES, NO], 1, 0.5),
        ([3, 0, 1, 2], [YES, YES, YES, NO], 3, 4 / 9),
        ([YES] * 3, [YES] * 3, 1, 1.0),
    ],
)
def test_rates(points: list, counted: list, worth: int, expected: float | None) -> None:
    dtype = torch.bool if worth == 1 else torch.uint8
    outcome = Outcome(torch.tensor(points, dtype=dtype), torch.tensor(counted).bool(), worth)
    rate = rates({"one": outcome})["one"]
    assert rate.dtype == torch.float32
    assert rate.ndim == 0
    assert rate.isnan() if expected is None else float(rate) == pytest.approx(expected)


def test_many_images_are_counted_exactly() -> None:
    images = 2**24 + 2
    points = torch.ones(images, dtype=torch.bool)
    points[0] = False
    assert rates({"one": Outcome(points, torch.ones_like(points))})["one"] < 1


def test_table_has_a_column_for_each() -> None:
    counted = torch.tensor([YES, NO])
    earned, possible = table(
        {
            "a": Outcome(torch.tensor([YES, YES]), counted),
            "b": Outcome(torch.tensor([2, 1]), ~counted, worth=3),
        }
    )
    assert earned.tolist() == [[1, 0], [0, 1]]
    assert possible.tolist() == [[1, 0], [0, 3]]
