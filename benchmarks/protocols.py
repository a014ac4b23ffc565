"""What each protocol says of the same maps, and what each of its settings changes.

    uv run python benchmarks/protocols.py path/to/data

The folder holds `imagenet/`, pictures of the ILSVRC validation split in Kaggle's layout, and
`squeezenet_dc/squeezenet_dc.caffemodel`, SqueezeNet 1.0 with weights for ImageNet. The network
looks once at each view of each picture; all protocols score what it saw. It writes
`benchmarks/results/protocols.json` and the tables in `docs/protocols/`.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from gapcam.arch.evaluation import Evaluation
from gapcam.arch.loading import load_weights
from gapcam.arch.look import look
from gapcam.arch.profile import profile
from gapcam.build import build_data, build_module, data_facts, versions
from gapcam.config_dir import CONFIG_DIR
from gapcam.protocol import PUBLISHED, Protocol
from gapcam.references import reference_numbers
from gapcam.score_table import Row, score_rows

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "protocols.json"
PAGES = ROOT / "docs" / "protocols"
BEGIN, END = "<!-- benchmarks/protocols.py -->\n", "<!-- end -->\n"
VIEWS = ["whole", "centre", "ten"]

CHANGES: dict[str, list[dict[str, Any]]] = {
    "paper": [
        *({"threshold": threshold} for threshold in (0.1, 0.15, 0.3, 0.5)),
        {"normalise": "minmax"},
        {"percentile": 99.0},
        {"grey": True},
        {"connectivity": 4},
        {"interpolation": "cubic"},
        {"grid": 56},
        {"grid": "original"},
        {"view": "centre"},
        {"view": "ten"},
        {"view": "ten", "coverage": False},
        {"view": "ten", "coverage": False, "merge": "absolute"},
    ],
    "released": [
        {"view": "whole"},
        {"levels": (30, 90, 150)},
        {"levels": (51, 100, 110)},
    ],
    "wsolevaluation": [{"grid": 112}, {"steps": 100}],
    "exact": [
        {"normalise": "max"},
        {"grey": True},
        {"connectivity": 4},
        {"interpolation": "cubic"},
        {"grid": 56},
        {"grid": "original"},
        {"steps": 100},
        {"view": "ten"},
    ],
}
"""Settings that are changed, one row of a table each."""

COLUMNS = {
    False: ("loc_top1", "loc_top5", "loc_gt_known", "loc_gt_known_tight", "loc_top5_heuristic"),
    True: ("threshold_50", "loc_gt_known", "max_box_acc", "max_box_acc_v2"),
}
"""Numbers on a page of a protocol with a threshold, and of one that tries all of them."""


def protocols() -> dict[str, Protocol]:
    found = {}
    for name, published in PUBLISHED.items():
        usual = replace(published, view=published.view or "whole")
        for changed in [{}, *CHANGES[name]]:
            found[f"{name} {' '.join(f'{k}={v}' for k, v in changed.items())}".strip()] = replace(
                usual, **changed
            )
    return found


def measure(folder: Path) -> dict[str, Any]:
    overrides = ["arch=squeezenet", "data=ilsvrc", f"data.root={folder / 'imagenet'}"]
    weights = folder / "squeezenet_dc" / "squeezenet_dc.caffemodel"
    overrides += [f"arch.weights={weights}", "data.num_workers=0", "data.eval_batch_size=20"]
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        # The settings of a run would ask for its directory.
        composed = compose("evaluate", overrides=overrides)
        config: Any = OmegaConf.to_container(composed, resolve=True)
    config["data"]["view"] = VIEWS
    data = build_data(config)
    module = build_module(config["arch"], config["protocol"], data_facts(data)).eval()
    load_weights(module)
    every = protocols()
    # Keys of modules have no points.
    numbered = {str(rank): protocol for rank, protocol in enumerate(every.values())}
    evaluation = Evaluation(numbered, module.size, VIEWS[0])
    with torch.inference_mode():
        for rank, batch in enumerate(data.test_dataloader()):
            evaluation.update({kind: look(module, batch, kind) for kind in VIEWS}, batch)
            print(f"batch {rank + 1}", file=sys.stderr)
    numbers: dict[str, dict[str, float]] = {title: {} for title in every}
    titles = list(every)
    for key, value in evaluation.compute().items():
        rank_of, _, name = key.rpartition("/")
        numbers[titles[int(rank_of or 0)]][name] = round(float(value), 6)
    resolution = profile(module, module.size, module.last_layer).mapping_resolution
    published = {name: every[name] for name in PUBLISHED}
    print("floors and ceilings", file=sys.stderr)
    for name, found in reference_numbers(
        published, data.test, range(len(data.test)), module.size, resolution, lambda _: None
    ).items():
        numbers[name] |= {key: round(value, 6) for key, value in found.items()}
    return {
        "pictures": len(data.test),
        "network": f"{type(module).__name__}, {resolution[0]}x{resolution[1]} maps",
        "versions": versions(),
        "ids": {title: protocol.id for title, protocol in every.items()},
        "numbers": numbers,
    }


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def page_table(name: str, result: dict[str, Any]) -> str:
    """What each changed setting does under one protocol."""
    numbers: dict[str, dict[str, float]] = result["numbers"]
    columns = [c for c in COLUMNS[PUBLISHED[name].is_swept] if c in numbers[name]]
    rows = [
        [
            title.removeprefix(name).strip() or f"**{name}**",
            *(
                f"{found[c]:.3f}" if c.startswith("threshold") else f"{100 * found[c]:.2f}"
                for c in columns
            ),
        ]
        for title, found in numbers.items()
        if title.split()[0] == name
    ]
    return table(["", *(f"`{column}`" for column in columns)], rows)


def side_by_side(result: dict[str, Any]) -> str:
    """All published protocols in one table."""
    rows: list[Row] = score_rows({name: result["numbers"][name] for name in PUBLISHED})
    lines = []
    for place, row in enumerate(rows):
        if place == 0 or rows[place - 1].section != row.section:
            lines.append([f"**{row.section}**", *[""] * len(PUBLISHED)])
        lines.append([row.title, *row.cells])
    return table(["", *PUBLISHED], lines)


def write_pages(result: dict[str, Any]) -> None:
    for name in (*PUBLISHED, "README"):
        page = PAGES / f"{name}.md"
        text = side_by_side(result) if name == "README" else page_table(name, result)
        before, _, rest = page.read_text().partition(BEGIN)
        page.write_text(before + BEGIN + text + END + rest.partition(END)[2])


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("Which data? python benchmarks/protocols.py path/to/data")
    result = measure(Path(sys.argv[1]))
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    write_pages(result)
    print(f"wrote {RESULT} and the tables in {PAGES}")


if __name__ == "__main__":
    main()
