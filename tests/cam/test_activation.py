from pathlib import Path

import pytest
import torch
from scipy.io import loadmat
from torch import nn

from gapcam.cam.activation import class_activation_maps, divide_by_max


def test_mean_of_map_plus_bias_is_the_logit() -> None:
    features = torch.randn(3, 7, 5, 4)
    classifier = nn.Linear(7, 11)
    classes = torch.arange(11).expand(3, 11)
    maps = class_activation_maps(features, classifier.weight, classes)
    logits = classifier(features.mean((-2, -1)))
    torch.testing.assert_close(maps.mean((-2, -1)) + classifier.bias, logits)


def test_equals_the_sum_written_as_loops() -> None:
    features, weight = torch.randn(2, 3, 2, 2), torch.randn(4, 3)
    classes = torch.tensor([[3, 0], [1, 1]])
    maps = class_activation_maps(features, weight, classes)
    for b in range(2):
        for m in range(2):
            for y in range(2):
                for x in range(2):
                    value = sum(weight[classes[b, m], k] * features[b, k, y, x] for k in range(3))
                    assert maps[b, m, y, x] == pytest.approx(float(value), abs=1e-6)


def test_stays_float32_under_autocast() -> None:
    features, weight = torch.randn(1, 64, 3, 3), torch.randn(2, 64)
    classes = torch.tensor([[0, 1]])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = class_activation_maps(features, weight, classes)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, class_activation_maps(features, weight, classes))


@pytest.mark.parametrize(
    ("features", "weight", "classes", "message"),
    [
        ((2, 3, 4), (5, 3), (2, 1), r"needs features \(B, K, h, w\).*got \(2, 3, 4\)"),
        ((2, 3, 4, 4), (5, 6), (2, 1), r"K must agree.*\(5, 6\)"),
        ((2, 3, 4, 4), (5, 3), (1, 1), r"B between features.*\(1, 1\)"),
    ],
)
def test_wrong_shapes_are_named(
    features: tuple[int, ...], weight: tuple[int, ...], classes: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        class_activation_maps(
            torch.zeros(features), torch.zeros(weight), torch.zeros(classes, dtype=torch.int64)
        )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([-1.0, 0.0], [0.0, 0.0]),  # no positive value
        ([-2.0, 4.0], [0.0, 1.0]),
        ([1.0, 4.0], [0.25, 1.0]),
    ],
)
def test_divide_by_max(values: list[float], expected: list[float]) -> None:
    assert divide_by_max(torch.tensor([[values]])).flatten().tolist() == expected


def test_authors_maps_give_the_authors_scores(real_data: Path) -> None:
    """The released GoogLeNet-GAP: mean of the maps = logit, up to its unpublished tiny bias."""
    reference = real_data / "cam_reference"
    stored = loadmat(reference / "data_img1.mat")
    weight_CK = torch.from_numpy(loadmat(reference / "data_net.mat")["weights_LR"]).T
    features_BKhw = torch.from_numpy(stored["activation_lastconv"]).permute(3, 2, 1, 0)
    scores_BC = torch.from_numpy(stored["scores"][0, 0]).T
    classes = torch.arange(1000).expand(len(features_BKhw), 1000)
    maps = class_activation_maps(features_BKhw, weight_CK, classes)
    scores = maps.mean((-2, -1)).softmax(1)
    assert (scores - scores_BC).abs().max() < 9e-4
    assert torch.equal(scores.argmax(1), scores_BC.argmax(1))
