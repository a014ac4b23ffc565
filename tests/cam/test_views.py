import pytest
import torch
from torchvision.transforms import v2

from gapcam.cam.views import (
    VIEWS,
    boxes_from_view,
    boxes_to_view,
    centre_offset,
    mirror_boxes,
    mirrored_views,
    region,
    resized,
    ten_offsets,
    view_slices,
)

SIZES = [(1, 1), (375, 500), (500, 333), (17, 301), (301, 17), (255, 257)]
"""Height and width: one pixel, usual ones, tall, wide, odd."""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keep_shape", [False, True])
def test_resized_is_torchvisions(size: tuple[int, int], keep_shape: bool) -> None:
    resize = v2.Resize(64) if keep_shape else v2.Resize((64, 64))
    assert resized(size, 64, keep_shape) == resize(torch.zeros(1, *size)).shape[1:]


@pytest.mark.parametrize("full", [(8, 8), (9, 12), (11, 8)])
def test_offsets_are_torchvisions(full: tuple[int, int]) -> None:
    rows, columns = torch.meshgrid(*(torch.arange(s) for s in full), indexing="ij")
    image = torch.stack([rows, columns])
    crop = (6, 7)

    def corner(window: torch.Tensor) -> tuple[int, int]:
        return int(window[0, 0].min()), int(window[1].min())

    assert centre_offset(full, crop) == corner(v2.CenterCrop(crop)(image))
    ten = v2.TenCrop(crop)(image)
    found = ten_offsets(full, crop)
    # torchvision mirrors the image first: its mirrored corners come in another order, and its
    # mirrored centre may lie a pixel off. The paper's code mirrors the crops.
    theirs = [(*corner(w), bool(w[1, 0, 0] > w[1, 0, -1])) for w in ten]
    assert set(theirs[:9]) == set(found[:9])
    assert found[:2] == [(0, 0, False), (full[0] - 6, 0, False)]
    assert found[4] == theirs[4]
    assert found[9] == (*found[4][:2], True)


def test_the_whole_view_shows_the_whole_image() -> None:
    assert region((375, 500), (224, 224), 0, 0, (224, 224)) == (0, 0, 500, 375)


def test_region_of_a_crop_by_hand() -> None:
    # 200x400 squashed to 100x100: a row is 2 pixels, a column 4.
    assert region((200, 400), (100, 100), 10, 20, (50, 60)) == (80, 20, 320, 120)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keep_shape", [False, True])
def test_boxes_go_into_every_view_and_back(size: tuple[int, int], keep_shape: bool) -> None:
    crop = (56, 61)
    full = resized(size, 64, keep_shape)
    for top, left, mirrored in ten_offsets(full, crop):
        shown = torch.tensor([region(size, full, top, left, crop)])
        x0, y0, x1, y1 = shown[0].tolist()
        inside = torch.tensor([[[x0, y0, x1, y1], [x0 + (x1 - x0) / 3, y0, x1, (y0 + y1) / 2]]])
        view = boxes_to_view(inside, crop, shown)
        assert view[0, 0].tolist() == pytest.approx([0, 0, crop[1], crop[0]], abs=1e-3)
        seen = mirror_boxes(view, crop) if mirrored else view
        back = boxes_from_view(mirror_boxes(seen, crop) if mirrored else seen, crop, shown)
        torch.testing.assert_close(back, inside, rtol=0, atol=1e-3)


@pytest.mark.parametrize("size", SIZES)
def test_pixel_corners_survive_the_round_trip_exactly(size: tuple[int, int]) -> None:
    """To the pixel: whole numbers in, the same whole numbers out after rounding."""
    height, width = size
    shown = torch.tensor([region(size, (224, 224), 0, 0, (224, 224))])
    corners = torch.cartesian_prod(torch.arange(width), torch.arange(height))
    boxes = torch.cat([corners, corners + 1], dim=1)[None].float()
    view = boxes_to_view(boxes, (224, 224), shown)
    back = boxes_from_view(view, (224, 224), shown)
    assert torch.equal(back.round(), boxes)


def test_what_a_view_does_not_show_is_cut_off() -> None:
    shown = torch.tensor([[10.0, 20, 30, 40]])
    boxes = torch.tensor([[[0.0, 0, 20, 30], [50, 50, 60, 60]]])
    assert boxes_to_view(boxes, (40, 40), shown).tolist() == [[[0, 0, 20, 20], [40, 40, 40, 40]]]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([], {}),
        (["ten"], {"ten": range(10)}),
        (["ten", "whole"], {"ten": range(10), "whole": range(10, 11)}),
        (
            ["whole", "centre", "ten"],
            {"whole": range(1), "centre": range(1, 2), "ten": range(2, 12)},
        ),
    ],
)
def test_where_the_views_of_each_kind_stand(kinds: list[str], expected: dict[str, range]) -> None:
    places = range(sum(VIEWS[kind] for kind in kinds))
    assert {kind: places[part] for kind, part in view_slices(kinds).items()} == expected


def test_the_mirrored_views_are_those_of_the_ten_crops() -> None:
    assert mirrored_views(10) == tuple(mirrored for *_, mirrored in ten_offsets((9, 9), (4, 4)))
    assert mirrored_views(1) == (False,)
