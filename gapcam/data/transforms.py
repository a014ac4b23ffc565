"""From pictures to network input: the CPU half per picture, the device half per batch."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def to_tensor(picture: Image.Image, size: tuple[int, int]) -> Tensor:
    """Squash a picture to `size` (height, width; its shape is not kept) -> `(3, H, W)` uint8."""
    height, width = size
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()


def random_crops(images: Tensor, size: tuple[int, int], flip: bool) -> Tensor:
    """Cut a window of `size` at a random place from each image, and mirror half of them.

    The random numbers come from the CPU's global generator, so they do not depend on the device.

    Args:
        images: `(B, C, H, W)`, on any device.
        size: height and width of the windows, at most H and W.
        flip: mirror each image left to right with probability 1/2.

    Returns:
        `(B, C, height, width)`, same type, same device.
    """
    count, _, full_height, full_width = images.shape
    height, width = size
    if size == (full_height, full_width) and not flip:
        return images
    top = torch.randint(full_height - height + 1, (count, 1))
    left = torch.randint(full_width - width + 1, (count, 1))
    rows = top + torch.arange(height)
    columns = left + torch.arange(width)
    if flip:
        mirrored = torch.rand(count, 1) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
    rows = rows.to(images.device, non_blocking=True)
    columns = columns.to(images.device, non_blocking=True)
    image = torch.arange(count, device=images.device)[:, None, None]
    crops_BHWC = images.permute(0, 2, 3, 1)[image, rows[:, :, None], columns[:, None, :]]
    return crops_BHWC.permute(0, 3, 1, 2)
