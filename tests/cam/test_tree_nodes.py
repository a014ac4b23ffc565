import numpy as np
import pytest

from gapcam.cam.tree_nodes import NODE, by_falling_level, find_largest


@pytest.mark.parametrize("dtype", [np.uint16, np.int64])
def test_by_falling_level(dtype: type) -> None:
    order = np.full(6, -1, np.int64)
    assert by_falling_level(np.zeros(3, dtype), 4, order) == 0
    assert by_falling_level(np.array([2, 0, 4, 2, 0, 1], dtype), 4, order) == 4
    assert order.tolist() == [2, 0, 3, 5, -1, -1]


def node(x0: int, y0: int, x1: int, area: int, first: int, top: int = 1) -> tuple[int, ...]:
    """One at levels 1 to `top`."""
    return (x0, y0, x1, 9, area, first, top, 1)


@pytest.mark.parametrize(
    ("nodes", "first", "last"),
    [
        ([], -1, -1),
        ([node(0, 0, 5, 7, -1, top=0)], -1, -1),  # at no level
        ([node(0, 0, 5, 7, -1)], 0, 0),
        ([node(0, 0, 5, 7, -1), node(0, 1, 5, 8, -1)], 1, 1),
        ([node(0, 3, 5, 7, -1), node(0, 1, 5, 7, -1)], 1, 0),  # by the first row
        ([node(0, 3, 5, 7, 31), node(2, 3, 9, 7, 30)], 1, 0),  # by the first pixel
        ([node(6, 3, 7, 7, -1), node(2, 3, 5, 7, -1)], 1, 0),  # beside each other
        ([node(2, 3, 6, 7, -1), node(6, 3, 7, 7, -1)], None, None),
        ([node(2, 3, 6, 7, -1), node(6, 3, 7, 7, -1), node(0, 9, 9, 8, -1)], 2, 2),
        ([node(2, 3, 6, 7, -1), node(6, 3, 7, 7, -1), node(0, 1, 9, 7, -1)], 2, None),
    ],
)
def test_ties(nodes: list[tuple[int, ...]], first: int | None, last: int | None) -> None:
    for is_first_better, expected in ((True, first), (False, last)):
        largest = np.empty(2, np.int32)
        known = find_largest(np.array(nodes, NODE), len(nodes), is_first_better, largest)
        assert known == (expected is not None)
        if known:
            assert largest.tolist() == [expected, -1]
