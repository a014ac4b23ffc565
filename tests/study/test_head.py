"""A classifier of new classes: its maps and scores are those of its weights, nothing else's."""

from pathlib import Path

import numpy as np
import pytest
import torch
from benches import bench, colour_network, save_network
from planted_features import RGB, make_features

from gapcam.arch.network import Network
from gapcam.errors import UserError
from gapcam.study.bench import Bench
from gapcam.study.head import with_classifier
from gapcam.viz.localizations import localize

NAMES = ["cold", "warm"]
CELL = 4
"""Pixels of the picture that a cell of the map stands for."""

WEIGHT = np.array([[0, 1, 1, 0, 0, 0, 0, 0], [2, 0, 0, 1, 0, 0, 0, 0]], np.float32)
BIAS = np.array([0.25, -0.5], np.float32)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    root = make_features(tmp_path_factory.mktemp("planted"), each=3)
    words = ("data=folders", f"data.root={root}", "data.pictures=pictures")
    words += ("data.annotations=boxes", "data.train_per_class=2", "study=features")
    words += ("arch=small_gap", "arch.units=8", f"arch.weights={root}/colours.ckpt")
    return bench(root / "runs", *words)


def test_scores_and_maps(found: Bench) -> None:
    images = torch.stack([found.data.test[row].image for row in range(4)])
    before = {name: tensor.clone() for name, tensor in found.network.state_dict().items()}
    other = with_classifier(found.network, WEIGHT, BIAS, NAMES)
    with torch.no_grad():
        output = other(images)
        features = found.network(images).features
        classes = torch.tensor([[0, 1]] * 4)
        maps = other.maps(images, output, classes)
    expected = torch.einsum("bkhw,ck->bchw", features, torch.from_numpy(WEIGHT))
    torch.testing.assert_close(maps, expected)
    torch.testing.assert_close(output.logits, expected.mean((-2, -1)) + torch.from_numpy(BIAS))
    assert other.class_names == NAMES
    assert other.num_classes == 2
    assert not other.training
    assert found.network.class_names == sorted(RGB)
    for name, tensor in found.network.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_its_map_lies_on_the_patch(found: Bench) -> None:
    network = with_classifier(found.network, WEIGHT, BIAS, NAMES)
    data = found.data
    rows = [row for row in range(4) if data.class_names[data.test.labels[row]] in ("red", "yellow")]
    for one in localize(network, data, data.test, rows, classes=[1] * len(rows)):
        top, left = np.unravel_index(one.heat.argmax(), one.heat.shape)
        x0, y0, x1, y1 = one.true_boxes[0]
        assert x0 - CELL < left < x1 + CELL
        assert y0 - CELL < top < y1 + CELL
        assert one.iou > 0.5
    assert len(rows) == 2


def test_it_is_tested_like_any_network(found: Bench) -> None:
    weight = np.zeros((4, 8), np.float32)
    weight[range(4), [2, 1, 0, 3]] = 1  # blue, green, red, yellow
    weight[2, 3], weight[1, 3] = -2, -2
    network = with_classifier(found.network, weight, np.zeros(4, np.float32), sorted(RGB))
    found.trainer.test(network, datamodule=found.data, verbose=False)
    assert network.test_numbers["cls_top1"] == 0
    assert network.test_numbers["loc_gt_known"] == 0


@pytest.mark.parametrize(
    ("arch", "message"),
    [
        (
            ["arch=alexnet"],
            r"Another classifier needs .* and AlexNet has none: give arch=googlenet",
        ),
        (["arch=squeezenet", "arch.size=[64,64]"], r"and SqueezeNet has none"),
        (["arch=small_gap", "arch.pool=max"], r"needs average pooling: give arch.pool=avg"),
    ],
)
def test_networks_without_a_place_for_it(
    found: Bench, configure: object, arch: list[str], message: str
) -> None:
    from gapcam.build import build_module, data_facts

    config = configure(*arch, "data=folders", f"data.root={found.data.root}")  # type: ignore[operator, attr-defined]
    facts = {**data_facts(found.data), "size": config["arch"]["size"]}
    network: Network = build_module(config["arch"], config["protocol"], facts)
    with pytest.raises(UserError, match=message):
        with_classifier(network, WEIGHT, BIAS, NAMES)


def test_a_network_of_a_checkpoint(found: Bench, tmp_path: Path) -> None:
    """Whose classes are others than the data's."""
    path = save_network(tmp_path / "own.ckpt", colour_network([f"c{n}" for n in range(6)]))
    other = bench(
        tmp_path / "runs",
        *("study=features", "data=folders", f"data.root={found.data.root}", f"ckpt={path}"),  # type: ignore[attr-defined]
        *("data.pictures=pictures", "data.train_per_class=2", "data.size=[64,64]"),
    )
    network = with_classifier(other.network, WEIGHT, BIAS, NAMES)
    assert network.class_names == NAMES
    assert other.network.num_classes == 6
