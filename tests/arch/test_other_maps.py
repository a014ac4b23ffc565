"""Maps of other methods against slow loops written from their papers, and against CAM."""

import gc
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import network
from numpy.typing import NDArray
from torch import Tensor, nn

from gapcam.arch.kinds import GRADIENTS, OTHERS
from gapcam.arch.loading import load_weights
from gapcam.arch.network import Network

Array = NDArray[np.float64]
Formula = Callable[[Array, Array], Array]

CLASSES = torch.tensor([[1, 4], [0, 0]])


@pytest.fixture(scope="module")
def small() -> Network:
    """A network whose gradients differ from place to place in front of its last layers."""
    torch.manual_seed(0)
    module = network("arch=squeezenet_gap", "arch.trim=0", "arch.size=[56,56]", classes=5).eval()
    module.configure_model()
    return module


@pytest.fixture(scope="module")
def images() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    blocks = torch.randint(256, (2, 3, 7, 7), generator=generator, dtype=torch.uint8)
    return blocks.repeat_interleave(8, 2).repeat_interleave(8, 3)


def maps_of(module: Network, images: Tensor, cam: str, classes: Tensor = CLASSES) -> Tensor:
    module.choose_maps(cam)
    with torch.inference_mode():
        return module.maps(images, module(images), classes)


def units_and_gradients(module: Network, images: Tensor, label: Tensor) -> tuple[Array, Array]:
    """Of fire8, by PyTorch's own backward pass through the whole network."""
    module.zero_grad()
    inputs, units = module.pixels(images), torch.zeros(0)
    for name, layer in module.trunk.named_children():
        inputs = layer(inputs)
        if name == "fire8":
            units = inputs
            units.retain_grad()
    logits = module.classifier(inputs.mean((-2, -1)))
    logits.gather(1, label[:, None]).sum().backward()
    assert units.grad is not None
    found = units.detach().double().numpy(), units.grad.double().numpy()
    module.zero_grad()
    return found


def places(units: Array) -> Iterator[tuple[int, int, int]]:
    for k in range(units.shape[0]):
        for i in range(units.shape[1]):
            for j in range(units.shape[2]):
                yield k, i, j


def grad_cam(units: Array, slopes: Array) -> Array:
    """Selvaraju et al. 2017, equations 1 and 2 before its ReLU."""
    weight = np.zeros(len(units))
    for k, i, j in places(units):
        weight[k] += slopes[k, i, j] / (units.shape[1] * units.shape[2])
    return weighted(units, weight)


def grad_cam_plus_plus(units: Array, slopes: Array) -> Array:
    """Chattopadhay et al. 2018, equations 5 and 19; its class score is the exponential's."""
    sums, weight = [float(unit.sum()) for unit in units], np.zeros(len(units))
    for k, i, j in places(units):
        slope = slopes[k, i, j]
        below = 2 * slope**2 + sums[k] * slope**3
        weight[k] += max(slope, 0.0) * (slope**2 / below if slope > 0 else 0.0)
    return weighted(units, weight)


def xgrad_cam(units: Array, slopes: Array) -> Array:
    """Fu et al. 2020, equation 9."""
    sums, weight = [float(unit.sum()) for unit in units], np.zeros(len(units))
    for k, i, j in places(units):
        weight[k] += slopes[k, i, j] * units[k, i, j] / sums[k] if sums[k] else 0.0
    return weighted(units, weight)


def layer_cam(units: Array, slopes: Array) -> Array:
    """Jiang et al. 2021, equations 4 to 6 before its ReLU."""
    return by_place(units, slopes, lambda unit, slope: unit * max(slope, 0.0))


def hires_cam(units: Array, slopes: Array) -> Array:
    """Draelos and Carin 2020, equation 4."""
    return by_place(units, slopes, lambda unit, slope: unit * slope)


def element_wise(units: Array, slopes: Array) -> Array:
    return by_place(units, slopes, lambda unit, slope: max(unit * slope, 0.0))


def eigen_grad(units: Array, slopes: Array) -> Array:
    return first_component(units * slopes)


def first_component(units: Array) -> Array:
    """Along the axis of largest variance over places, by the eigenvectors of the covariance."""
    places_PK = units.reshape(len(units), -1).T
    centred = places_PK - places_PK.mean(0)
    along = centred @ np.linalg.eigh(centred.T @ centred)[1][:, -1]
    along *= -1 if abs(along.min()) > abs(along.max()) else 1
    return along.reshape(units.shape[1:])


def weighted(units: Array, weight: Array) -> Array:
    found = np.zeros(units.shape[1:])
    for k, i, j in places(units):
        found[i, j] += weight[k] * units[k, i, j]
    return found


def by_place(units: Array, slopes: Array, term: Callable[[float, float], float]) -> Array:
    found = np.zeros(units.shape[1:])
    for k, i, j in places(units):
        found[i, j] += term(units[k, i, j], slopes[k, i, j])
    return found


