"""The index at the size of ILSVRC: 1.28 million entries, made once, opened at every start.

    uv run python benchmarks/index.py

Writes an empty file for each of 1,281,167 training pictures and a picture for each of 50,000
validation pictures (in the Kaggle layout, with boxes in the csv) into a folder in memory where
there is one, reads the tree once (with the headers of the validation pictures), opens the index,
and starts four loader processes on it. Takes a minute and about 2 GB of memory for the file names.
"""

import json
import multiprocessing
import os
import resource
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gapcam.data.dataset import LocalizationDataset
from gapcam.data.ilsvrc import ILSVRC, LANDMARKS

TRAIN, VAL, CLASSES = 1_281_167, 50_000, 1000
OPENINGS = 5
RESULTS = Path(__file__).parent / "results" / "index.json"


def write_tree(root: Path) -> None:
    first, middle, last = (int(wnid[1:]) for wnid in LANDMARKS)
    rank = LANDMARKS["n02099601"]
    lower = np.linspace(first, middle, rank, endpoint=False)
    upper = np.linspace(middle, last, CLASSES - rank)
    wnids = [f"n{int(number):08d}" for number in (*lower, *upper)]
    pictures = root / "ILSVRC" / "Data" / "CLS-LOC"
    (root / "ILSVRC").mkdir(parents=True)
    (root / "LOC_synset_mapping.txt").write_text("".join(f"{wnid} name\n" for wnid in wnids))
    for rank, wnid in enumerate(wnids):
        folder = pictures / "train" / wnid
        folder.mkdir(parents=True)
        for number in range(rank, TRAIN, CLASSES):
            (folder / f"{wnid}_{number}.JPEG").touch()
    (pictures / "val").mkdir()
    picture = root / "picture.jpg"
    Image.new("RGB", (500, 375)).save(picture)
    random = np.random.default_rng(0)
    with (root / "LOC_val_solution.csv").open("w") as file:
        file.write("ImageId,PredictionString\n")
        for number in range(1, VAL + 1):
            name = f"ILSVRC2012_val_{number:08d}"
            (pictures / "val" / f"{name}.JPEG").hardlink_to(picture)
            boxes = f"{wnids[number % CLASSES]} 10 20 300 200 " * int(random.integers(1, 3))
            file.write(f"{name},{boxes}\n")


def opened(root: Path, cache: Path) -> tuple[ILSVRC, float]:
    start = time.perf_counter()
    data = ILSVRC(
        root=root,
        cache=cache,
        size=(224, 224),
        batch_size=64,
        eval_batch_size=64,
        num_workers=0,
        seed=0,
        flip=True,
    )
    data.setup()
    return data, time.perf_counter() - start


def private_megabytes(_: Any = None) -> float:
    """Memory of this process alone: copies, not pages of files that others can map, too."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty")) / 1000


def touch_all(split: LocalizationDataset) -> tuple[float, float]:
    """In a loader process: private memory before and after it has looked at every entry."""
    before = private_megabytes()
    assert sum(len(split.name(row)) for row in range(0, len(split), 7))
    assert int(split.labels.sum()) > 0
    return before, private_megabytes()


def main() -> None:
    memory = Path("/dev/shm")
    home = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    cache = Path(tempfile.mkdtemp())  # on a disk: pages of files in memory count as private
    try:
        start = time.perf_counter()
        write_tree(home / "ilsvrc")
        print(f"tree written in {time.perf_counter() - start:.0f} s")
        data, built = opened(home / "ilsvrc", cache)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"index of {len(data.train):,} + {len(data.val):,} made in {built:.1f} s")
        times = [opened(home / "ilsvrc", cache)[1] for _ in range(OPENINGS)]
        data, _ = opened(home / "ilsvrc", cache)
        size = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
        os.sync()
        with multiprocessing.get_context("spawn").Pool(4) as pool:
            memory_used = pool.map(touch_all, [data.train] * 4, chunksize=1)
        grown = max(after - before for before, after in memory_used)
        facts = {
            "entries": len(data.train) + len(data.val),
            "made_s": round(built, 1),
            "peak_gb_while_made": round(peak, 2),
            "opened_s": round(statistics.median(times), 3),
            "opened_s_range": [round(min(times), 3), round(max(times), 3)],
            "megabytes_on_disk": round(size / 1e6, 1),
            "private_megabytes_a_worker": round(grown, 1),
        }
        print(json.dumps(facts, indent=1))
        RESULTS.write_text(json.dumps(facts, indent=1) + "\n")
    finally:
        shutil.rmtree(home)
        shutil.rmtree(cache)


if __name__ == "__main__":
    main()
