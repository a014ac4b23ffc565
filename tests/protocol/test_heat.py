"""Heat: maps as a protocol thresholds them, on its grid and on pictures."""

from math import ceil, floor

import cv2
import numpy as np
import pytest
import torch
from slow_protocols import CLASSES, CUT, SIZES, VIEW, larger, masks, on_grid, seen, title

from gapcam.protocol import PUBLISHED, Protocol


@pytest.mark.parametrize(
    ("protocol", "kind"),
    [pair for pair in CUT if pair[0].grid != "original" and not pair[0].grey],
    ids=title,
)
def test_heat_lies_above_the_threshold_where_the_mask_is(protocol: Protocol, kind: str) -> None:
    one = seen(kind)
    maps = one.maps.select(-3, 0)
    heat = protocol.heat(maps, VIEW, one.regions, one.sizes)
    assert heat.dtype == torch.float32
    assert heat.min() >= 0
    assert heat.max() == 1
    for row in range(len(SIZES)):
        grid, _ = on_grid(protocol, one, row, 0)
        (mask,) = masks(protocol, grid, [protocol.threshold])
        assert heat[row].shape == mask.shape
        assert ((heat[row] > protocol.threshold).numpy() != mask).sum() <= 1  # rounding


@pytest.mark.parametrize(("protocol", "kind"), [p for p in CUT if not p[0].grey], ids=title)
def test_heat_on_pictures_is_the_grid_s_enlarged(protocol: Protocol, kind: str) -> None:
    one = seen(kind)
    heats = list(protocol.heat_on_pictures(one.maps, VIEW, one.regions, one.sizes))
    assert [tuple(heat.shape) for heat in heats] == [(CLASSES, *s) for s in one.sizes.tolist()]
    for row, heat in enumerate(heats):
        for number in range(CLASSES):
            grid, (x0, y0, x1, y1) = on_grid(protocol, one, row, number)
            low = 0 if protocol.normalise == "max" else grid.min()
            normal = (grid - low) / (np.percentile(grid, protocol.percentile) - low)
            left, top, right, bottom = floor(x0), floor(y0), ceil(x1 - 1e-3), ceil(y1 - 1e-3)
            inside = larger(
                torch.from_numpy(normal.clip(0, 1)), (bottom - top, right - left), "bilinear"
            )
            expected = np.zeros(heat.shape[1:])
            expected[top:bottom, left:right] = inside
            np.testing.assert_allclose(heat[number].numpy(), expected, atol=2e-5)


def test_heat_on_no_pictures_and_of_no_maps() -> None:
    one = seen("whole", images=0)
    paper = PUBLISHED["paper"]
    assert list(paper.heat_on_pictures(one.maps, VIEW, one.regions, one.sizes)) == []
    one = seen("centre", images=1)
    (heat,) = paper.heat_on_pictures(one.maps * torch.nan, VIEW, one.regions, one.sizes)
    assert not heat.any()


def test_heat_of_published_contours_has_double_precision() -> None:
    one = seen("whole")
    protocol = PUBLISHED["wsolevaluation"]
    heat = protocol.heat(one.maps[:, 0], VIEW, one.regions, one.sizes)
    grid = cv2.resize(one.maps[0, 0].numpy(), (224, 224), interpolation=cv2.INTER_CUBIC)
    grid -= grid.min()
    assert heat[0].tolist() == (grid / grid.max()).tolist()


@pytest.mark.parametrize("protocol", [PUBLISHED["paper"], PUBLISHED["wsolevaluation"]])
@pytest.mark.parametrize("value", [float("nan"), float("-inf"), 3.0, None])
def test_heat_of_nothing(protocol: Protocol, value: float | None) -> None:
    one = seen("whole", images=0 if value is None else 2)
    maps = one.maps[:, 0].clone()
    maps[:1] = maps[:1] * 0 + (value or 0)
    heat = protocol.heat(maps, VIEW, one.regions, one.sizes)
    assert heat.shape[1:] == ((224, 224) if protocol.grid == 224 else VIEW)
    assert not heat[:1].any()
    assert heat[1:].any() or value is None
