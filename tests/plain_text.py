"""The text detector once more, in a plain script: Pillow, torch and scikit-learn."""

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.svm import LinearSVC
from torch.nn import functional as F

from gapcam.study.bench import Bench


def slow_heat(found: Bench, name: str, weight: np.ndarray) -> np.ndarray:
    """A picture's map as the paper's text has it, by torch's own interpolation."""
    picture = Image.open(found.data.root / name).convert("RGB")
    height, width = found.network.size
    small = picture.resize((width, height), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(small)).permute(2, 0, 1)[None]
    with torch.no_grad():
        features = found.network(pixels).features[0].double()
    cam = torch.einsum("k,khw->hw", torch.from_numpy(weight).double(), features)
    size = {"size": (height, width), "mode": "bilinear", "align_corners": False}
    heat = F.interpolate(cam[None, None], **size)[0, 0].clamp(min=0)
    return (heat / heat.max()).numpy()


def slow_svm(found: Bench) -> LinearSVC:
    """scikit-learn on features of one picture after the other."""
    split = found.data.train
    with torch.no_grad():
        rows = [
            found.network(split[row].image[None]).features.mean((2, 3)) for row in range(len(split))
        ]
    return LinearSVC(C=1.0, random_state=0, max_iter=10_000, dual="auto").fit(
        torch.cat(rows).double().numpy(), split.labels
    )


def slow_truth(path: Path) -> dict[str, list[tuple[float, ...]]]:
    """Boxes by picture as the file has them: x, y, width, height."""
    return {
        image.findtext("imageName", ""): [
            tuple(float(box.get(key, "")) for key in ("x", "y", "width", "height"))
            for box in image.iter("taggedRectangle")
        ]
        for image in ET.parse(path).getroot()
    }
