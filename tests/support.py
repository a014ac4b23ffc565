"""Plain functions for tests: commands, configurations and a generated ILSVRC."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from PIL import Image

from gapcam.config_dir import CONFIG_DIR

FAST_RUN = (
    "trainer=debug",
    "data.counts=[96,20,20]",
    "data.batch_size=16",
    "data.eval_batch_size=10",
    "arch.units=8",
    "gallery=3",
    "trainer.enable_progress_bar=false",
)
"""A run of seconds: a small digits set and few batches."""


def subprocess_environment() -> dict[str, str]:
    """This environment with wide lines, and with compiled modules kept: torch has thousands."""
    environment = {**os.environ, "COLUMNS": "200"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def type_in(*overrides: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gapcam.run", *overrides],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=300,
        check=False,
        env=subprocess_environment(),
    )


def compose_config(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        config = compose("config", overrides=list(overrides), return_hydra_config=True)
    HydraConfig.instance().set_config(config)
    bare = OmegaConf.masked_copy(config, [key for key in config if key != "hydra"])
    OmegaConf.set_struct(bare, True)
    return bare


def make_ilsvrc(root: Path) -> Path:
    wnids = ("n01440764", "n02099601", "n15075141")
    pictures = root / "ILSVRC" / "Data" / "CLS-LOC"
    random = np.random.default_rng(0)
    (root / "ILSVRC").mkdir(parents=True)
    (root / "LOC_synset_mapping.txt").write_text(
        "n15075141 toilet tissue, toilet paper\nn01440764 tench, Tinca tinca\n"
        "n02099601 golden retriever\n"
    )
    for wnid in wnids:
        for number in range(4):
            save_noise(random, pictures / "train" / wnid / f"{wnid}_{number}.JPEG")
    rows = ["ImageId,PredictionString"]
    for number, wnid in enumerate((*wnids, wnids[0])):
        name = f"ILSVRC2012_val_{number:08d}"
        save_noise(random, pictures / "val" / f"{name}.JPEG")
        boxes = " ".join(f"{wnid} {x} 5 {x + 9} 24" for x in range(number + 1))
        rows.append(f"{name},{boxes} ")
    (root / "LOC_val_solution.csv").write_text("\n".join(rows) + "\n")
    return root


def save_noise(random: np.random.Generator, path: Path, size: tuple[int, int] = (60, 40)) -> None:
    """Write a picture of the size (width, height)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = random.integers(256, size=(size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, format="JPEG")
