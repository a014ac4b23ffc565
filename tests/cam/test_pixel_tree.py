import numpy as np
import pytest
from trees import VALUES, components, levels_of, nodes_at

from gapcam.cam.pixel_tree import pixel_tree
from gapcam.cam.tree_nodes import NODE


@pytest.mark.parametrize("reach", [0, 1])
@pytest.mark.parametrize("count", [1, 10, 300])
@pytest.mark.parametrize("name", VALUES)
def test_nodes_are_the_components_of_every_mask(name: str, count: int, reach: int) -> None:
    levels = levels_of(VALUES[name], np.arange(count, dtype=np.float32) / count)
    weights = np.random.default_rng(0).integers(0, 9, levels.shape).astype(np.uint8)
    nodes = np.empty(levels.size, NODE)
    nodes = nodes[: pixel_tree(levels, weights, count, reach, nodes)]
    for level in np.unique(np.append(levels, [1, count])):
        if level > 0:
            assert nodes_at(nodes, level) == components(levels >= level, reach, weights)


def test_nothing_above_any_threshold() -> None:
    levels = np.zeros((3, 4), np.uint16)
    assert pixel_tree(levels, np.ones((3, 4), np.uint8), 5, 1, np.empty(12, NODE)) == 0
