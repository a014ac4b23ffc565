"""Numbers of the authors, and real ImageNet weights on real pictures, through our networks."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from networks import network
from PIL import Image
from scipy import ndimage
from scipy.io import loadmat
from support import compose_config

from gapcam.arch.caffemodel import read_caffemodel
from gapcam.arch.loading import load_weights
from gapcam.execution import keep_lightning_quiet
from gapcam.run import run


def test_authors_features_give_the_authors_scores(real_data: Path) -> None:
    """Ten crops of `img1.jpg` through the last layer of the released GoogLeNet-GAP."""
    image = loadmat(real_data / "cam_reference" / "data_img1.mat")
    weight = loadmat(real_data / "cam_reference" / "data_net.mat")["weights_LR"]
    # MATLAB keeps Caffe's blobs as width, height, channel, image.
    features = torch.from_numpy(image["activation_lastconv"]).permute(3, 2, 1, 0).contiguous()
    scores = torch.from_numpy(image["scores"]).squeeze().T
    module = network("arch=googlenet_gap", "arch.variant=released").eval()
    with torch.no_grad():
        module.classifier.weight.copy_(torch.from_numpy(weight).T)
        module.classifier.bias.zero_()
        logits = module.head(features)
        assert torch.equal(logits.argmax(1), scores.argmax(1))
        # They left the bias out of the file, and call it negligible.
        torch.testing.assert_close(logits.softmax(1), scores, rtol=0, atol=1e-3)
        assert (logits.softmax(1) - scores).abs().max() > 1e-4
        # The bias is the same for every crop: what the scores imply explains them exactly.
        bias = (scores.log() - logits).mean(0)
        torch.testing.assert_close((logits + bias).softmax(1), scores, rtol=0, atol=2e-5)
        output = type("Output", (), {"features": features})()
        classes = torch.arange(1000).expand(10, 1000)
        maps = module.activation_maps(output, classes)
    torch.testing.assert_close(maps.mean((-2, -1)), logits, rtol=1e-4, atol=1e-4)


def independent_squeezenet(tensors: dict[str, np.ndarray], images: torch.Tensor) -> torch.Tensor:
    """The prototxt in a few lines: maps `(B, 1000, 15, 15)` of BGR images minus the mean."""

    def conv(name: str, x: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        weight, bias = (torch.from_numpy(tensors[f"{name}.{part}"]) for part in ("weight", "bias"))
        return F.conv2d(x, weight, bias, **kwargs).relu()

    def pool(x: torch.Tensor) -> torch.Tensor:
        return F.max_pool2d(x, 3, 2, ceil_mode=True)

    x = pool(conv("conv1", images, stride=2))
    for number in range(2, 10):
        squeezed = conv(f"fire{number}.conv1x1_1", x)
        wide = conv(f"fire{number}.conv3x3_2", squeezed, padding=1)
        x = torch.cat([conv(f"fire{number}.conv1x1_2", squeezed), wide], 1)
        x = pool(x) if number in (4, 8) else x
    return conv("conv_final", x, padding=1)


@pytest.fixture(scope="module")
def squeezenet_files(real_data: Path) -> tuple[Path, Path]:
    folder = real_data / "squeezenet_dc"
    return folder / "squeezenet_dc.caffemodel", folder / "squeezenet_dc.npz"


def test_both_files_hold_the_same_weights(squeezenet_files: tuple[Path, Path]) -> None:
    caffemodel, npz = squeezenet_files
    ours = read_caffemodel(caffemodel)
    with np.load(npz) as theirs:
        assert len(ours) == len(theirs.files) == 52
        for key in theirs.files:
            name = key.replace(".", "/", key.count(".") - 1)
            np.testing.assert_array_equal(ours[name].numpy(), theirs[key])


def test_squeezenet_against_an_independent_forward_pass(
    squeezenet_files: tuple[Path, Path], real_data: Path
) -> None:
    modules = [network("arch=squeezenet", f"arch.weights={p}").eval() for p in squeezenet_files]
    for module in modules:
        assert load_weights(module).fresh == []
    pictures = sorted((real_data / "imagenet/ILSVRC/Data/CLS-LOC/val").iterdir())[:8]
    pixels = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in pictures])
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    with np.load(squeezenet_files[1]) as tensors:
        blue_first = images.flip(1).float() - torch.tensor([104.0, 117, 123]).view(3, 1, 1)
        expected = independent_squeezenet(dict(tensors), blue_first)
    with torch.no_grad():
        outputs = [module(images) for module in modules]
    assert torch.equal(outputs[0].logits, outputs[1].logits)
    torch.testing.assert_close(outputs[0].features, expected, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(outputs[0].logits, expected.mean((-2, -1)), rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_real_weights_on_real_pictures(
    squeezenet_files: tuple[Path, Path], real_data: Path, tmp_path: Path
) -> None:
    """The whole way by the command, and the same again by a slow loop."""
    overrides = ["arch=squeezenet", f"arch.weights={squeezenet_files[0]}", "data=ilsvrc"]
    overrides += [f"data.root={real_data / 'imagenet'}", "trainer.max_epochs=0", "gallery=0"]
    keep_lightning_quiet()
    run(compose_config(*overrides, f"runs={tmp_path}", "trainer.enable_progress_bar=false"))
    (found,) = tmp_path.rglob("rows.csv")
    rows = list(csv.DictReader(found.read_text().splitlines()))
    assert len(rows) == 300
    truth = csv.DictReader((real_data / "imagenet/LOC_val_solution.csv").read_text().splitlines())
    boxes = {row["ImageId"]: row["PredictionString"].split() for row in truth}
    right = located = 0
    with np.load(squeezenet_files[1]) as file:
        tensors = dict(file)
    for row in rows:
        path = real_data / "imagenet/ILSVRC/Data/CLS-LOC/val" / row["image"]
        picture = Image.open(path).convert("RGB")
        assert picture.size == (227, 227)
        pixels = np.asarray(picture)[:, :, ::-1].astype(np.float32) - [104, 117, 123]
        image = torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None]
        maps = independent_squeezenet(tensors, image)[0]
        label = int(row["label"])
        guess = int(maps.mean((1, 2)).argmax())
        assert guess == int(row["guess_1"])
        right += guess == label
        enlarged = F.interpolate(maps[None, label : label + 1], size=(227, 227), mode="bilinear")
        iou = best_iou(box_of_largest_part(enlarged[0, 0].numpy()), boxes[Path(row["image"]).stem])
        assert iou == pytest.approx(float(row["label_iou"]), abs=1e-4)
        located += iou >= 0.5
    # The figures in docs/networks.md.
    assert (right, located) == (224, 147)


def box_of_largest_part(values: np.ndarray) -> tuple[int, int, int, int]:
    parts, _ = ndimage.label(values > 0.2 * values.max(), structure=np.ones((3, 3)))
    largest = np.bincount(parts.ravel())[1:].argmax() + 1
    rows, columns = np.nonzero(parts == largest)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def best_iou(box: tuple[int, int, int, int], truth: list[str]) -> float:
    best = 0.0
    for start in range(0, len(truth), 5):
        x0, y0, x1, y1 = (float(word) for word in truth[start + 1 : start + 5])
        x1, y1 = x1 + 1, y1 + 1  # the file's corners are inclusive
        wide = min(x1, box[2]) - max(x0, box[0])
        high = min(y1, box[3]) - max(y0, box[1])
        common = max(wide, 0) * max(high, 0)
        union = (x1 - x0) * (y1 - y0) + (box[2] - box[0]) * (box[3] - box[1]) - common
        best = max(best, common / union)
    return best
