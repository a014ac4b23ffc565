"""Maps like those of trained networks, and unlike them: what the benchmarks of boxes work on."""

import numpy as np
from numpy.typing import NDArray


def smooth_maps(count: int, side: int, noise: float = 0.05, seed: int = 0) -> NDArray[np.float32]:
    """`(count, side, side)`: two to five Gaussian bumps each, and a little noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    maps = random.normal(0, noise, (count, side, side))
    for number in range(count):
        for _ in range(random.integers(2, 6)):
            centre_y, centre_x = random.uniform(-0.5, side - 0.5, 2)
            spread_y, spread_x = random.uniform(0.06, 0.16, 2) * side
            squares = ((y - centre_y) / spread_y) ** 2 + ((x - centre_x) / spread_x) ** 2
            maps[number] += random.uniform(0.3, 1.0) * np.exp(-squares / 2)
    return maps.astype(np.float32)
