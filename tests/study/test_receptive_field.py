"""Receptive fields: planted ones are found, the layers' sizes are those that NaNs show."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from benches import colour_network
from torch import Tensor, nn

from gapcam.arch import alexnet, googlenet, nin, small_gap, squeezenet_gap, vgg
from gapcam.arch.layers import LayerTable, build_layers
from gapcam.study.units.occlusion import Occluders, discrepancies
from gapcam.study.units.receptive_field import Cells, average_field, cells_of, field_size
from gapcam.study.units.segments import segment_by_field, segment_by_map

NOWHERE = Cells((0, 0), (4, 4), None)
"""Cells of unknown reach."""


def trunk_of(table: LayerTable, last: str) -> Any:
    names = [row.name for row in table]
    trunk, _ = build_layers(table[: names.index(last) + 1])
    return trunk.eval()


TRUNKS = [
    (small_gap.LAYERS, "conv1_1", 64, 3),
    (small_gap.LAYERS, "conv3_2", 64, 30),
    # ICLR'15, Table 1: 19, 67, 99, 131, 195.
    (alexnet.LAYERS, "pool1", 227, 19),
    (alexnet.LAYERS, "pool2", 227, 67),
    (alexnet.LAYERS, "conv3", 227, 99),
    (alexnet.LAYERS, "conv4", 227, 131),
    (alexnet.LAYERS, "pool5", 227, 195),
    (vgg.LAYERS, "conv3_3", 112, 40),
    (squeezenet_gap.LAYERS, "fire5", 139, None),
    (googlenet.LAYERS, "inception_3b", 128, None),
    (nin.LAYERS, "cccp6", 227, None),
]


@pytest.mark.parametrize(("table", "last", "side", "reach"), TRUNKS)
@torch.no_grad()
def test_reach_and_place_of_cells_are_those_that_a_broken_pixel_shows(
    table: LayerTable, last: str, side: int, reach: int | None
) -> None:
    """NaN spreads to all that depends on it, and to nothing else."""
    trunk = trunk_of(table, last)
    network: Any = SimpleNamespace(trunk=trunk, added=nn.Sequential(), size=(side, side))
    cells = cells_of(network, (1, 1))
    assert cells.reach is not None
    assert reach in (None, cells.reach)
    height = trunk(torch.zeros(1, 3, side, side)).shape[2]
    row = height // 2
    middle = cells.centre(row, row)[0]
    first, last_one = middle - (cells.reach - 1) / 2, middle + (cells.reach - 1) / 2
    edges = [first - 1, first, last_one, last_one + 1]
    for pixel, is_seen in zip(edges, [False, True, True, False], strict=True):
        assert pixel == int(pixel)
        if 0 <= pixel < side:
            image = torch.zeros(1, 3, side, side)
            image[:, :, int(pixel)] = torch.nan
            assert trunk(image)[0, :, row, row].isnan().any() == is_seen, pixel


def test_of_layers_that_do_not_tell_the_cells_divide_the_picture() -> None:
    network: Any = SimpleNamespace(trunk=nn.Flatten(), added=nn.Sequential(), size=(64, 32))
    assert cells_of(network, (16, 4)) == Cells((1.5, 3.5), (4, 8), None)


@pytest.mark.parametrize(
    ("side", "patch", "stride", "count", "last"),
    [(2, 1, 1, 2, 1.0), (227, 11, 3, 73, 221.0), (64, 3, 2, 32, 62.0), (10, 4, 6, 2, 7.5)],
)
def test_occluders_reach_the_far_border(
    side: int, patch: int, stride: int, count: int, last: float
) -> None:
    found = Occluders((side, side + 1), patch, stride, "grey", 0)
    assert len(found.rows) == count
    assert found.rows[-1] == last
    assert found.columns[-1] == last + 1
    assert len(found) == count * len(found.columns)


@pytest.mark.parametrize("kind", ["random", "grey"])
def test_an_occluder_covers_its_patch_and_nothing_else(kind: str) -> None:
    occluders = Occluders((5, 6), 2, 3, kind, 7)
    image = torch.arange(90, dtype=torch.uint8).view(3, 5, 6)
    found = occluders.cover(image, torch.arange(1, 4))
    for copy, (top, left) in zip(found, [(0, 3), (0, 4), (3, 0)], strict=True):
        is_changed = torch.zeros(5, 6, dtype=torch.bool)
        is_changed[top : top + 2, left : left + 2] = True
        assert (copy == image)[:, ~is_changed].all()
        patch = copy[:, is_changed]
        assert (patch == 128).all() if kind == "grey" else patch.unique().numel() > 6
    again = Occluders((5, 6), 2, 3, kind, 7).cover(image, torch.arange(1, 4))
    assert (again == found).all()


def test_what_a_unit_cannot_see_is_not_occluded() -> None:
    occluders = Occluders((64, 64), 3, 1, "grey", 0)
    network = colour_network(["a", "b"])
    cells = cells_of(network, (16, 16))
    assert cells == Cells((1.5, 1.5), (4, 4), 38)
    which = occluders.within(cells, [(0, 0), (15, 8)])
    tops, lefts = which // 62, which % 62
    # The cell at 1.5 sees rows to 20, that at 61.5 from 43, columns 33.5 - 18.5 to 33.5 + 18.5.
    is_first = (tops <= 20) & (lefts <= 20)
    is_second = (tops + 2 >= 43) & (lefts + 2 >= 15) & (lefts <= 52)
    assert (is_first | is_second).all()
    assert len(which) == 21 * 21 + 21 * 40
    assert len(occluders.within(NOWHERE, [(0, 0)])) == len(occluders)


def test_discrepancies_are_those_of_a_slow_loop() -> None:
    network = colour_network(["a", "b"])
    random = np.random.default_rng(0)
    image = torch.from_numpy(random.integers(60, size=(3, 64, 64), dtype=np.uint8))
    image[0], image[:2, 32:] = 200, 250  # red, and yellow below
    occluders = Occluders((64, 64), 9, 23, "random", 0)
    told: list[int] = []
    units, places = [0, 3, 3], [(0, 0), (12, 6), (15, 15)]
    found = discrepancies(network, occluders, image, NOWHERE, units, places, 2, told.append)
    assert sum(told) == len(occluders) == 16
    canvas = np.random.default_rng(0).integers(256, size=(3, 64, 64), dtype=np.uint8)
    expected = np.zeros((3, 4, 4))
    with torch.no_grad():
        whole = network(image[None]).features[0]
        for row, top in enumerate((0, 23, 46, 55)):
            for column, left in enumerate((0, 23, 46, 55)):
                copy = image.clone()
                window = np.s_[:, top : top + 9, left : left + 9]
                copy[window] = torch.from_numpy(canvas[window])
                change = network(copy[None]).features[0] - whole
                for which, (unit, (y, x)) in enumerate(zip(units, places, strict=True)):
                    expected[which, row, column] = abs(change[unit, y, x])
    assert expected.max() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-6)


class Window(nn.Module):
    """A unit with cells of 4x4 pixels that sums a window, so far off its cell's centre."""

    def __init__(self, top: int, left: int, height: int, width: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 1, 25, stride=4, padding=12, bias=False)
        with torch.no_grad():
            self.convolution.weight.zero_()
            y, x = 12 + top, 12 + left
            self.convolution.weight[:, :, y : y + height, x : x + width] = 1

    def forward(self, images: Tensor) -> Any:
        return SimpleNamespace(features=self.convolution(images.float() / 255))


