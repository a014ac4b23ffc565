"""A generated ILSVRC-2012: three classes, in each layout that people have."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from scipy.io import savemat

PICTURES = Path("ILSVRC") / "Data" / "CLS-LOC"
ANNOTATIONS = Path("ILSVRC") / "Annotations" / "CLS-LOC"
VAL = "ILSVRC2012_val_{:08d}"
WNIDS = ("n01440764", "n02099601", "n15075141", "n01440764")
"""Of the validation pictures 0 to 3."""

VOC = (
    "<annotation><size><width>{width}</width><height>{height}</height></size>{objects}</annotation>"
)
VOC_OBJECT = (
    "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>5</ymin><xmax>{}</xmax><ymax>24</ymax>"
    "</bndbox></object>"
)


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


def write_xml(folder: Path, size: tuple[int, int] = (40, 60)) -> None:
    """What the csv of the twin says, as XML: n + 1 boxes on picture n."""
    folder.mkdir(parents=True)
    for number, wnid in enumerate(WNIDS):
        objects = "".join(VOC_OBJECT.format(wnid, x, x + 9) for x in range(number + 1))
        text = VOC.format(height=size[0], width=size[1], objects=objects)
        (folder / f"{VAL.format(number)}.xml").write_text(text)


def torchvision_layout(root: Path, is_flat: bool = False) -> Path:
    """The twin as torchvision wants it: no lists, no boxes."""
    home = root.parent / "torchvision"
    shutil.move(root / PICTURES, home)
    for number, wnid in enumerate(WNIDS if not is_flat else ()):
        folder = home / "val" / wnid
        folder.mkdir(exist_ok=True)
        (home / "val" / f"{VAL.format(number)}.JPEG").rename(folder / f"{VAL.format(number)}.JPEG")
    return home


def write_devkit(home: Path) -> None:
    """Its own ids are in no order that anybody else uses; its pictures count from 1."""
    folder = home / "ILSVRC2012_devkit_t12" / "data"
    folder.mkdir(parents=True)
    synsets = np.zeros(3, dtype=[("ILSVRC2012_ID", "O"), ("WNID", "O")])
    synsets[:] = [(1, "n15075141"), (2, "n01440764"), (3, "n02099601")]
    savemat(folder / "meta.mat", {"synsets": synsets})
    (folder / "ILSVRC2012_validation_ground_truth.txt").write_text("2\n3\n1\n2\n")
    for number in range(3, -1, -1):
        (home / "val" / f"{VAL.format(number)}.JPEG").rename(
            home / "val" / f"{VAL.format(number + 1)}.JPEG"
        )


def parquet_layout(root: Path) -> Path:
    """The twin as Hugging Face packs it, in two row groups a file."""
    home = root.parent / "parquet"
    (home / "data").mkdir(parents=True)
    wnids = sorted(set(WNIDS))
    train = [
        (path, path.parent.name) for path in sorted((root / PICTURES / "train").rglob("*.JPEG"))
    ][::-1]
    val = [(root / PICTURES / "val" / f"{VAL.format(n)}.JPEG", w) for n, w in enumerate(WNIDS)]
    names = ["tench, Tinca tinca", "golden retriever", "toilet tissue, toilet paper"]
    features = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    for file, pictures in (
        ("train-00000-of-00002", train[:7]),
        ("train-00001-of-00002", train[7:]),
        ("validation-00000-of-00001", val),
    ):
        images = [
            {"bytes": path.read_bytes(), "path": f"{path.stem}_{wnid}.JPEG"}
            for path, wnid in pictures
        ]
        labels = [wnids.index(wnid) for _, wnid in pictures]
        table = pa.table({"image": images, "label": labels})
        table = table.replace_schema_metadata({"huggingface": json.dumps(features)})
        pq.write_table(table, home / "data" / f"{file}.parquet", row_group_size=3)
    return home
