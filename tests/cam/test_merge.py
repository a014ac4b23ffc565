from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import loadmat
from torch import Tensor

from gapcam.cam.dt_box import dt_boxes, loose_and_tight
from gapcam.cam.enlarge import INTERPOLATIONS, enlarge
from gapcam.cam.merge import merge_views, released_boxes, released_heat
from gapcam.cam.views import Size, mirrored_views, region, ten_offsets

TEN = mirrored_views(10)

pytestmark = pytest.mark.usefixtures("one_thread")


def ten_regions(size: Size, full: Size, crop: Size) -> Tensor:
    """`(10, 4)` in pixels of an original of `size`, cut from it at the size `full`."""
    offsets = ten_offsets(full, crop)
    return torch.tensor([region(size, full, top, left, crop) for top, left, _ in offsets])


def pasted(maps_VMhw: Tensor, full: Size, crop: Size, interpolation: str) -> tuple[Tensor, Tensor]:
    """`(10, M, H, W)` with each view's enlarged map at its place, and `(H, W)` how many show it."""
    layers = maps_VMhw.new_zeros(10, maps_VMhw.shape[1], *full)
    count = torch.zeros(full)
    for view, (top, left, mirrored) in enumerate(ten_offsets(full, crop)):
        maps = maps_VMhw[view].flip(-1) if mirrored else maps_VMhw[view]
        place = np.s_[top : top + crop[0], left : left + crop[1]]
        layers[view][:, place[0], place[1]] = enlarge(maps, crop, interpolation)
        count[place] += 1
    return layers, count


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize(
    ("size", "full", "crop", "cells"),
    [
        ((1, 1), (8, 8), (7, 7), (1, 1)),
        ((375, 500), (64, 64), (56, 56), (14, 14)),
        ((333, 77), (64, 80), (56, 61), (7, 13)),
        ((64, 64), (64, 64), (56, 56), (56, 56)),  # a saliency map: nothing to enlarge
        ((50, 90), (32, 32), (28, 28), (60, 40)),  # shrinks
    ],
)
def test_equals_pasting_where_crops_end_between_pixels(
    size: Size, full: Size, crop: Size, cells: Size, interpolation: str
) -> None:
    maps = torch.randn(1, 10, 2, *cells, dtype=torch.float64)
    regions = ten_regions(size, full, crop)[None]
    layers, count = pasted(maps[0], full, crop, interpolation)
    for absolute, coverage in [(False, True), (True, False), (True, True)]:
        merged = merge_views(
            maps, regions, torch.tensor([size]), full, TEN, interpolation, absolute, coverage
        )
        expected = (layers.abs() if absolute else layers).sum(0)
        expected = expected / count.clamp(min=1) if coverage else expected
        # `enlarge` has weights of single precision.
        torch.testing.assert_close(merged[0], expected, rtol=0, atol=1e-4)
        single = merge_views(
            maps.float(),
            regions,
            torch.tensor([size]),
            full,
            TEN,
            interpolation,
            absolute,
            coverage,
        )
        assert single.dtype == torch.float32
        torch.testing.assert_close(single.double(), merged, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("coverage", [True, False])
def test_coverage_of_the_released_crops(coverage: bool) -> None:
    """Crops of 224 from 256, maps of ones: 56 % of the area is shown by all ten, the corners by 2.

    An even sum has no seams; the undivided one prefers the centre.
    """
    size = (375, 500)
    regions = ten_regions(size, (256, 256), (224, 224))[None]
    maps = torch.ones(1, 10, 1, 14, 14)
    merged = merge_views(
        maps, regions, torch.tensor([size]), (256, 256), TEN, coverage=coverage
    ).round(decimals=4)
    values, counts = merged.unique(return_counts=True)
    if coverage:
        assert values.tolist() == [1]
        return
    assert values.tolist() == [2, 4, 6, 10]
    assert [round(100 * share) for share in (counts / 256**2).tolist()] == [5, 20, 19, 56]


def test_each_view_stays_in_its_region_on_any_grid() -> None:
    """A region of 10..30 x 20..50 in an image of 100x60, on a grid with pixels of 4x3."""
    maps = torch.arange(1.0, 7.0).view(1, 1, 1, 2, 3)
    shown = torch.tensor([[[10.0, 20.0, 30.0, 50.0]]])
    merged = merge_views(maps, shown, torch.tensor([[100, 60]]), (25, 20), (False,))[0, 0]
    rows = np.arange(22, 50, 4)  # centres of pixels: 2, 6, 10, ... and 1.5, 4.5, 7.5, ...
    columns = np.arange(10.5, 30, 3)
    assert merged.count_nonzero() == len(rows) * len(columns)
    upper, lower = maps[0, 0, 0].numpy()
    expected = [
        np.interp((columns - 10) / 20 * 3 - 0.5, range(3), upper + (lower - upper) * share)
        for share in ((rows - 20) / 30 * 2 - 0.5).clip(0, 1)
    ]
    np.testing.assert_allclose(merged[5:12, 3:10], expected, rtol=1e-6)


def test_images_of_a_batch_do_not_mix() -> None:
    sizes = torch.tensor([[375, 500], [40, 30], [31, 99]])
    regions = torch.stack([ten_regions(tuple(s), (32, 32), (28, 28)) for s in sizes.tolist()])
    maps = torch.randn(3, 10, 4, 7, 7)
    together = merge_views(maps, regions, sizes, (50, 60), TEN)
    for row in range(3):
        one = np.s_[row : row + 1]
        alone = merge_views(maps[one], regions[one], sizes[one], (50, 60), TEN)
        torch.testing.assert_close(together[one], alone, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("shape", [(0, 10, 3), (2, 10, 0)])
def test_nothing_merges_to_nothing(shape: tuple[int, int, int]) -> None:
    maps = torch.zeros(*shape, 7, 7)
    regions, sizes = torch.ones(shape[0], 10, 4), torch.ones(shape[0], 2)
    assert merge_views(maps, regions, sizes, (9, 8), TEN).shape == (shape[0], shape[2], 9, 8)
    assert released_boxes(maps, regions, sizes).shape == (shape[0], shape[2], 2, 4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_merged_in_full(dtype: torch.dtype) -> None:
    regions = ten_regions((40, 50), (32, 32), (28, 28))[None]
    maps = torch.randn(1, 10, 2, 7, 7).to(dtype)
    sizes = torch.tensor([[40, 50]])
    expected = merge_views(maps.float(), regions, sizes, (32, 32), TEN)
    with torch.autocast("cpu", torch.bfloat16):
        merged = merge_views(maps, regions, sizes, (32, 32), TEN)
    assert merged.dtype == torch.float32
    assert torch.equal(merged, expected)


def test_what_no_view_shows_is_zero() -> None:
    regions = ten_regions((40, 50), (60, 60), (20, 20))[None]
    merged = merge_views(
        torch.ones(1, 10, 1, 3, 3), regions, torch.tensor([[40, 50]]), (60, 60), TEN
    )
    assert merged[0, 0, 30, 10] == 0
    assert merged[0, 0, [0, 0, 30, 59, 59], [0, 59, 30, 0, 59]].tolist() == [1] * 5


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_broken_map_leaves_the_others_alone(value: float) -> None:
    maps = torch.rand(1, 10, 2, 7, 7)
    maps[0, 3, 0, 2, 2] = value
    regions = ten_regions((40, 50), (32, 32), (28, 28))
    merged = merge_views(maps, regions[None], torch.tensor([[40, 50]]), (32, 32), TEN)
    assert not merged[0, 0].isfinite().all()
    assert merged[0, 1].isfinite().all()
    assert not released_heat(maps[0], regions, (40, 50), (32, 32))[0].any()
    boxes = released_boxes(maps, regions[None], torch.tensor([[40, 50]]), canvas=(32, 32))
    assert not boxes[0, 0].any()
    assert boxes[0, 1].any()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"maps": torch.zeros(2, 3, 7, 7)}, r"float maps \(B, V, M, h, w\).*got \(2, 3, 7, 7\)"),
        ({"maps": torch.zeros(1, 2, 3, 7, 7).int()}, r"of dtype torch.int32"),
        ({"maps": torch.zeros(1, 2, 3, 0, 7)}, r"got \(1, 2, 3, 0, 7\)"),
        ({"regions": torch.zeros(1, 3, 4)}, r"regions \(B, V, 4\).* \(1, 3, 4\)"),
        ({"sizes": torch.zeros(2)}, r"sizes \(B, 2\).* \(2,\)"),
        ({"grid": (0, 4)}, r"a grid of one pixel or more .* \(0, 4\)"),
        ({"mirrored": (False,)}, r"V words in mirrored.* and 1$"),
        ({"interpolation": "nearest"}, r"interpolation must be one of .* got 'nearest'"),
    ],
)
def test_shapes_are_checked(changed: dict[str, object], message: str) -> None:
    fitting = {
        "maps": torch.zeros(1, 2, 3, 7, 7),
        "regions": torch.zeros(1, 2, 4),
        "sizes": torch.ones(1, 2),
        "grid": (4, 4),
        "mirrored": (False, True),
        "interpolation": "bilinear",
    }
    with pytest.raises(ValueError, match=message):
        merge_views(*{**fitting, **changed}.values())


