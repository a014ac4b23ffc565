"""The back-propagation baseline: how much each pixel moves a class score."""

from collections.abc import Callable

from torch import Tensor

from gapcam.cam.gradients import from_class_gradients


def saliency_maps(
    score: Callable[[Tensor], Tensor], inputs_BDHW: Tensor, classes_BM: Tensor
) -> Tensor:
    """Map M chosen classes of each image: `sum over colours of |d score_c / d pixel|`.

    Simonyan et al. (2014) take the maximum over the colours. Zhou et al. (2016) seem to have
    summed: their released evaluation merges crops of a three-colour array by a function, not
    released itself, that it shares with activation maps. The score is the one before the softmax.
    Works where gradients are off and leaves nothing behind, see `from_class_gradients`.

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
    return from_class_gradients(
        score, inputs_BDHW, classes_BM, lambda gradient: gradient.float().abs().sum(1)
    )
