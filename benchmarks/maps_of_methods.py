"""What maps of each kind cost, in forward passes of the same batch.

    uv run python benchmarks/maps_of_methods.py

AlexNet-GAP and SqueezeNet, with random weights (time does not depend on them), look at random
images. In turn and in one process, on one thread: the batch is classified; it is classified and
each kind of maps is drawn of its five best classes. The figure is the median over the rounds of the
ratio of wall times. Score-CAM and Ablation-CAM have a batch of one image, and one round. It writes
`benchmarks/results/maps_of_methods.json`.
"""

import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from evaluation import BATCH, random_batch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch import Tensor

from gapcam.arch.kinds import GRADIENTS
from gapcam.arch.network import Network
from gapcam.build import build_module, versions
from gapcam.config_dir import CONFIG_DIR

RESULT = Path(__file__).resolve().parent / "results" / "maps_of_methods.json"
ROUNDS, CLASSES, GUESSES = 9, 1000, 5
SLOW = ("scorecam", "ablationcam")
KINDS = {
    "alexnet_gap": (
        *("cam", "saliency", *GRADIENTS, "gradcam@conv4", "layercam@conv4"),
        *("eigencam", "ablationcam", "scorecam"),
    ),
    "squeezenet": ("cam", "saliency", "gradcam", "gradcam@fire9", "layercam@fire9"),
}
MOST_OF_CAM = 1.1


def network(arch: str) -> Network:
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        config: Any = OmegaConf.to_container(compose("config", overrides=[f"arch={arch}"]))
    names = [str(label) for label in range(CLASSES)]
    facts = {"views": ["whole"], "size": config["arch"]["size"], "class_names": names}
    facts |= {"mean": [0.5] * 3, "std": [0.5] * 3}
    module = build_module(config["arch"], config["protocol"], facts).eval()
    module.configure_model()
    return module


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def passes(module: Network, images: Tensor, kind: str, rounds: int) -> float:
    """Wall time of classification and maps, in classifications."""
    module.choose_maps(kind)

    def draw() -> None:
        output = module(images)
        module.maps(images, output, output.logits.topk(GUESSES).indices)

    draw()
    ratios = []
    for _ in range(rounds):
        alone = seconds(lambda: module(images))
        ratios.append(seconds(draw) / alone)
    return statistics.median(ratios)


@torch.inference_mode()
def measure(arch: str) -> dict[str, float]:
    module = network(arch)
    images = random_batch(module.size).images
    module(images)
    found = {}
    for kind in KINDS[arch]:
        is_slow = kind in SLOW
        seen = images[:1] if is_slow else images
        found[kind] = round(passes(module, seen, kind, 1 if is_slow else ROUNDS), 3)
        print(f"{arch:12} {kind:20} {found[kind]:9.3f} forward passes", file=sys.stderr)
    return found


def main() -> None:
    torch.set_num_threads(1)
    result: dict[str, Any] = {
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "threads": 1,
        "batch": BATCH,
        "classes mapped": GUESSES,
        "rounds": ROUNDS,
        "versions": versions(),
        "forward passes": {arch: measure(arch) for arch in KINDS},
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    for arch, found in result["forward passes"].items():
        print(f"{arch}: CAM costs {found['cam']} forward passes, at most {MOST_OF_CAM} wanted")


if __name__ == "__main__":
    main()
