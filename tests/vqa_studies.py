"""What the tests of questions share: the study with settings for few questions, and a bench."""

from pathlib import Path
from typing import Any

from benches import COLOURS, bench, colour_network, save_network

from gapcam.execution import keep_lightning_quiet
from gapcam.study.bench import Bench
from gapcam.study.vqa.study import Vqa

QUICK: dict[str, Any] = {
    **{"epochs": 25, "batch_size": 20, "word_dimension": 16, "lr_words": 0.1, "lr_softmax": 1.0},
    **{"momentum": 0.9, "weight_decay": 5e-6, "gradient_clip": 1.0, "clip_words": 1500},
    **{"clip_softmax": 200, "validate_every": 10, "least_count": 2, "alone": True, "paper": None},
}
ANSWERS = len(COLOURS) + 3
"""The colours, yes, no, 1; painters are no class."""


def study(**changed: Any) -> Vqa:
    """The study with `QUICK`, but for some."""
    return Vqa(**QUICK | changed)


def put_on_bench(root: Path, folder: Path, *words: str) -> Bench:
    """What `make_planted_vqa` wrote, with a network that sees colours."""
    keep_lightning_quiet()
    weights = save_network(folder / "colours.ckpt", colour_network(list(COLOURS)))
    return bench(
        *(folder / "runs", "arch=small_gap", "arch.units=8", "data=vqa", "study=vqa"),
        *(f"data.root={root}", f"arch.weights={weights}", "data.eval_batch_size=16", *words),
        gallery=8,
    )
