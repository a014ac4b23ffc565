"""Any network of timm that ends in global average pooling."""

from typing import Any

from gapcam.arch.foreign_gap import ForeignGAP
from gapcam.arch.pixels import from_fractions
from gapcam.arch.torchvision_gap import unknown_name
from gapcam.arch.weights import Source
from gapcam.errors import UserError


class TimmGAP(ForeignGAP):
    """A network of timm by its name; needs the extra `gapcam[timm]`.

    Args:
        name: as `timm.list_models()` has it, with or without a weight tag after a dot.
        kwargs: see `ForeignGAP`.

    Raises:
        UserError: if timm is not installed or has no such network.
    """

    def __init__(self, *, name: str, num_classes: int, **kwargs: Any) -> None:
        timm = _timm()
        known = timm.list_models()
        if str(name).partition(".")[0] not in known:
            raise UserError(unknown_name(name, known, "timm"))
        try:
            model = timm.create_model(name, pretrained=False, num_classes=num_classes)
        except RuntimeError as error:
            raise UserError(f"arch.name: {error}") from error
        self.name = name
        super().__init__(
            model=model,
            title=f"timm's {name}",
            tracer_options={
                "leaf_modules": list(timm.models.get_notrace_modules()),
                "autowrap_functions": list(timm.models.get_notrace_functions()),
            },
            num_classes=num_classes,
            **kwargs,
        )
        statistics = model.pretrained_cfg
        self.published_pixels = from_fractions(statistics["mean"], statistics["std"])

    def imagenet(self) -> Source:
        timm = _timm()
        try:
            model = timm.create_model(self.name, pretrained=True)
        except Exception as error:
            # Hub, network and file errors of several libraries.
            raise UserError(
                f"Cannot fetch timm's weights of {self.name}: {error}. Without a connection, fetch "
                "them elsewhere and give the file's path as arch.weights=..."
            ) from error
        tag = model.pretrained_cfg.get("tag") or "default"
        return Source(model.state_dict(), self.published_pixels, f"timm {self.name}.{tag}")


def _timm() -> Any:
    try:
        import timm
    except ImportError as error:
        raise UserError("arch=timm_gap needs timm: pip install 'gapcam[timm]'") from error
    return timm
