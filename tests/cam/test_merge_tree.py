from collections import Counter

import numpy as np
import pytest
from masks import generated_maps
from trees import VALUES, components, levels_of, nodes_at

from gapcam.cam import merge_tree as module
from gapcam.cam.enlarge import enlarge
from gapcam.cam.merge_tree import merge_tree
from gapcam.cam.tree_nodes import NODE


def without_first(found: Counter) -> Counter:
    counts: Counter = Counter()
    for (*facts, _), count in found.items():
        counts[(*facts, -1)] += count
    return counts


@pytest.mark.parametrize("reach", [0, 1])
@pytest.mark.parametrize("count", [1, 10, 300])
@pytest.mark.parametrize("name", VALUES)
def test_nodes_are_the_components_of_every_mask(
    name: str, count: int, reach: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PIXELS_PER_HILL", 0)  # however rugged
    values = VALUES[name]
    levels = levels_of(values, np.arange(count, dtype=np.float32) / count)
    weights = np.random.default_rng(0).integers(0, 9, levels.shape).astype(np.uint8)
    nodes = np.empty(levels.size, NODE)
    nodes = nodes[: merge_tree.py_func(values, levels, weights, count, reach, nodes)]
    for level in np.unique(np.append(levels, [1, count])):
        if level > 0:
            expected = components(levels >= level, reach, weights)
            assert nodes_at(nodes, level) == without_first(expected)


def test_rugged_maps_and_too_many_counts_are_left_to_the_pixel_tree() -> None:
    def nodes_of(values: np.ndarray, count: int) -> int:
        levels = levels_of(values, np.zeros(1, np.float32))
        ones, nodes = np.ones(levels.shape, np.uint8), np.empty(levels.size, NODE)
        return merge_tree(values, levels, ones, count, 1, nodes)

    noise = np.random.default_rng(0).random((40, 40), np.float32)
    smooth = enlarge(generated_maps(1, (7, 7), 0.1), (90, 90))[0].numpy()
    assert nodes_of(noise, 10) == -1
    assert nodes_of(smooth, 10) > 0
    assert nodes_of(smooth, module.MOST_COUNTS) == -1