@pytest.mark.parametrize("kind", ["random", "grey"])
@pytest.mark.parametrize(
    ("top", "left", "height", "width"),
    [(-2, -2, 5, 5), (-4, -8, 9, 17), (4, -12, 7, 7), (-12, -12, 25, 25)],
)
def test_a_planted_window_is_found(top: int, left: int, height: int, width: int, kind: str) -> None:
    network: Any = Window(top, left, height, width)
    occluders = Occluders((40, 40), 5, 2, kind, 0)
    cells = Cells((0, 0), (4, 4), 25)
    random = np.random.default_rng(1)
    maps, centres = [], []
    for _ in range(4):
        # Bright, so that whatever hides it counts; more so somewhere.
        image = torch.from_numpy(random.integers(200, 220, size=(3, 40, 40), dtype=np.uint8))
        y, x = random.integers(14, 26, size=2)
        image[:, y - 2 : y + 2, x - 2 : x + 2] = 255
        features = network(image[None]).features[0, 0]
        place = np.unravel_index(int(features.argmax()), features.shape)
        told = []
        found = discrepancies(network, occluders, image, cells, [0], [place], 64, told.append)
        maps.append(found[0])
        assert sum(told) == len(occluders)
        centres.append(cells.centre(*place))
    field = average_field(maps, centres, occluders.rows, occluders.columns, (40, 40))
    assert field.shape == (79, 79)
    rows, columns = np.nonzero(field > field.max() / 2)
    found = [rows.min() - 39, columns.min() - 39, rows.max() - 38, columns.max() - 38]
    np.testing.assert_allclose(found, [top, left, top + height, left + width], atol=4)
    assert field_size(field) == pytest.approx((height * width) ** 0.5, abs=4)