FORMULAS: dict[str, Formula] = {
    "gradcam": grad_cam,
    "gradcam++": grad_cam_plus_plus,
    "xgradcam": xgrad_cam,
    "layercam": layer_cam,
    "hirescam": hires_cam,
    "gradcamelementwise": element_wise,
    "eigengradcam": eigen_grad,
}


def test_every_formula_has_a_loop() -> None:
    assert set(FORMULAS) == set(GRADIENTS)


@pytest.mark.parametrize("method", GRADIENTS)
def test_no_class_has_no_map(small: Network, images: Tensor, method: str) -> None:
    none = torch.zeros(2, 0, dtype=torch.int64)
    assert maps_of(small, images, f"{method}@fire8", none).shape == (2, 0, 6, 6)


@pytest.mark.parametrize("method", GRADIENTS)
def test_formulas_against_slow_loops(small: Network, images: Tensor, method: str) -> None:
    found = maps_of(small, images, f"{method}@fire8").double()
    assert found.shape == (2, 2, 6, 6)
    for rank in range(2):
        units, slopes = units_and_gradients(small, images, CLASSES[:, rank])
        for row in range(2):
            expected = torch.from_numpy(FORMULAS[method](units[row], slopes[row]))
            limit = 1e-4 * float(expected.abs().max())
            assert limit > 0
            torch.testing.assert_close(found[row, rank], expected, rtol=0, atol=limit)


def test_eigen_cam_is_the_same_for_every_class(small: Network, images: Tensor) -> None:
    found = maps_of(small, images, "eigencam@fire8")
    assert torch.equal(found[:, 0], found[:, 1])
    units, _ = units_and_gradients(small, images, CLASSES[:, 0])
    for row in range(2):
        expected = torch.from_numpy(first_component(units[row])).float()
        torch.testing.assert_close(found[row, 0], expected, rtol=1e-3, atol=1e-3)


@pytest.fixture(scope="module")
def few_units() -> Network:
    torch.manual_seed(3)
    module = network("arch.units=6", "arch.size=[32,32]", classes=5).eval()
    assert isinstance(module.classifier, nn.Linear)
    module.classifier.weight.data *= 5
    return module


def test_score_cam_against_a_slow_loop(few_units: Network, images: Tensor) -> None:
    """Wang et al. 2020: each unit, enlarged and stretched to 0..1, masks the image."""
    seen = images[:, :, :32, :32]
    found = maps_of(few_units, seen, "scorecam")
    with torch.no_grad():
        features = few_units(seen).features
        inputs = few_units.pixels(seen)
        for row in range(2):
            for rank, label in enumerate(CLASSES[row].tolist()):
                scores = []
                for unit in features[row]:
                    mask = nn.functional.interpolate(
                        unit[None, None], size=(32, 32), mode="bilinear", align_corners=True
                    )[0, 0]
                    mask = (mask - mask.min()) / (mask.max() - mask.min() + 1e-8)
                    masked = few_units.classify(inputs[row : row + 1] * mask).logits
                    scores.append(float(masked[0, label]))
                largest = max(scores)
                weights = [math.exp(score - largest) for score in scores]
                terms = zip(weights, features[row], strict=True)
                expected = torch.stack([weight * unit for weight, unit in terms]).sum(0)
                torch.testing.assert_close(
                    found[row, rank], expected / sum(weights), rtol=1e-3, atol=1e-4
                )


