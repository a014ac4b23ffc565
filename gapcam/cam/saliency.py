"""The back-propagation baseline: how much each pixel moves a class score."""

from collections.abc import Callable

import torch
from torch import Tensor


def saliency_maps(
    score: Callable[[Tensor], Tensor], inputs_BDHW: Tensor, classes_BM: Tensor
) -> Tensor:
    """Map M chosen classes of each image: `sum over colours of |d score_c / d pixel|`.

    Simonyan et al. (2014) take the maximum over the colours. Zhou et al. (2016) seem to have
    summed: their released evaluation merges crops of a three-colour array by a function, not
    released itself, that it shares with activation maps. The score is the one before the softmax.
    Works inside `torch.inference_mode`, in single precision inside `torch.autocast`, and leaves
    nothing behind: no hook, no gradient in a parameter.

    Args:
        score: `(B, D, H, W)` -> `(B, C)` class scores; each image's depend on that image alone.
        inputs_BDHW: images as the network sees them.
        classes_BM: `(B, M)` int64, the classes to map, in `0..C-1`.

    Returns:
        `(B, M, H, W)` float32, not negative.

    Raises:
        ValueError: if the shapes do not fit each other.
    """
    if inputs_BDHW.ndim != 4 or classes_BM.ndim != 2 or len(inputs_BDHW) != len(classes_BM):
        raise ValueError(
            "saliency_maps needs images (B, D, H, W) and classes (B, M); got "
            f"{tuple(inputs_BDHW.shape)} and {tuple(classes_BM.shape)}"
        )
    # Half precision would lose up to a third of a pixel's gradient; boxes are cut from these.
    single = torch.autocast(inputs_BDHW.device.type, enabled=False)
    with torch.inference_mode(False), torch.enable_grad(), single:
        # Copies made here are ordinary tensors, though their originals may be inference tensors.
        inputs = inputs_BDHW.detach().clone().requires_grad_()
        chosen = score(inputs).gather(1, classes_BM.clone())
        rows = chosen.sum(0).unbind()
        maps = [
            torch.autograd.grad(row, inputs, retain_graph=rank + 1 < len(rows))[0]
            for rank, row in enumerate(rows)
        ]
    if not maps:
        return inputs_BDHW.new_zeros(len(inputs_BDHW), 0, *inputs_BDHW.shape[2:]).float()
    return torch.stack([gradient.float().abs().sum(1) for gradient in maps], dim=1)
