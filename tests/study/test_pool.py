"""The pictures of several splits, each once, in an order that does not depend on anything else."""

import os
from pathlib import Path

import numpy as np
import pytest
from folder_reader import read
from twins import make_folders, save_picture

from gapcam.data.dataset import LocalizationDataset
from gapcam.errors import UserError
from gapcam.study.pool import Pool


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_folders(tmp_path / "data")


def splits(root: Path, number: int) -> list[LocalizationDataset]:
    data = read("folders", root, "train_per_class=3", "splits=3", f"split={number}")
    return [data.train, data.test]


def names(*datasets: LocalizationDataset) -> list[str]:
    return [one.name(row) for one in datasets for row in range(len(one))]


def test_no_data_set() -> None:
    assert len(Pool([])) == 0


def test_pictures_that_splits_share_are_there_once(root: Path) -> None:
    every = [*splits(root, 1), *splits(root, 2)]
    pool = Pool(every)
    assert len(pool) == 12
    for number, dataset in enumerate(every):
        places = pool.places(number)
        assert len(places) == len(dataset) == 6
        for row, place in enumerate(places.tolist()):
            sample = pool[place]
            assert (sample.image == dataset[row].image).all()
            assert sample.index == place
    assert pool.places(0).tolist() == list(range(6))


def test_the_same_file_twice_in_a_split(root: Path) -> None:
    train, _ = splits(root, 1)
    pool = Pool([train, train])
    np.testing.assert_array_equal(pool.places(0), pool.places(1))
    assert len(pool) == len(train)


def test_fingerprint(root: Path) -> None:
    train, test = splits(root, 1)
    before = Pool([train, test]).fingerprint
    assert before == Pool([*splits(root, 1)]).fingerprint
    assert before != Pool([train]).fingerprint
    assert before != Pool([test, train]).fingerprint  # another order
    path = root / names(train)[0]
    save_picture(path, shade=9)
    os.utime(path, ns=(1, 1))
    assert before != Pool([train, test]).fingerprint


def test_a_picture_that_is_gone(root: Path) -> None:
    train, _ = splits(root, 1)
    (root / names(train)[2]).unlink()
    with pytest.raises(UserError, match=r"Cannot read a picture of the train split: .*No such"):
        Pool([train])
