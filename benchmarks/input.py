"""Images a second and core that training input gives, against torchvision's ImageFolder.

    uv run python benchmarks/input.py

Both read the same generated JPEGs through torch's DataLoader on one core, in turns: 500x375 at
Pillow's usual quality, at the weight of ILSVRC's (about 100 kB), and 1000x750. The heavier a file,
the more of the time is spent on its Huffman codes, which nobody can leave out. The rivals are the
classic transforms, which end with a normalised float tensor; ours ends with the uint8 crop that
travels to the device, where it is mirrored and normalised; what that costs there is measured on its
own, on this CPU. The result is the median of the ratios.
"""

import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from gapcam.arch.pixels import Pixels, from_fractions
from gapcam.data.data_module import IMAGENET_MEAN, IMAGENET_STD
from gapcam.data.folders import Folders
from gapcam.data.transforms import random_mirrors

PICTURES = 256
ROUNDS = 5
BATCH = 64
KINDS = ((375, 500, 75), (375, 500, 91), (750, 1000, 75), (750, 1000, 91))
"""Height, width and JPEG quality."""

RESULTS = Path(__file__).parent / "results" / "input.json"

LAST = [
    transforms.RandomHorizontalFlip(),
    transforms.ToTensor(),
    transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD),
]
RIVALS = {
    "Resize(256, 256), RandomCrop(224)": [
        transforms.Resize((256, 256)),
        transforms.RandomCrop(224),
    ],
    "RandomResizedCrop(224)": [transforms.RandomResizedCrop(224)],
}


def write_pictures(folder: Path, size: tuple[int, int], quality: int) -> float:
    """Write pictures with the smooth areas and the noise of photographs; returns their mean kB."""
    random = np.random.default_rng(0)
    sizes = []
    for number in range(PICTURES):
        path = folder / f"class{number % 2}" / f"{number:04d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = random.integers(256, size=(12, 16, 3), dtype=np.uint8)
        smooth = Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BICUBIC)
        noisy = np.asarray(smooth) + random.normal(0, 16, (*size, 3))
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path, quality=quality)
        sizes.append(path.stat().st_size)
    return statistics.mean(sizes) / 1000


def ours(folder: Path) -> Iterable[Any]:
    data = Folders(
        title="generated",
        root=folder,
        train_per_class=PICTURES // 2 - 1,
        size=(224, 224),
        batch_size=BATCH,
        eval_batch_size=BATCH,
        num_workers=0,
        seed=0,
        flip=True,
        cache=folder.parent / "cache",
    )
    data.setup()
    return data.train_loader()


def rival(folder: Path, steps: list[Any]) -> Iterable[Any]:
    dataset = ImageFolder(str(folder), transforms.Compose([*steps, *LAST]))
    return DataLoader(dataset, batch_size=BATCH, shuffle=True, drop_last=True)


def rate(loader: Iterable[Any]) -> float:
    start, images = time.process_time(), 0
    for batch in loader:
        images += len(batch[0])
    return images / (time.process_time() - start)


def device_half() -> Callable[[], None]:
    """What happens to a batch on the device; returns a function that does it once."""
    images = torch.randint(256, (BATCH, 3, 224, 224), dtype=torch.uint8)
    pixels = Pixels(from_fractions(IMAGENET_MEAN, IMAGENET_STD))

    def once() -> None:
        pixels(random_mirrors(images))

    return once


def measure(size: tuple[int, int], quality: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "pictures"
        kilobytes = write_pictures(folder, size, quality)
        loaders = {"gapcam": ours(folder)}
        loaders |= {name: rival(folder, steps) for name, steps in RIVALS.items()}
        rates: dict[str, list[float]] = {name: [] for name in loaders}
        for number in range(ROUNDS + 1):
            for name, loader in loaders.items():
                found = rate(loader)
                if number:  # the first is a warm-up
                    rates[name].append(found)
    ratios = {
        name: [a / b for a, b in zip(rates["gapcam"], rates[name], strict=True)] for name in RIVALS
    }
    return {
        "size": f"{size[1]}x{size[0]}",
        "kilobytes": round(kilobytes),
        "images_per_second": {name: round(statistics.median(r)) for name, r in rates.items()},
        "ratio": {name: round(statistics.median(r), 2) for name, r in ratios.items()},
        "ratio_range": {name: [round(min(r), 2), round(max(r), 2)] for name, r in ratios.items()},
    }


def main() -> None:
    torch.set_num_threads(1)
    results = [measure((height, width), quality) for height, width, quality in KINDS]
    once = device_half()
    once()
    start = time.process_time()
    for _ in range(10):
        once()
    per_image = (time.process_time() - start) / 10 / BATCH
    table = Table(title="images/s on one core")
    for column in ("pictures", "input", "images/s", "gapcam is faster by (range of rounds)"):
        table.add_column(column)
    for result in results:
        for name, speed in result["images_per_second"].items():
            ratio = ""
            if name in RIVALS:
                low, high = result["ratio_range"][name]
                ratio = f"{result['ratio'][name]:.2f}x ({low:.2f}-{high:.2f})"
            size = f"{result['size']}, {result['kilobytes']} kB"
            table.add_row(size if name == "gapcam" else "", name, f"{speed:,}", ratio)
    console = Console(width=110)
    console.print(table)
    console.print(f"mirror, float and normalise, on the device: {1e3 * per_image:.2f} ms an image")
    facts = {
        "machine": f"{platform.processor() or platform.machine()}, one thread",
        "versions": {
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "pillow": version("pillow"),
            "simplejpeg": version("simplejpeg"),
        },
        "device_half_ms": round(1e3 * per_image, 3),
        "results": results,
    }
    RESULTS.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
