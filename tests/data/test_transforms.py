import pytest
import torch
from PIL import Image

from gapcam.data.transforms import random_crops, to_tensor


@pytest.mark.parametrize("size", [(4, 6), (2, 3)])
def test_to_tensor_is_channels_height_width(size: tuple[int, int]) -> None:
    picture = Image.new("RGB", (6, 4), (255, 128, 0))
    tensor = to_tensor(picture, size)
    assert tensor.shape == (3, *size)
    assert tensor.dtype == torch.uint8
    assert tensor[:, 0, 0].tolist() == [255, 128, 0]


def position_images(count: int, height: int, width: int) -> torch.Tensor:
    """Pixel value says where the pixel is: row in the first channel, column in the second."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([rows, columns, rows * 0])[None].expand(count, -1, -1, -1).to(torch.uint8)


@pytest.mark.parametrize("flip", [False, True])
def test_crops_are_windows_of_their_image(flip: bool) -> None:
    torch.manual_seed(0)
    crops = random_crops(position_images(50, 9, 12), (5, 7), flip)
    assert crops.shape == (50, 3, 5, 7)
    assert crops.dtype == torch.uint8
    tops, lefts, mirrored = set(), set(), 0
    for crop in crops.int():
        is_mirrored = crop[1, 0, 0] > crop[1, 0, -1]
        mirrored += int(is_mirrored)
        upright = crop.flip(-1) if is_mirrored else crop
        top, left = int(upright[0, 0, 0]), int(upright[1, 0, 0])
        assert torch.equal(upright[0], torch.arange(top, top + 5)[:, None].expand(5, 7))
        assert torch.equal(upright[1], torch.arange(left, left + 7).expand(5, 7))
        tops.add(top)
        lefts.add(left)
    assert tops == set(range(5))
    assert lefts == set(range(6))
    assert (10 < mirrored < 40) if flip else mirrored == 0


def test_a_crop_of_the_whole_image_is_the_image() -> None:
    images = position_images(2, 4, 4)
    assert torch.equal(random_crops(images, (4, 4), flip=False), images)
