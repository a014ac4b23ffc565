import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from twins_ilsvrc import parquet_layout

from gapcam.data.dataset import Draw
from gapcam.data.ilsvrc import ILSVRC
from gapcam.errors import UserError

COMMON = {"batch_size": 2, "eval_batch_size": 2, "num_workers": 0, "seed": 0, "flip": True}


def ilsvrc(root: Path, **kwargs: Any) -> ILSVRC:
    data = ILSVRC(root=root, **{"resize": 32, "size": (24, 28), **COMMON, **kwargs})
    data.setup()
    return data


def test_reads_parquet_files(ilsvrc_root: Path) -> None:
    kaggle = ilsvrc(ilsvrc_root)
    home = parquet_layout(ilsvrc_root)
    data = ilsvrc(home)
    assert data.class_names == ["tench", "golden retriever", "toilet tissue"]
    assert data.train.labels.tolist() == [2] * 4 + [1] * 4 + [0] * 4
    assert data.val.labels.tolist() == [0, 1, 2, 0]
    assert not data.val.has_boxes
    for row in (3, 0, 2):
        assert torch.equal(data.val[row].image, kaggle.val[row].image)
        place = kaggle.train.index.name(11 - row).rpartition("/")[2].removesuffix(".JPEG")
        assert place in data.train.name(row)
        assert torch.equal(data.train[row].image, kaggle.train[11 - row].image)
    crop = data.train[Draw(8, 0)]
    assert crop.image.shape == (3, 24, 28)
    shutil.copy(ilsvrc_root / "LOC_val_solution.csv", home)
    with_boxes = ilsvrc(home)
    assert with_boxes.val.index.box_counts.tolist() == [1, 2, 3, 4]
    assert with_boxes.val[2].boxes.tolist() == kaggle.val[2].boxes.tolist()


def test_faults_of_parquet_files(ilsvrc_root: Path) -> None:
    home = parquet_layout(ilsvrc_root)
    file = home / "data" / "validation-00000-of-00001.parquet"
    table = pq.read_table(file)
    pq.write_table(table.set_column(1, "label", [pa.array([2, 1, 0, 2])]), file)
    with pytest.raises(UserError, match=r"not in the order of the WordNet ids"):
        ilsvrc(home)
    pq.write_table(table.set_column(1, "label", [pa.array([0, 1, 2, 2])]), file)
    with pytest.raises(UserError, match=r"validation.*/3/.*: other pictures of label 2 are"):
        ilsvrc(home)
    pq.write_table(table.drop_columns(["label"]), file)
    with pytest.raises(UserError, match=r"is no parquet file with the columns image"):
        ilsvrc(home)
    (home / "data" / "train-00001-of-00002.parquet").rename(home / "part")
    pq.write_table(table, file)
    with pytest.raises(UserError, match=r"holds 1 of 2 files of the train split"):
        ilsvrc(home)
    (home / "part").rename(home / "data" / "train-00001-of-00002.parquet")
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(UserError, match=r"Download this file again"):
        ilsvrc(home)