def test_fields_are_averaged_where_pictures_have_pixels() -> None:
    random = np.random.default_rng(0)
    maps = [random.random((5, 7), np.float32) for _ in range(2)]
    centres = [(0.0, 6.0), (3.0, 2.0)]
    rows, columns = np.arange(5.0), np.arange(7.0)
    field = average_field(maps, centres, rows, columns, (5, 7))
    expected = np.zeros((9, 13))
    for y in range(-4, 5):
        for x in range(-6, 7):
            values = [
                one[int(cy) + y, int(cx) + x]
                for one, (cy, cx) in zip(maps, centres, strict=True)
                if 0 <= cy + y < 5 and 0 <= cx + x < 7
            ]
            expected[y + 4, x + 6] = np.mean(values) if values else 0
    np.testing.assert_allclose(field, expected, atol=1e-6)


def test_a_cell_between_pixels_is_centred_there() -> None:
    bump = np.zeros((9, 9), np.float32)
    bump[4, 2:4] = 1  # around 2.5
    field = average_field([bump], [(4.0, 2.5)], np.arange(9.0), np.arange(9.0), (9, 9))
    np.testing.assert_allclose(field[8], field[8][::-1], atol=1e-6)


def test_segments_by_a_field() -> None:
    field = np.zeros((15, 15), np.float32)
    field[7, 7:9] = 4, 3  # the cell's pixel and its right neighbour
    unit_map = np.array([[0, 8], [5, 0]], np.float32)
    cells = Cells((1.5, 1.5), (4, 4), None)
    # Cells at (2, 6) of 8 and (6, 2) of 5: highest of all is 8 * 4.
    for threshold, expected in [
        (0.8, [(2, 6)]),
        (0.7, [(2, 6), (2, 7)]),
        (0.5, [(2, 6), (2, 7), (6, 2)]),
        (0.4, [(2, 6), (2, 7), (6, 2), (6, 3)]),
    ]:
        mask = segment_by_field(field, unit_map, cells, (8, 8), threshold)
        assert list(zip(*np.nonzero(mask), strict=True)) == expected
    assert not segment_by_field(0 * field, unit_map, cells, (8, 8), 0.5).any()
    assert not segment_by_field(field, 0 * unit_map, cells, (8, 8), 0.5).any()


def test_segments_by_a_map() -> None:
    unit_map = np.array([[0, 4]], np.float32)
    # Enlarged: 0, 1, 3, 4.
    for threshold, expected in [(0.2, [1, 2, 3]), (0.25, [2, 3]), (0.75, [3])]:
        mask = segment_by_map(unit_map, (1, 4), threshold)
        assert np.nonzero(mask[0])[0].tolist() == expected
    assert not segment_by_map(0 * unit_map, (1, 4), 0.2).any()
    assert not segment_by_map(unit_map - 9, (1, 4), 0.2).any()
