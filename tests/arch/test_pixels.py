import pytest
import torch

from gapcam.arch.pixels import CAFFE, IMAGENET, Pixels


def test_nothing_is_nothing() -> None:
    assert Pixels(CAFFE)(torch.zeros(0, 3, 2, 2, dtype=torch.uint8)).shape == (0, 3, 2, 2)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_caffe_is_blue_first_minus_the_mean(dtype: torch.dtype) -> None:
    red_green_blue = torch.tensor([200, 150, 100], dtype=dtype).view(1, 3, 1, 1)
    assert Pixels(CAFFE)(red_green_blue).flatten().tolist() == [100 - 104, 150 - 117, 200 - 123]


def test_imagenet_is_torchvisions_preset() -> None:
    from torchvision.models import ResNet50_Weights

    images = torch.randint(256, (2, 3, 224, 224), dtype=torch.uint8)
    preset = ResNet50_Weights.DEFAULT.transforms(crop_size=224, resize_size=224)
    torch.testing.assert_close(Pixels(IMAGENET)(images), preset(images))


@pytest.mark.parametrize("form", [CAFFE, IMAGENET])
def test_the_format_is_part_of_the_state(form: object) -> None:
    pixels = Pixels(form)
    other = Pixels(IMAGENET if form == CAFFE else CAFFE)
    other.load_state_dict(pixels.state_dict())
    assert other.format().describe() == pixels.format().describe()
    images = torch.rand(1, 3, 4, 4) * 255
    assert torch.equal(other(images), pixels(images))


def test_formats_in_words() -> None:
    assert CAFFE.describe() == "BGR - (104, 117, 123)"
    assert IMAGENET.describe() == "RGB - (123.7, 116.3, 103.5) / (58.4, 57.12, 57.38)"