def test_ablation_cam_against_a_slow_loop(few_units: Network, images: Tensor) -> None:
    """Desai and Ramaswamy 2020, equation 3: what the score loses without a unit."""
    seen = images[:, :, :32, :32]
    found = maps_of(few_units, seen, "ablationcam")
    with torch.no_grad():
        output = few_units(seen)
        for row in range(2):
            for rank, label in enumerate(CLASSES[row].tolist()):
                score = float(output.logits[row, label])
                expected = torch.zeros_like(found[0, 0])
                for k, unit in enumerate(output.features[row]):
                    without = output.features[row : row + 1].clone()
                    without[0, k] = 0
                    lost = score - float(few_units.head(without)[0, label])
                    expected += lost / score * unit
                torch.testing.assert_close(found[row, rank], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("method", ["gradcam", "xgradcam", "hirescam"])
@pytest.mark.parametrize("arch", ["small_gap", "squeezenet_gap"])
def test_behind_average_pooling_it_is_cam(arch: str, method: str, images: Tensor) -> None:
    torch.manual_seed(0)
    module = network(f"arch={arch}", "arch.size=[56,56]", classes=5).eval()
    cam = maps_of(module, images, "cam")
    found = maps_of(module, images, method)
    places_of_a_map = cam.shape[-2] * cam.shape[-1]
    assert cam.min() < 0 < cam.max()
    limit = 1e-4 * float(cam.abs().max())
    torch.testing.assert_close(found * places_of_a_map, cam, rtol=0, atol=limit)


def test_behind_average_pooling_it_is_cam_in_a_real_network(real_data: Path) -> None:
    """Class maps of SqueezeNet, positive throughout, with its ImageNet weights and a picture."""
    weights = real_data / "squeezenet_dc" / "squeezenet_dc.npz"
    module = network("arch=squeezenet", f"arch.weights={weights}").eval()
    load_weights(module)
    picture = real_picture(real_data, module.size)
    classes = module(picture).logits.topk(5).indices
    cam = maps_of(module, picture, "cam", classes)
    found = maps_of(module, picture, "gradcam", classes)
    torch.testing.assert_close(found * 15 * 15, cam, rtol=1e-4, atol=1e-4)
    assert cam.amax((-2, -1)).min() > 1


def real_picture(real_data: Path, size: tuple[int, int]) -> Tensor:
    from PIL import Image

    folder = real_data / "imagenet" / "ILSVRC" / "Data" / "CLS-LOC" / "val"
    with Image.open(min(folder.iterdir())) as picture:
        array = np.array(picture.convert("RGB").resize(size[::-1]))
    return torch.from_numpy(array).permute(2, 0, 1)[None]


@pytest.mark.parametrize("arch", ["alexnet", "vgg"])
def test_fully_connected_networks_have_them_at_any_layer(arch: str) -> None:
    torch.manual_seed(0)
    module = network(f"arch={arch}", "arch.size=[64,64]", classes=3).eval()
    images = torch.randint(256, (2, 3, 64, 64), dtype=torch.uint8)
    classes = torch.tensor([[0, 1], [2, 2]])
    last = maps_of(module, images, "layercam", classes)
    pool5 = maps_of(module, images, "layercam@pool5", classes)
    torch.testing.assert_close(last, pool5, rtol=1e-3, atol=1e-6)
    module.choose_maps("layercam@conv5" if arch == "alexnet" else "layercam@conv5_3")
    larger = maps_of(module, images, module.cam.word, classes)
    assert larger.shape[-1] > last.shape[-1]
    assert tuple(larger.shape[-2:]) == module.resolution_of_maps(tuple(last.shape[-2:]))


@pytest.mark.parametrize("cam", [*OTHERS, "gradcam@pool1", "scorecam@pool1"])
def test_nothing_is_left_behind(few_units: Network, images: Tensor, cam: str) -> None:
    seen = images[:1, :, :32, :32]
    buffers = {name: value.clone() for name, value in few_units.state_dict().items()}
    maps = maps_of(few_units, seen, cam, CLASSES[:1])
    assert maps.dtype == torch.float32
    assert not maps.requires_grad
    assert not any(
        m._forward_hooks or m._backward_hooks or m._forward_pre_hooks for m in few_units.modules()
    )
    assert all(parameter.grad is None for parameter in few_units.parameters())
    assert all(torch.equal(buffers[name], v) for name, v in few_units.state_dict().items())
    assert not torch.is_inference_mode_enabled()
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("cam", ["gradcam", "gradcam@pool1", "scorecam"])
def test_half_precision_around_it_changes_rounding_only(
    few_units: Network, images: Tensor, cam: str
) -> None:
    seen = images[:, :, :32, :32]
    expected = maps_of(few_units, seen, cam)
    with torch.autocast("cpu", torch.bfloat16):
        found = maps_of(few_units, seen, cam)
    assert found.dtype == torch.float32
    limit = 0.03 * float(expected.abs().max())
    torch.testing.assert_close(found, expected, rtol=0, atol=limit)


def tensors_alive() -> tuple[int, int]:
    """How many there are, and their elements."""
    gc.collect()
    sizes = [one.numel() for one in gc.get_objects() if issubclass(type(one), Tensor)]
    return len(sizes), sum(sizes)


def resident() -> int:
    """Bytes that this process has in memory; 0 where nobody says."""
    facts = Path("/proc/self/statm")
    return int(facts.read_text().split()[1]) * 4096 if facts.is_file() else 0


@pytest.mark.slow
@pytest.mark.parametrize("cam", ["gradcam", "gradcam++", "layercam@pool1", "eigencam", "saliency"])
def test_memory_is_flat_over_two_hundred_batches(few_units: Network, cam: str) -> None:
    """Nothing keeps a batch, a graph or a gradient: a batch's are megabytes."""
    alive, bytes_taken = [], []
    for number in range(200):
        images = torch.randint(256, (8, 3, 96, 96), dtype=torch.uint8)
        maps_of(few_units, images, cam, torch.tensor([[0, 1]] * 8))
        if number in (20, 199):
            alive.append(tensors_alive())
            bytes_taken.append(resident())
    assert alive[0] == alive[1]
    assert bytes_taken[1] - bytes_taken[0] < 40 * 2**20
    assert not any(m._forward_hooks or m._backward_hooks for m in few_units.modules())
    assert all(parameter.grad is None for parameter in few_units.parameters())
