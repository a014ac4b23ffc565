"""Maps of other methods, by the formulas of the package grad-cam (Gildenblat).

The package's classes compute weights and maps here, and nothing else: it hangs no hook into a
network, and its ReLU, its scaling to 0..1 and its resizing are left to the protocols. Its arrays
are NumPy's, so features and gradients of maps made on a GPU pass through the host.
"""

from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gapcam.arch.kinds import GRADIENTS
from gapcam.arch.trunk import split
from gapcam.cam.gradients import from_class_gradients

if TYPE_CHECKING:
    from gapcam.arch.network import Network, Output

Rest = Callable[[Tensor], Tensor]
"""From features to logits."""

_CLASSES = {
    "gradcam": "GradCAM",
    "gradcam++": "GradCAMPlusPlus",
    "xgradcam": "XGradCAM",
    "layercam": "LayerCAM",
    "hirescam": "HiResCAM",
    "gradcamelementwise": "GradCAMElementWise",
}
"""Classes of the package."""

_LARGE = 2.0**40
"""A power of two, so that scaling loses nothing."""

_AT_ONCE = 32
"""Variants of an image that are classified together."""


def other_maps(network: "Network", images: Tensor, output: "Output", classes: Tensor) -> Tensor:
    """Map the classes `(B, M)` of images `(B, 3, H, W)` by the method of its `cam`.

    Works inside `torch.inference_mode`, in single precision, and leaves nothing behind: no hook, no
    gradient in a parameter.

    Args:
        network: in evaluation mode.
        images: RGB, 0..255.
        output: of the network for these images.
        classes: of each image, in `0..C-1`.

    Returns:
        `(B, M, h, w)` float32, unbounded, possibly negative.
    """
    method = network.cam.method
    # A compiled network can be differentiated only once.
    with (
        torch.compiler.set_stance("force_eager"),
        torch.autocast(images.device.type, enabled=False),
    ):
        features, rest = _parts(network, images, output)
        if method in GRADIENTS:
            formula = _formula(method, features)
            return from_class_gradients(rest, features, classes, formula)
        # The package shows progress bars, and divides by scores of zero: such a map is empty.
        with torch.no_grad(), redirect_stderr(StringIO()), np.errstate(all="ignore"):
            if method == "eigencam":
                return _eigen_maps(features, classes)
            weights = (
                _score_weights(network, images, features, classes)
                if method == "scorecam"
                else _ablation_weights(rest, features, classes)
            )
            return torch.einsum("bmk,bkhw->bmhw", weights, features)


def _parts(network: "Network", images: Tensor, output: "Output") -> tuple[Tensor, Rest]:
    """Features `(B, K, h, w)`, float32, of the layer that is looked at, and what follows it."""
    if network.cam.layer is None:
        return output.features.detach().float(), network.head
    before, behind = split(network.trunk, network.cam.layer)
    with torch.no_grad():
        features = before(network.inputs(images))
    return features, lambda features: network.after_trunk(behind(features)).logits


def _formula(method: str, features: Tensor) -> Callable[[Tensor], Tensor]:
    """From gradients in the features to maps, `(B, K, h, w)` -> `(B, h, w)`."""
    import pytorch_grad_cam as package

    units = features.cpu().numpy()
    if method == "eigengradcam":
        return lambda gradient: _first_component(units * gradient.cpu().numpy()).to(features)
    # Asked for its formula alone, a class needs no network; its constructor does.
    cam = getattr(package, _CLASSES[method])(nn.Linear(1, 1), [])
    large = 1.0
    if method == "gradcam++":
        # The package adds 1e-6 to a denominator of squared gradients, and those of averages are far
        # smaller. Larger gradients of smaller units have the same maps by the paper's formula.
        units, large = units.astype(np.float64) / _LARGE, _LARGE

    def maps(gradient: Tensor) -> Tensor:
        gradients = gradient.cpu().numpy().astype(units.dtype) * units.dtype.type(large)
        found = cam.get_cam_image(None, None, None, units, gradients, False)
        return torch.from_numpy(found).to(features)

    return maps


def _eigen_maps(features: Tensor, classes: Tensor) -> Tensor:
    maps = _first_component(features.cpu().numpy()).to(features)
    return maps[:, None].expand(-1, classes.shape[1], -1, -1)


def _first_component(units: NDArray[np.floating]) -> Tensor:
    """Projection on the first singular vector, `(B, h, w)`; its larger peak points upwards.

    The package's Eigen-CAM leaves the sign to chance; its Seg-Eigen-CAM has this rule.
    """
    from pytorch_grad_cam.utils import svd_on_activations

    return torch.from_numpy(svd_on_activations.get_2d_projection_with_sign_correction(units))


def _score_weights(network: "Network", images: Tensor, features: Tensor, classes: Tensor) -> Tensor:
    """Softmax over the units of the class score of the image seen through each, `(B, M, K)`."""
    from pytorch_grad_cam import ScoreCAM

    weights = []
    for image, units, wanted in zip(network.inputs(images), features, classes, strict=True):
        replayed = _Replayed(lambda inputs: network.classify(inputs).logits)
        cam = ScoreCAM(replayed, [])
        cam.device, cam.batch_size = features.device, _AT_ONCE
        array = units[None].cpu().numpy()
        weights.append(
            [
                cam.get_cam_weights(image[None], None, [_Score(label)], array, None)[0]
                for label in replayed.rounds(wanted)
            ]
        )
    return torch.from_numpy(np.array(weights)).to(features)


def _ablation_weights(rest: Rest, features: Tensor, classes: Tensor) -> Tensor:
    """Share of the class score that goes when a unit is set to zero, `(B, M, K)`."""
    from pytorch_grad_cam import AblationCAM, AblationLayer

    array = features.cpu().numpy()
    replayed = _Replayed(rest)
    model = nn.Sequential(nn.Identity(), replayed)
    cam = AblationCAM(model, [], ablation_layer=AblationLayer(), batch_size=_AT_ONCE)
    weights = [
        cam.get_cam_weights(features, model[0], [_Score(one) for one in labels], array, None)
        for labels in replayed.rounds(classes.T)
    ]
    return torch.from_numpy(np.stack(weights, 1)).to(features)


class _Score:
    """The score of one class."""

    def __init__(self, label: Tensor) -> None:
        self.label = int(label)

    def __call__(self, logits: Tensor) -> Tensor:
        return logits[self.label]


class _Replayed(nn.Module):
    """Computes the scores of all classes in a first round; later rounds are given the same.

    What the package shows to a network does not depend on the class that it asks for.
    """

    def __init__(self, compute: Rest) -> None:
        super().__init__()
        self.register_parameter("unused", nn.Parameter(torch.zeros(1)))  # the package asks for one
        self.compute = compute
        self.seen: list[Tensor] = []
        self.next = 0

    def rounds(self, classes: Tensor) -> Iterator[Tensor]:
        for one in classes:
            self.next = 0
            yield one

    def forward(self, inputs: Tensor) -> Tensor:
        if self.next == len(self.seen):
            self.seen.append(self.compute(inputs))
        self.next += 1
        return self.seen[self.next - 1]
