import numpy as np
import pytest
from trees import VALUES

from gapcam.cam.levels import find_grey_levels, find_levels

RANDOM = np.random.default_rng(0)
THRESHOLDS = {
    "zero": [0.0],
    "one": [0.4],
    "zeros": [0.0, 0.0, 0.0],
    "even": np.arange(1000) / 1000,
    "even, 10": np.arange(10) / 10,
    "uneven": np.sort(RANDOM.random(300) ** 5),
    "repeated": np.sort(RANDOM.integers(0, 20, 100)) / 20,
    "close": 0.5 + np.arange(200) * 1e-7,
    "far": [0.0, 1e-30, 0.999999],
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1, 1e-30, 1e30])
@pytest.mark.parametrize("name", THRESHOLDS)
def test_levels_equal_comparing_with_every_threshold(name: str, scale: float, dtype: type) -> None:
    for number, kept in enumerate(VALUES.values()):
        values = (kept.astype(dtype) - dtype(0.25 * (number % 3))) * dtype(scale)
        low = values.min() if number % 2 else dtype(0)
        high = values.max()
        if not high > low:
            continue
        thresholds = np.array(THRESHOLDS[name], dtype)
        levels = np.empty(values.shape, np.uint16)
        find_levels(values, low, high, thresholds, levels)
        bounds = low + thresholds * (high - low)
        assert (levels == (values[..., None] > bounds).sum(-1)).all()


def test_grey_levels_are_those_of_an_8_bit_image() -> None:
    values = RANDOM.normal(0.4, 1, (30, 20)).astype(np.float32)
    greys = np.unique(RANDOM.integers(0, 255, 40))
    below = np.searchsorted(greys, np.arange(256)).astype(np.int32)
    levels = np.empty(values.shape, np.uint16)
    for low in (values.min(), np.float32(0)):
        find_grey_levels(values, low, values.max(), below, levels)
        image = ((values - low).clip(0) / (values.max() - low) * np.float32(255)).astype(np.uint8)
        assert (levels == (image[..., None] > greys).sum(-1)).all()