@pytest.fixture(scope="module")
def authors_maps(real_data: Path) -> Tensor:
    """`(10, 5, 14, 14)`: the best five classes' maps of ten crops of the authors' `img1.jpg`."""
    image = loadmat(real_data / "cam_reference" / "data_img1.mat")
    weight = loadmat(real_data / "cam_reference" / "data_net.mat")["weights_LR"]
    # MATLAB keeps Caffe's blobs as width, height, channel, image.
    features = torch.from_numpy(image["activation_lastconv"]).permute(3, 2, 1, 0)
    scores = torch.from_numpy(image["scores"]).squeeze().mean(1)
    chosen = torch.from_numpy(weight)[:, scores.topk(5).indices]
    maps = torch.einsum("vkhw,km->vmhw", features, chosen)
    # This file has the crops row by row, as Caffe's older demo made them; ours come column by
    # column, as prepare_image.m makes them.
    return maps[[0, 2, 1, 3, 4, 5, 7, 6, 8, 9]]


SIZE = (375, 500)


def test_authors_maps_merge_as_in_a_plain_loop(authors_maps: Tensor) -> None:
    """mergeTenCrop.m and ILSVRC_generate_heatmap.m, picture by picture."""
    regions = ten_regions(SIZE, (256, 256), (224, 224))
    heat = released_heat(authors_maps, regions, SIZE)
    assert heat.shape == (5, *SIZE)
    for number in range(5):
        canvas = np.zeros((256, 256))
        for view, (top, left, mirrored) in enumerate(ten_offsets((256, 256), (224, 224))):
            crop = enlarge(authors_maps[view, number].double(), (224, 224), "matlab").numpy()
            canvas[top : top + 224, left : left + 224] += abs(crop[:, ::-1] if mirrored else crop)
        large = enlarge(torch.from_numpy(canvas), SIZE, "matlab").numpy()
        grey = np.floor((large / large.max()).clip(0, 1) * 255 + 0.5)
        difference = abs(grey - heat[number].numpy())
        assert difference.max() <= 1  # single precision, just where a half is rounded
        assert difference.mean() < 1e-4
        assert heat[number].max() == 255


