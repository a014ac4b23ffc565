"""Any network of torchvision that ends in global average pooling."""

from difflib import get_close_matches
from typing import Any

from torchvision.models import get_model, get_model_weights, list_models

from gapcam.arch.foreign_gap import ForeignGAP
from gapcam.arch.weights import Source, torchvision_source
from gapcam.errors import UserError


class TorchvisionGAP(ForeignGAP):
    """A classification network of torchvision by its name.

    Args:
        name: as `torchvision.models.list_models()` has it.
        kwargs: see `ForeignGAP`.

    Raises:
        UserError: if torchvision has no such network.
    """

    def __init__(self, *, name: str, num_classes: int, **kwargs: Any) -> None:
        import torchvision

        known = list_models(module=torchvision.models)
        if name not in known:
            raise UserError(unknown_name(name, known, "torchvision"))
        self.name = name
        super().__init__(
            model=get_model(name, weights=None, num_classes=num_classes, **_options(name)),
            title=f"torchvision's {name}",
            tracer_options={},
            num_classes=num_classes,
            **kwargs,
        )

    def imagenet(self) -> Source:
        return torchvision_source(get_model_weights(self.name).DEFAULT)


def unknown_name(name: object, known: list[str], library: str) -> str:
    """Say that there is no such network, and which are like it."""
    alike = get_close_matches(str(name), known, n=5, cutoff=0.4)
    nearest = f" Nearest: {', '.join(alike)}." if alike else ""
    return f"arch.name: {library} has no network {name!r}.{nearest} Known: {len(known)} networks."


def _options(name: str) -> dict[str, Any]:
    # These two were trained on other pixels; they convert from torchvision's usual ones themselves,
    # but only if told to. They also warn unless told to initialise.
    needs_telling = name in ("googlenet", "inception_v3")
    return {"init_weights": True, "transform_input": True} if needs_telling else {}
