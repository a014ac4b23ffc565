"""Gradients of class scores, where no graph is kept."""

from collections.abc import Callable

import torch
from torch import Tensor


def from_class_gradients(
    score: Callable[[Tensor], Tensor],
    inputs_BDHW: Tensor,
    classes_BM: Tensor,
    summarise: Callable[[Tensor], Tensor],
) -> Tensor:
    """Make a map of the gradient of each of M chosen class scores; one backward pass a class.

    Works inside `torch.inference_mode`, in single precision inside `torch.autocast`, and leaves
    nothing behind: no hook, no gradient in a parameter.

    Args:
        score: `(B, D, H, W)` -> `(B, C)` class scores; each image's depend on that image alone.
        inputs_BDHW: in which the scores are differentiated.
        classes_BM: `(B, M)` int64, in `0..C-1`.
        summarise: gradients `(B, D, H, W)` of one class an image -> maps `(B, h, w)`.

    Returns:
        `(B, M, h, w)` float32; `(B, 0, H, W)` if no class is asked for.
    """
    # Half precision would lose up to a third of a pixel's gradient; boxes are cut from these.
    single = torch.autocast(inputs_BDHW.device.type, enabled=False)
    with torch.inference_mode(False), torch.enable_grad(), single:
        # Copies made here are ordinary tensors, though their originals may be inference tensors.
        inputs = inputs_BDHW.detach().clone().requires_grad_()
        rows = score(inputs).gather(1, classes_BM.clone()).sum(0).unbind()
        maps = [
            summarise(torch.autograd.grad(row, inputs, retain_graph=rank + 1 < len(rows))[0])
            for rank, row in enumerate(rows)
        ]
    if not maps:
        return inputs_BDHW.new_zeros(len(inputs_BDHW), 0, *inputs_BDHW.shape[2:]).float()
    return torch.stack(maps, dim=1).float()
