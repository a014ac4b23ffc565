"""What the tests of concepts share: the study, the command, planted pictures on a bench."""

from pathlib import Path
from typing import Any, NamedTuple

from benches import bench, colour_network, save_network
from planted_concepts import PHRASES, make_concepts

from gapcam.study.bench import Bench
from gapcam.study.concepts.study import Concepts

SETTINGS: dict[str, Any] = {
    "phrases": list(PHRASES),
    "longest": 4,
    "between": ["a", "an", "the"],
    "least": 3,
    "pool": None,
    "first": 15,
    "rounds": 10,
    "margin": -1.0,
    "c": 1000.0,
}


class Made(NamedTuple):
    """Planted pictures, and the colour network on a bench with them."""

    root: Path
    bench: Bench


def concepts_words(root: Path, weights: Path) -> list[str]:
    """Of the command line."""
    return [
        *("arch=small_gap", "arch.units=8", f"arch.weights={weights}", "study=concepts"),
        *("data=captions", "data.phrase=all", f"data.root={root}", "data.eval_batch_size=32"),
    ]


def concepts(**changed: Any) -> Concepts:
    """The study with `SETTINGS`, but for some."""
    return Concepts(**{**SETTINGS, **changed})


def made_concepts(folder: Path) -> Made:
    """300 pictures in `folder`, 60 of them held out."""
    root = make_concepts(folder / "data", 300)
    weights = save_network(folder / "colours.ckpt", colour_network(["captioned"]))
    words = concepts_words(root, weights)
    return Made(root, bench(folder / "runs", *words, f"data.cache={folder}", gallery=9))
