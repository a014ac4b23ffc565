"""What the metrics cost inside a validation, and three protocols against one.

    uv run python benchmarks/evaluation.py

AlexNet-GAP (random weights, 1000 classes) looks at random images of 227x227. Compared are, in turn
and in one process, with one thread: a validation batch that is only classified; the same with the
whole metric (top-5 and GT-known localization errors, `paper`); and with the protocols `paper`,
`wsolevaluation` and `exact` at once, with 1,000 thresholds each. The figure is the median over the
rounds of the ratio of processor times. It writes `benchmarks/results/evaluation.json`.
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
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from gapcam.arch.evaluation import Evaluation
from gapcam.arch.look import look
from gapcam.arch.network import Network
from gapcam.batch import Batch
from gapcam.build import build_module, versions
from gapcam.cam.localization import ranked_classes
from gapcam.config_dir import CONFIG_DIR
from gapcam.protocol import PUBLISHED

RESULT = Path(__file__).resolve().parent / "results" / "evaluation.json"
ROUNDS, BATCH, CLASSES = 15, 32, 1000
THREE = ("paper", "wsolevaluation", "exact")
LARGEST = {"whole metric": ("classification alone", 1.05), "three protocols": ("whole metric", 1.3)}
"""Of each variant: what it is compared with, and the ratio it may reach."""


def network() -> Network:
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        config: Any = OmegaConf.to_container(compose("config", overrides=["arch=alexnet_gap"]))
    names = [str(label) for label in range(CLASSES)]
    facts = {"views": ["whole"], "size": config["arch"]["size"], "class_names": names}
    facts |= {"mean": [0.5] * 3, "std": [0.5] * 3}
    module = build_module(config["arch"], config["protocol"], facts).eval()
    module.configure_model()
    return module


def random_batch(size: tuple[int, int]) -> Batch:
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(BATCH, 2, 2, 2, generator=generator).sort(2).values * 400
    whole = torch.tensor([0.0, 0.0, 500.0, 400.0]).expand(BATCH, 4)
    return Batch(
        images=torch.randint(256, (BATCH, 3, *size), generator=generator, dtype=torch.uint8),
        labels=torch.randint(CLASSES, (BATCH,), generator=generator),
        boxes=corners.flatten(2),
        counts=torch.full((BATCH,), 2),
        sizes=torch.tensor([[400, 500]]).expand(BATCH, 2),
        regions=whole,
        index=torch.arange(BATCH),
    )


def variants(module: Network, batch: Batch) -> dict[str, Callable[[], None]]:
    def classify() -> None:
        logits = module(batch.images).logits
        named = ranked_classes(logits, batch.labels)
        (named[:, :-1] == named[:, -1:]).any(1).float().mean()

    def evaluate(*names: str) -> Callable[[], None]:
        evaluation = Evaluation({name: PUBLISHED[name] for name in names}, module.size)

        def run() -> None:
            evaluation.reset()
            evaluation.update({kind: look(module, batch, kind) for kind in evaluation.kinds}, batch)
            evaluation.compute()

        return run

    return {
        "classification alone": classify,
        "whole metric": evaluate("paper"),
        "three protocols": evaluate(*THREE),
    }


@torch.inference_mode()
def measure() -> dict[str, Any]:
    torch.set_num_threads(1)
    module = network()
    tried = variants(module, random_batch(module.size))
    for run in tried.values():
        run()  # compiles
    seconds: dict[str, list[float]] = {name: [] for name in tried}
    for round_number in range(ROUNDS):
        for name, run in tried.items():
            start = time.process_time()
            run()
            seconds[name].append(time.process_time() - start)
        print(f"round {round_number + 1} of {ROUNDS}", file=sys.stderr)
    return {
        name: {
            "ms an image": round(1000 * statistics.median(spent) / BATCH, 3),
            "ratio": {
                rival: round(
                    statistics.median(a / b for a, b in zip(spent, seconds[rival], strict=True)), 3
                )
                for rival, _ in [LARGEST[name]]
            }
            if name in LARGEST
            else {},
        }
        for name, spent in seconds.items()
    }


def main() -> None:
    result: dict[str, Any] = {
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "threads": 1,
        "batch": BATCH,
        "rounds": ROUNDS,
        "versions": versions(),
        "variants": measure(),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    for name, found in result["variants"].items():
        ratio = "".join(f", {r} of {rival}" for rival, r in found["ratio"].items())
        print(f"{name:22} {found['ms an image']:8.3f} ms an image{ratio}")
    for name, (rival, most) in LARGEST.items():
        print(f"{name} to {rival}: at most {most}")


if __name__ == "__main__":
    main()
