"""`python -m gapcam.data shards`: the training split as shards for streaming."""

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from gapcam.build import build_data
from gapcam.data.data_module import default_workers
from gapcam.data.file_module import FileDataModule
from gapcam.errors import UserError

_CHUNK = "64MB"


def run(option: str, plain: dict[str, Any], console: Console) -> int:
    """Write the shards; returns 0."""
    try:
        from litdata import optimize

        from gapcam.data.stream import ShardWriter
    except ImportError as error:
        raise UserError(
            "Shards need litdata: pip install 'gapcam[stream]' (or uv sync --extra stream)"
        ) from error
    data = build_data(plain)
    if not isinstance(data, FileDataModule) or not hasattr(data.train, "content"):
        raise UserError(f"data={option} has no picture files to write into shards")
    out = plain["out"]
    # A chunk must hold pictures of all classes: litdata mixes the chunks, and neighbours in them.
    order = np.random.default_rng(plain["seed"]).permutation(len(data.train))
    try:
        optimize(
            ShardWriter(data.train, data.class_names, data.train_choices()),
            inputs=order.tolist(),
            output_dir=out,
            chunk_bytes=_CHUNK,
            num_workers=plain["workers"] or default_workers(),
            reorder_files=False,
            verbose=False,
        )
    except RuntimeError as error:
        if "already contains" not in str(error):
            raise
        raise UserError(
            f"{out} already holds shards: delete them first, or give another out=..."
        ) from error
    index = Path(out) / "index.json"
    if index.parent.is_dir():
        chunks = json.loads(index.read_text())["chunks"] if index.is_file() else []
        written = sum(chunk["chunk_size"] for chunk in chunks)
        if written != len(data.train):
            raise UserError(
                f"{written:,} of {len(data.train):,} pictures were written, see above why; delete "
                f"{out} and try again"
            )
    console.print(
        f"{len(data.train):,} pictures written. Train with them: python -m gapcam.run "
        f"{shlex.join(plain['overrides'])} data.stream={out}",
        soft_wrap=True,
        highlight=False,
    )
    return 0
