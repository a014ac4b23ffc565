import numpy as np
import pytest
import torch
from scipy import ndimage

from gapcam.cam import components
from gapcam.cam.components import largest_component, tight_boxes


def reference(mask: np.ndarray, connectivity: int) -> tuple[list[int], int]:
    """Box and area by scipy's labels, which are numbered in raster order."""
    structure = np.ones((3, 3)) if connectivity == 8 else None
    labels, count = ndimage.label(mask, structure)
    if count == 0:
        return [0, 0, 0, 0], 0
    areas = np.bincount(labels.ravel())[1:]
    winner = int(areas.argmax())  # the first of equals
    rows, columns = ndimage.find_objects(labels)[winner]
    return [columns.start, rows.start, columns.stop, rows.stop], int(areas[winner])


def spiral(side: int) -> np.ndarray:
    mask = np.zeros((side, side), bool)
    y, x, dy, dx = 0, 0, 0, 1
    mask[0, 0] = True
    for length in sorted([*range(1, side, 2)] * 2, reverse=True):
        for _ in range(min(length, side - 1)):
            if not (0 <= y + dy < side and 0 <= x + dx < side):
                break
            y, x = y + dy, x + dx
            mask[y, x] = True
        dy, dx = dx, -dy
    return mask


def comb(side: int) -> np.ndarray:
    mask = np.zeros((side, side), bool)
    mask[:, ::2] = True
    mask[-1] = True
    return mask


def serpentine(side: int) -> np.ndarray:
    mask = np.zeros((side, side), bool)
    mask[::2] = True
    mask[1::4, -1] = mask[3::4, 0] = True
    return mask


NASTY = {
    "empty": np.zeros((9, 9), bool),
    "full": np.ones((9, 9), bool),
    "one pixel": np.eye(1, dtype=bool),
    "checkerboard": np.indices((24, 24)).sum(0) % 2 == 0,
    "diagonal": np.eye(31, dtype=bool),
    "anti-diagonal": np.fliplr(np.eye(31, dtype=bool)).copy(),
    "dots": (np.indices((20, 20)) % 2 == 0).all(0),
    "spiral": spiral(61),
    "comb": comb(64),
    "comb upside down": np.flipud(comb(64)).copy(),
    "serpentine": serpentine(65),
    "serpentine, columns": serpentine(65).T.copy(),
    "one row": np.array([[1, 1, 0, 1]], bool),
    "one column": np.array([[1], [0], [1], [1]], bool),
    "ring": np.pad(np.zeros((5, 5), bool), 1, constant_values=True),
}


@pytest.fixture(params=["leaves early", "fixed rounds"])
def rounds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also run as a GPU would: never asking whether the loop is done."""
    if request.param == "fixed rounds":
        monkeypatch.setattr(components, "_is_free_to_ask", lambda tensor: False)


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("name", NASTY)
@pytest.mark.usefixtures("rounds")
def test_nasty_masks(name: str, connectivity: int) -> None:
    mask = NASTY[name]
    box, area = reference(mask, connectivity)
    found = largest_component(torch.from_numpy(mask)[None], connectivity)
    assert found.boxes_N4.tolist() == [box]
    assert found.areas_N.tolist() == [area]


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("density", [0.1, 0.41, 0.5, 0.59, 0.8])
@pytest.mark.usefixtures("rounds")
def test_random_masks(density: float, connectivity: int) -> None:
    masks = np.random.default_rng(1).random((40, 23, 30)) < density
    found = largest_component(torch.from_numpy(masks), connectivity)
    expected = [reference(mask, connectivity) for mask in masks]
    assert found.boxes_N4.tolist() == [box for box, _ in expected]
    assert found.areas_N.tolist() == [area for _, area in expected]


def test_a_batch_larger_than_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    masks = torch.from_numpy(np.random.default_rng(2).random((30, 9, 8)) < 0.5)
    whole = largest_component(masks)
    monkeypatch.setattr(components, "_PIXELS_AT_ONCE", {"cpu": 7 * 72, "device": 1})
    pieces = largest_component(masks)
    assert torch.equal(pieces.boxes_N4, whole.boxes_N4)
    assert torch.equal(pieces.areas_N, whole.areas_N)


def test_tie_goes_to_the_first_in_raster_order() -> None:
    mask = torch.tensor([[0, 0, 1], [1, 0, 0], [0, 0, 0], [0, 1, 0]]).bool()
    assert largest_component(mask[None]).boxes_N4.tolist() == [[2, 0, 3, 1]]


@pytest.mark.parametrize("shape", [(0, 4, 4), (2, 0, 3)])
def test_nothing_to_look_at(shape: tuple[int, int, int]) -> None:
    found = largest_component(torch.zeros(shape, dtype=torch.bool))
    assert found.boxes_N4.tolist() == [[0, 0, 0, 0]] * shape[0]
    assert found.areas_N.tolist() == [0] * shape[0]


def test_tight_boxes_hold_all_components() -> None:
    mask = torch.tensor([[0, 1, 0], [0, 0, 0], [0, 0, 1]]).bool()
    assert tight_boxes(torch.stack([mask, mask & False])).tolist() == [[1, 0, 3, 3], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("masks", "connectivity", "message"),
    [
        (torch.zeros(4, 4).bool(), 8, r"needs masks \(N, H, W\) of dtype bool; got \(4, 4\)"),
        (torch.zeros(1, 4, 4), 8, r"dtype bool; got .* torch.float32"),
        (torch.zeros(1, 4, 4).bool(), 6, "connectivity must be 4 or 8; got 6"),
    ],
)
def test_wrong_input_is_named(masks: torch.Tensor, connectivity: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        largest_component(masks, connectivity)
