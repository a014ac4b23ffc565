"""Training from shards: the same crops as from files, resumed where it stopped."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from twins import make_cub200, make_folders
from twins_ilsvrc import PICTURES

from gapcam.batch import Batch
from gapcam.data.cub200 import CUB200
from gapcam.data.dataset import Draw
from gapcam.data.folders import Folders
from gapcam.data.ilsvrc import ILSVRC
from gapcam.data.stream import ShardWriter, StreamLoader
from gapcam.data_tools import shards
from gapcam.errors import UserError

COMMON = {
    "size": [16, 20],
    "batch_size": 4,
    "eval_batch_size": 4,
    "num_workers": 0,
    "seed": 0,
    "flip": True,
}
SETTINGS = {"title": "twin", "train_per_class": 30, **COMMON}


def folders(root: Path, **kwargs: Any) -> Folders:
    data = Folders(root=root, **{**SETTINGS, **kwargs})
    data.setup()
    return data


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data set and its shards."""
    home = tmp_path_factory.mktemp("stream")
    root, out = make_folders(home / "twin", each=40), home / "shards"
    node = {"_target_": "gapcam.data.folders.Folders", "root": str(root), **SETTINGS}
    plain = {"data": node, "out": str(out), "seed": 0, "workers": 1, "overrides": ["data=x"]}
    assert shards.run("folders", plain, Console(quiet=True)) == 0
    with pytest.raises(UserError, match=r"already holds shards: delete them first"):
        shards.run("folders", plain, Console(quiet=True))
    return root, out


def batches(data: Folders, epoch: int = 0, seen: int = 0) -> list[Batch]:
    loader = StreamLoader(
        data.train,  # type: ignore[arg-type]
        epoch=lambda: epoch,
        samples_seen=lambda: seen,
        batch_size=4,
        num_workers=0,
        drop_last=True,
    )
    return list(loader)


def rows(batches: list[Batch]) -> list[int]:
    return [int(row) for batch in batches for row in batch.index]


@pytest.mark.slow
def test_shards_give_the_samples_of_the_files(places: tuple[Path, Path]) -> None:
    root, out = places
    files, streamed = folders(root), folders(root, stream=str(out))
    assert streamed.fingerprint() == files.fingerprint()
    assert streamed.describe() == files.describe()
    for number in (0, 1):
        seen = batches(streamed, number)
        assert sorted(rows(seen)) == list(range(60))
        for batch in seen[:3]:
            for row, label, image, region in zip(
                batch.index, batch.labels, batch.images, batch.regions, strict=True
            ):
                sample = files.train[Draw(int(row), number)]
                assert label == sample.label
                assert torch.equal(image, sample.image)
                assert torch.equal(region, sample.regions)


@pytest.mark.slow
def test_order_depends_on_seed_and_epoch(places: tuple[Path, Path]) -> None:
    root, out = places
    data, other = folders(root, stream=str(out)), folders(root, stream=str(out), seed=1)
    first = rows(batches(data))
    assert first == rows(batches(folders(root, stream=str(out))))
    assert first != sorted(first)
    assert first != rows(batches(data, epoch=1))
    assert first != rows(batches(other))


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [0, 2])
def test_resuming_goes_on_with_unseen_samples(places: tuple[Path, Path], epoch: int) -> None:
    root, out = places
    whole = rows(batches(folders(root, stream=str(out)), epoch))
    resumed = rows(batches(folders(root, stream=str(out)), epoch, seen=24))
    assert resumed == whole[24:]


def test_training_pictures_need_not_lie_there(ilsvrc_root: Path) -> None:
    train = ilsvrc_root / PICTURES / "train"
    shutil.rmtree(train)
    train.mkdir()
    data = ILSVRC(root=ilsvrc_root, stream="s3://elsewhere", **COMMON)
    assert data.read(data.find()).splits.keys() == {"val"}


@pytest.mark.slow
def test_shards_of_other_classes_are_refused(places: tuple[Path, Path], tmp_path: Path) -> None:
    other = make_folders(tmp_path / "other", classes=("a dog", "dög"), each=40)
    with pytest.raises(UserError, match=r"The shards say that class . is .*, the data set says"):
        folders(other, stream=str(places[1]))


@pytest.mark.slow
def test_shards_of_another_split_are_refused(places: tuple[Path, Path]) -> None:
    """Their training pictures would be test pictures."""
    root, out = places
    with pytest.raises(UserError, match=r"written with other settings .*may be test pictures"):
        folders(root, stream=str(out), split=2, splits=2)


def test_no_shards_there(tmp_path: Path) -> None:
    root = make_folders(tmp_path / "twin", each=40)
    with pytest.raises(UserError, match=r"holds no shards of ours .*Write them: python -m gapcam"):
        folders(root, stream=str(tmp_path / "empty"))


def test_cut_out_pictures_are_not_written(tmp_path: Path) -> None:

    common = {
        key: SETTINGS[key] for key in ("size", "batch_size", "eval_batch_size", "num_workers")
    }
    data = CUB200(root=make_cub200(tmp_path), crop="bbox", seed=0, flip=True, **common)
    data.setup()
    with pytest.raises(UserError, match=r"cannot be written to shards: data.crop=full"):
        ShardWriter(data.train, data.class_names, "")(0)
