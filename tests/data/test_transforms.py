import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from gapcam.cam.views import boxes_from_view, boxes_to_view, view_slices
from gapcam.data.transforms import Views, random_mirrors


def positions(height: int, width: int) -> Image.Image:
    """Pixel value says where the pixel is: row in the first channel, column in the second."""
    rows, columns = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([rows, columns, rows * 0], -1).astype(np.uint8))


@pytest.mark.parametrize("size", [(4, 6), (2, 3)])
def test_the_whole_picture_is_channels_height_width(size: tuple[int, int]) -> None:
    picture = Image.new("RGB", (6, 4), (255, 128, 0))
    (view,) = Views(size).evaluate(picture)
    assert view.image.shape == (3, *size)
    assert view.image.dtype == torch.uint8
    assert view.image[:, 0, 0].tolist() == [255, 128, 0]
    assert view.region == (0, 0, 6, 4)


def test_training_crops_are_windows_of_the_picture() -> None:
    views = Views((5, 7), resize=12)
    pixels = np.asarray(positions(12, 12))
    tops, lefts = set(), set()
    for seed in range(200):
        crop = views.train(pixels, (24, 120), np.random.default_rng(seed))
        top, left = int(crop.image[0, 0, 0]), int(crop.image[1, 0, 0])
        assert torch.equal(crop.image[0], torch.arange(top, top + 5)[:, None].expand(5, 7))
        assert torch.equal(crop.image[1], torch.arange(left, left + 7).expand(5, 7))
        # The original is 24x120: two of its rows, ten of its columns to a pixel here.
        assert crop.region == (left * 10, top * 2, (left + 7) * 10, (top + 5) * 2)
        tops.add(top)
        lefts.add(left)
    assert tops == set(range(8))
    assert lefts == set(range(6))


@pytest.mark.parametrize("shape", [(40, 90), (90, 41), (50, 50)])
@pytest.mark.parametrize("keep_shape", [False, True])
def test_centre_crop_is_torchvisions(shape: tuple[int, int], keep_shape: bool) -> None:
    random = np.random.default_rng(0)
    picture = Image.fromarray(random.integers(256, size=(*shape, 3), dtype=np.uint8))
    (view,) = Views((28, 28), 32, keep_shape, ("centre",)).evaluate(picture)
    resize = v2.Resize(32) if keep_shape else v2.Resize((32, 32))
    expected = v2.CenterCrop(28)(resize(picture))
    assert torch.equal(view.image, v2.functional.pil_to_tensor(expected))


def test_ten_crops_show_their_regions() -> None:
    """A bright patch lies, in every crop, where its box says."""
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[24:40, 40:64] = 255
    truth = torch.tensor([[[40.0, 24, 64, 40]]])
    crops = Views((28, 28), 32, kinds=("ten",)).evaluate(Image.fromarray(pixels))
    assert len(crops) == 10
    assert len({crop.region for crop in crops}) == 5
    for number, crop in enumerate(crops):
        image = crop.image.flip(-1) if number >= 5 else crop.image
        box = boxes_to_view(truth, (28, 28), torch.tensor([crop.region]))[0, 0]
        rows, columns = (image[0] > 127).nonzero().unbind(1)
        found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert box.round().tolist() == [float(corner) for corner in found]
        back = boxes_from_view(box[None, None], (28, 28), torch.tensor([crop.region]))
        torch.testing.assert_close(back, truth, atol=1e-4, rtol=0)


def test_several_kinds_of_views_of_one_picture() -> None:
    random = np.random.default_rng(0)
    picture = Image.fromarray(random.integers(256, size=(40, 90, 3), dtype=np.uint8))
    views = Views((28, 28), 32, kinds=("ten", "whole", "centre"))
    together = views.evaluate(picture)
    assert len(together) == 12
    for kind, part in view_slices(views.kinds).items():
        alone = views._replace(kinds=(kind,)).evaluate(picture)
        for crop, expected in zip(together[part], alone, strict=True):
            assert torch.equal(crop.image, expected.image)
            assert crop.region == expected.region
    assert views.describe() == (
        "ten crops of 28x28 from the picture (squashed to 32); the whole picture, squashed to "
        "28x28; the centre crop of 28x28 from the picture (squashed to 32)"
    )


def test_half_of_a_batch_is_mirrored() -> None:
    torch.manual_seed(0)
    images = torch.arange(5).expand(60, 3, 4, 5).to(torch.uint8)
    mirrored = random_mirrors(images)
    flipped = mirrored[:, 0, 0, 0] == 4
    assert 15 < flipped.sum() < 45
    assert torch.equal(mirrored[flipped], images.flip(-1)[flipped])
    assert torch.equal(mirrored[~flipped], images[~flipped])


def test_the_fast_resize_is_pillows_within_a_level() -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(256, size=(90, 70, 3), dtype=np.uint8)
    crop = Views((32, 32), resize=32).train(pixels, (90, 70), random)
    (exact,) = Views((32, 32)).evaluate(Image.fromarray(pixels))
    assert (crop.image.int() - exact.image.int()).abs().max() <= 1
