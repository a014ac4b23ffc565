"""Raising the mapping resolution of a ResNet: its last stage without its stride."""

from torch import nn

from gapcam.errors import UserError


def raise_resolution(model: nn.Module, title: str, stride_last: int, dilate_last: bool) -> None:
    """Take the stride off `model.layer4`, in place.

    Args:
        model: a ResNet of torchvision or timm, or a relative with the same stages.
        title: its name, for messages.
        stride_last: 1 to do it, 2 to leave the network alone.
        dilate_last: let the 3x3 convolutions after the stride skip a place, so that each sees what
            it saw before: the pre-trained weights keep their meaning.

    Raises:
        UserError: if there is no such stage, or its stride is not made by convolutions.
    """
    if stride_last not in (1, 2):
        raise UserError(f"arch.stride_last must be 1 or 2; got {stride_last!r}")
    if stride_last == 2:
        if dilate_last:
            raise UserError("arch.dilate_last works with arch.stride_last=1 only")
        return
    stage = getattr(model, "layer4", None)
    layers = [m for m in stage.modules() if not list(m.children())] if stage is not None else []
    strided = [layer for layer in layers if getattr(layer, "stride", 1) not in (1, (1,), (1, 1))]
    obstacles = [type(layer).__name__ for layer in strided if not isinstance(layer, nn.Conv2d)]
    if obstacles or not strided:
        raise UserError(
            f"arch.stride_last=1 is for ResNets, whose last stage (layer4) halves the resolution "
            f"by convolutions of stride 2; {title} has "
            f"{f'{obstacles[0]} there' if obstacles else 'no such stage'}. "
            "arch.trim=1 raises the resolution of any network."
        )
    for module in strided:
        module.stride = (1, 1)
    if dilate_last:
        has_passed = False
        for module in layers:
            if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
                # The strided convolution itself still sees the full-resolution maps.
                if has_passed:
                    module.dilation = module.padding = (2, 2)
                has_passed = has_passed or module in strided
