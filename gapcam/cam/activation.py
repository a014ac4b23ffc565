"""Class activation maps: from pooled features and classifier weights to maps."""

import torch
from torch import Tensor


def class_activation_maps(features_BKhw: Tensor, weight_CK: Tensor, classes_BM: Tensor) -> Tensor:
    """Map M chosen classes of each image: `M_c(x, y) = sum_k w_kc f_k(x, y)` (Zhou et al., 2).

    The maps keep the identity `maps.mean((-2, -1)) + bias[classes] == logits[classes]`. They are
    computed in float32 whatever the precision around them, because boxes are cut from them.

    Args:
        features_BKhw: `(B, K, h, w)`, the units that are average-pooled.
        weight_CK: `(C, K)`, the weights of the linear classifier after the pooling.
        classes_BM: `(B, M)` int64, the classes to map, in `0..C-1`.

    Returns:
        `(B, M, h, w)` float32 maps at mapping resolution, unbounded, possibly negative.

    Raises:
        ValueError: if the shapes do not fit each other.

    Example:
        >>> features = torch.tensor([[[[1.0, 0.0]], [[0.0, 2.0]]]])  # B=1 K=2 h=1 w=2
        >>> weight = torch.tensor([[1.0, 0.0], [0.5, 3.0]])
        >>> class_activation_maps(features, weight, torch.tensor([[1, 0]]))
        tensor([[[[0.5000, 6.0000]],
        <BLANKLINE>
                 [[1.0000, 0.0000]]]])
    """
    if features_BKhw.ndim != 4 or weight_CK.ndim != 2 or classes_BM.ndim != 2:
        raise ValueError(
            "class_activation_maps needs features (B, K, h, w), weight (C, K) and classes (B, M); "
            f"got {_shape(features_BKhw)}, {_shape(weight_CK)} and {_shape(classes_BM)}"
        )
    if features_BKhw.shape[1] != weight_CK.shape[1] or len(features_BKhw) != len(classes_BM):
        raise ValueError(
            "K must agree between features (B, K, h, w) and weight (C, K), and B between features "
            f"and classes (B, M); got {_shape(features_BKhw)}, {_shape(weight_CK)} "
            f"and {_shape(classes_BM)}"
        )
    with torch.autocast(features_BKhw.device.type, enabled=False):
        weight_BMK = weight_CK.float()[classes_BM]
        return torch.einsum("bmk,bkhw->bmhw", weight_BMK, features_BKhw.float())


def divide_by_max(maps: Tensor) -> Tensor:
    """Clamp at zero and divide each map by its maximum: the range becomes 0..1.

    A map without a positive value becomes zero everywhere.

    Args:
        maps: `(..., H, W)`.

    Returns:
        `(..., H, W)` in 0..1, each map with maximum exactly 1, or 0.
    """
    maps = maps.clamp(min=0)
    peak = maps.amax((-2, -1), keepdim=True)
    return torch.where(peak > 0, maps / peak, torch.zeros_like(maps))


def _shape(tensor: Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)
