import pytest
import torch
from masks import NASTY, generated_maps, random_masks

from gapcam.cam import components_torch
from gapcam.cam.components import largest_component, largest_component_above
from gapcam.cam.components_torch import tight_boxes

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def never_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as on a GPU: always all rounds, without a look whether they are done."""
    monkeypatch.setattr(components_torch, "_is_free_to_ask", lambda tensor: False)


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.usefixtures("never_asks")
def test_fixed_rounds_always_suffice(connectivity: int) -> None:
    batches = [torch.from_numpy(mask)[None] for mask in NASTY.values()]
    for masks in [*batches, torch.from_numpy(random_masks(40, (23, 30), seed=1))]:
        found = largest_component(masks, connectivity, "torch")
        expected = largest_component(masks, connectivity, "numba")
        assert torch.equal(found.boxes_N4, expected.boxes_N4)
        assert torch.equal(found.areas_N, expected.areas_N)


def test_a_batch_larger_than_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    masks = torch.from_numpy(random_masks(30, (9, 8), seed=2))
    maps = generated_maps(30, (5, 5), 0.2)
    whole = largest_component(masks, engine="torch")
    whole_above = largest_component_above(maps, (9, 8), 0.2, engine="torch")
    for pixels in (1, 7 * 72, 30 * 72):
        monkeypatch.setattr(components_torch, "_PIXELS_AT_ONCE", {"cpu": pixels, "device": 1})
        pieces = largest_component(masks, engine="torch")
        pieces_above = largest_component_above(maps, (9, 8), 0.2, engine="torch")
        for found, expected in zip(pieces + pieces_above, whole + whole_above, strict=True):
            assert torch.equal(found, expected)


def test_tight_boxes_hold_all_components() -> None:
    mask = torch.tensor([[0, 1, 0], [0, 0, 0], [0, 0, 1]]).bool()
    assert tight_boxes(torch.stack([mask, mask & False])).tolist() == [[1, 0, 3, 3], [0, 0, 0, 0]]
