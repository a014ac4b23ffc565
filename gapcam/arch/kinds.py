"""Which maps `cam` can ask for. No torch is needed to answer."""

from difflib import get_close_matches
from importlib.util import find_spec
from typing import Any, NamedTuple

from gapcam.errors import UserError

GRADIENTS = {
    "gradcam": "Grad-CAM",
    "gradcam++": "Grad-CAM++",
    "xgradcam": "XGrad-CAM",
    "layercam": "LayerCAM",
    "hirescam": "HiResCAM",
    "gradcamelementwise": "Grad-CAM, element by element",
    "eigengradcam": "Eigen-Grad-CAM",
}
"""Made of features and the gradient of a class score in them: a backward pass for each class."""

FORWARD = {
    "eigencam": "Eigen-CAM: the same map for every class",
    "scorecam": "Score-CAM: a forward pass for each unit",
    "ablationcam": "Ablation-CAM: the rest of the network once for each unit and class",
}
"""Made without gradients."""

OTHERS = GRADIENTS | FORWARD
"""Computed by the package grad-cam, for any network."""

MAPS = {
    "cam": "class activation maps",
    "saliency": "saliency: |gradient of the class score|, summed over the colours",
    **OTHERS,
}
"""What `cam` can be, for people."""

INSTALL = "pip install 'gapcam[gradcam]'"


class Kind(NamedTuple):
    """A `method` of `MAPS`, and the `layer` whose units it looks at; None for the last features."""

    method: str
    layer: str | None = None

    @property
    def word(self) -> str:
        """As `cam` names it."""
        return self.method + (f"@{self.layer}" if self.layer else "")

    @property
    def title(self) -> str:
        """For people."""
        return MAPS[self.method] + (f", at {self.layer}" if self.layer else "")


def read_kind(word: Any) -> Kind:
    """Read `<method>` or `<method>@<layer>`.

    Raises:
        UserError: if there is no such method, or it is not installed; names those alike.

    Example:
        >>> read_kind("gradcam@conv5_3")
        Kind(method='gradcam', layer='conv5_3')
    """
    method, at, layer = str(word).partition("@")
    if not isinstance(word, str) or method not in MAPS:
        alike = get_close_matches(method, MAPS, n=1)
        hint = f" Did you mean {alike[0]}?" if alike else ""
        raise UserError(f"cam must be auto or one of {', '.join(MAPS)}; got {word!r}.{hint}")
    if at and (method not in OTHERS or not layer):
        raise UserError(
            f"cam={word}: a layer can be named after {', '.join(OTHERS)}, as in gradcam@conv5_3"
        )
    if method in OTHERS and find_spec("pytorch_grad_cam") is None:
        raise UserError(f"cam={method} needs the package grad-cam: {INSTALL}")
    return Kind(method, layer or None)