def test_crops_of_the_mirrored_picture_give_the_mirrored_heat(authors_maps: Tensor) -> None:
    """The mirrored crop of the top right is the top left of the mirrored picture."""
    regions = ten_regions(SIZE, (256, 256), (224, 224))
    # Top left, bottom left, top right, bottom right, centre; then their mirrors.
    swapped = authors_maps[[7, 8, 5, 6, 9, 2, 3, 0, 1, 4]]
    heat = released_heat(authors_maps, regions, SIZE).int()
    mirrored = released_heat(swapped, regions, SIZE).int().flip(-1)
    assert (heat - mirrored).abs().max() <= 1
    assert (heat != mirrored).float().mean() < 1e-3
    signed = merge_views(authors_maps[None], regions[None], torch.tensor([SIZE]), (32, 64), TEN)
    turned = merge_views(swapped[None], regions[None], torch.tensor([SIZE]), (32, 64), TEN)
    torch.testing.assert_close(signed, turned.flip(-1), rtol=1e-4, atol=1e-4)


def test_views_agree_about_the_authors_picture(authors_maps: Tensor) -> None:
    """Where they belong, ten crops show nearly the same; elsewhere or mirrored they do not."""
    regions = ten_regions(SIZE, (256, 256), (224, 224))[None]
    sizes = torch.tensor([SIZE])

    def spread(order: list[int]) -> float:
        layers = [
            merge_views(
                authors_maps[None, [view]], regions[:, [place]], sizes, (64, 64), (place >= 5,)
            )
            for place, view in enumerate(order)
        ]
        return float(torch.cat(layers)[:, :, 8:-8, 8:-8].std(0).mean())

    right = spread(list(range(10)))
    assert right < 0.5 * spread([0, 2, 1, 3, 4, 5, 7, 6, 8, 9])
    assert right < 0.5 * spread([5, 6, 7, 8, 9, 0, 1, 2, 3, 4])


def test_released_boxes_are_those_of_the_heat(authors_maps: Tensor) -> None:
    sizes = torch.tensor([SIZE, (200, 90)])
    regions = torch.stack(
        [ten_regions(tuple(size), (256, 256), (224, 224)) for size in sizes.tolist()]
    )
    boxes = released_boxes(authors_maps.expand(2, -1, -1, -1, -1), regions, sizes)
    assert boxes.dtype == torch.float32
    for row, size in enumerate(sizes.tolist()):
        heat = released_heat(authors_maps, regions[row], tuple(size))
        expected = [loose_and_tight(dt_boxes(grey)).tolist() for grey in heat]
        assert boxes[row].tolist() == expected
    # The loose box holds the tight one here, and both lie in the picture.
    loose, tight = boxes[0].unbind(1)
    assert (loose[:, :2] <= tight[:, :2]).all()
    assert (loose[:, 2:] >= tight[:, 2:]).all()
    assert (loose[:, 2:] <= torch.tensor([500, 375])).all()
    three = released_boxes(authors_maps[None], regions[:1], sizes[:1], levels=(30, 90, 150))
    assert not torch.equal(three, boxes[:1])


def test_released_boxes_refuse_levels() -> None:
    with pytest.raises(ValueError, match="levels must be ascending"):
        released_boxes(torch.zeros(1, 1, 1, 2, 2), torch.ones(1, 1, 4), torch.ones(1, 2), (0, 1))
