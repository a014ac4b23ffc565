"""ILSVRC, small, as tests read it."""

from pathlib import Path
from typing import Any

from gapcam.data.ilsvrc import ILSVRC

COMMON = {"batch_size": 2, "eval_batch_size": 2, "num_workers": 0, "seed": 0, "flip": True}


def ilsvrc(root: Path, **kwargs: Any) -> ILSVRC:
    data = ILSVRC(root=root, **{"resize": 32, "size": (24, 28), **COMMON, **kwargs})
    data.setup()
    return data
