"""Every network at every cut: what it is, and milliseconds an image on this machine.

    uv run python benchmarks/networks.py

Forward passes in evaluation mode, batches of four random images, in rounds over all networks (the
machine's mood hits all alike); the figure is the median of the rounds, divided by four. It writes
`benchmarks/results/networks-<device>.json` and the table in `docs/networks.md`, which has a column
for each device that was measured.
"""

import json
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from gapcam.arch.network import Network
from gapcam.arch.profile import profile
from gapcam.build import build_module, versions
from gapcam.config_dir import CONFIG_DIR

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "networks.md"
BEGIN, END = "<!-- benchmarks/networks.py -->\n", "<!-- end -->\n"

ROUNDS, BATCH = 3, 4
CUT = {"alexnet_gap": 4, "alexnet_star_gap": 4, "vgg_gap": 5, "googlenet_gap": 5}
"""GAP networks of the paper, and the rows of their cut tables."""

NETWORKS = [
    *(["arch=alexnet"], ["arch=vgg"], ["arch=googlenet"], ["arch=nin"], ["arch=squeezenet"]),
    *([f"arch={arch}", f"arch.trim={trim}"] for arch, rows in CUT.items() for trim in range(rows)),
    *([f"arch={arch}", "arch.variant=released"] for arch in CUT if arch != "alexnet_gap"),
    ["arch=googlenet_gmp"],
    *(["arch=squeezenet_gap", f"arch.trim={trim}"] for trim in range(3)),
    *(["arch=small_gap", f"arch.trim={trim}"] for trim in range(3)),
    *(["arch=torchvision_gap", f"arch.trim={trim}"] for trim in range(4)),
    ["arch=torchvision_gap", "arch.stride_last=1"],
    *(
        ["arch=torchvision_gap", f"arch.name={name}"]
        for name in ("densenet121", "squeezenet1_1", "convnext_tiny", "efficientnet_b0", "swin_t")
    ),
    ["arch=timm_gap", "arch.name=convnext_tiny"],
]
HEADER = ("network", "variant", "trim", "last layer", "maps", "parameters", "GFLOPs")


def build(overrides: list[str]) -> Network:
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        config: Any = OmegaConf.to_container(compose("config", overrides=overrides))
    facts = {
        "views": ["whole"],
        "size": config["arch"]["size"],
        "class_names": [str(c) for c in range(1000)],
    }
    facts |= {"mean": [0.5] * 3, "std": [0.5] * 3}
    return build_module(config["arch"], config["protocol"], facts)


def describe(overrides: list[str], network: Network) -> dict[str, str]:
    """The columns that do not depend on the machine."""
    arch = network.recipe["arch"]
    given = dict(override.removeprefix("arch.").split("=", 1) for override in overrides[1:])
    title = [overrides[0].removeprefix("arch="), given.get("name", arch.get("name", ""))]
    measured = profile(network, network.size, network.last_layer)
    variant = "stride_last=1" if "stride_last" in given else arch.get("variant", "")
    cells = (
        " ".join(word for word in title if word),
        variant,
        str(arch["trim"]),
        network.last_layer,
        "x".join(map(str, measured.mapping_resolution)),
        f"{measured.parameters:,}",
        f"{measured.flops / 1e9:.2f}",
    )
    return dict(zip(HEADER, cells, strict=True))


@torch.inference_mode()
def seconds(network: Network, device: torch.device) -> float:
    images = torch.randint(256, (BATCH, 3, *network.size), dtype=torch.uint8, device=device)
    network(images)
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    network(images)
    if device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / BATCH


def measure(device: torch.device) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [describe(overrides, build(overrides)) for overrides in NETWORKS]
    times: list[list[float]] = [[] for _ in NETWORKS]
    for round_number in range(ROUNDS):
        for overrides, spent in zip(NETWORKS, times, strict=True):
            network = build(overrides).eval().to(device)
            network.configure_model()
            spent.append(seconds(network, device))
        print(f"round {round_number + 1} of {ROUNDS}", file=sys.stderr)
    return [
        row | {"ms": round(1000 * statistics.median(spent), 3)}
        for row, spent in zip(rows, times, strict=True)
    ]


def write_page() -> None:
    """Put a table of everything in `benchmarks/results/` into the page."""
    results = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("networks-*.json"))]
    header = (*HEADER, *(f"ms an image, {result['device']}" for result in results))
    lines = [" | ".join(header), " | ".join("---" for _ in header)]
    for rows in zip(*(result["rows"] for result in results), strict=True):
        cells = [rows[0][column] for column in HEADER] + [f"{row['ms']:.3g}" for row in rows]
        lines.append(" | ".join(cells))
    notes = [f"{r['device']}: {r['machine']}, torch {r['versions']['torch']}." for r in results]
    table = "\n".join(f"| {line} |" for line in lines) + "\n\n" + "\n".join(notes) + "\n"
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + BEGIN + table + END + rest.partition(END)[2])


def main() -> None:
    cuda = torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    name = torch.cuda.get_device_name() if cuda else f"{torch.get_num_threads()} CPU threads"
    result = {
        "device": name,
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": versions(),
        "batch": BATCH,
        "rounds": ROUNDS,
        "rows": measure(device),
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"networks-{name.replace(' ', '-').lower()}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    write_page()
    print(f"wrote {path} and {PAGE}")


if __name__ == "__main__":
    main()
