import pytest
import torch
from torch import Tensor, nn

from gapcam.cam.saliency import saliency_maps


def test_nothing_is_nothing() -> None:
    inputs = torch.zeros(2, 3, 4, 5)
    score = lambda images: images.sum((1, 2, 3))[:, None]  # noqa: E731
    assert saliency_maps(score, inputs, torch.zeros(2, 0, dtype=torch.int64)).shape == (
        2, 0, 4, 5,
    )  # fmt: skip


def test_a_linear_score_has_its_weights_as_saliency() -> None:
    weight = torch.randn(4, 3, 5, 6)

    def score(inputs: Tensor) -> Tensor:
        return torch.einsum("bdhw,cdhw->bc", inputs, weight)

    classes = torch.tensor([[0, 3], [2, 2]])
    maps = saliency_maps(score, torch.randn(2, 3, 5, 6), classes)
    torch.testing.assert_close(maps, weight[classes].abs().sum(2))


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(4 * 4 * 4, 5)
    ).double()


def test_against_finite_differences() -> None:
    """A slow loop: move each pixel a little, look at the class score."""
    score, inputs = network(), torch.randn(1, 3, 6, 6, dtype=torch.float64)
    maps = saliency_maps(score, inputs, torch.tensor([[3]]))
    step = 1e-6
    with torch.no_grad():
        for row in range(6):
            for column in range(6):
                slopes = []
                for colour in range(3):
                    moved = inputs.clone()
                    moved[0, colour, row, column] += step
                    slopes.append(abs(score(moved)[0, 3] - score(inputs)[0, 3]) / step)
                assert maps[0, 0, row, column].item() == pytest.approx(float(sum(slopes)), abs=1e-4)


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_works_where_gradients_are_off_and_leaves_nothing_behind(mode: type) -> None:
    score, inputs = network(), torch.randn(2, 3, 6, 6, dtype=torch.float64)
    expected = saliency_maps(score, inputs, torch.tensor([[1], [2]]))
    with mode():
        found = saliency_maps(score, inputs * 1, torch.tensor([[1], [2]]))
        assert not torch.is_grad_enabled()
    torch.testing.assert_close(found, expected)
    assert all(parameter.grad is None for parameter in score.parameters())
    assert not any(module._forward_hooks or module._backward_hooks for module in score.modules())
    assert inputs.grad is None


def test_images_do_not_mix() -> None:
    score, inputs = network(), torch.randn(3, 3, 6, 6, dtype=torch.float64)
    classes = torch.tensor([[0], [1], [2]])
    together = saliency_maps(score, inputs, classes)
    alone = [saliency_maps(score, inputs[i : i + 1], classes[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(together, torch.cat(alone))


@pytest.mark.parametrize(
    ("inputs", "classes"),
    [
        (torch.zeros(0), torch.zeros(0, 1, dtype=torch.int64)),
        (torch.zeros(2, 3, 4, 4), torch.zeros(3, 1, dtype=torch.int64)),
        (torch.zeros(2, 3, 4, 4), torch.zeros(2, dtype=torch.int64)),
    ],
)
def test_shapes_must_fit(inputs: Tensor, classes: Tensor) -> None:
    with pytest.raises(ValueError, match=r"needs images \(B, D, H, W\) and classes \(B, M\); got"):
        saliency_maps(network(), inputs, classes)
