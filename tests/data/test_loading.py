"""What training sees: the same batches for one seed, whatever the workers; each sample once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from twins import make_cub200, make_folders, save_picture

from gapcam.batch import Batch
from gapcam.data.cub200 import CUB200
from gapcam.data.dataset import Draw
from gapcam.data.folders import Folders
from gapcam.errors import UserError


def folders(root: Path, **kwargs: Any) -> Folders:
    common = {"batch_size": 3, "eval_batch_size": 3, "num_workers": 0, "seed": 0, "flip": True}
    settings = {"size": (16, 20), "title": "twin", "train_per_class": 9, **common, **kwargs}
    data = Folders(root=root, **settings)
    data.setup()
    return data


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_folders(tmp_path / "twin", each=10)


def epoch(data: Folders, number: int = 0, processes: int = 1, rank: int = 0) -> list[Batch]:
    loader = data.train_loader(processes, rank)
    loader.sampler.set_epoch(number)
    return list(loader)


def same(one: Sequence[Batch], other: Sequence[Batch]) -> bool:
    return all(
        torch.equal(a, b)
        for first, second in zip(one, other, strict=True)
        for a, b in zip(first, second, strict=True)
    )


def test_two_runs_with_one_seed_see_the_same_batches(root: Path) -> None:
    assert same(epoch(folders(root)), epoch(folders(root)))
    assert not same(epoch(folders(root)), epoch(folders(root, seed=1)))


def test_the_number_of_workers_changes_nothing(root: Path) -> None:
    alone = epoch(folders(root))
    assert same(alone, epoch(folders(root, num_workers=2)))
    places = {tuple(region) for batch in alone for region in batch.regions.tolist()}
    assert len(places) > 9  # of 18 samples: their crops differ


def test_an_epoch_brings_other_crops_of_the_same_samples(root: Path) -> None:
    data = folders(root)
    one, two = data.train[Draw(0, 0)], data.train[Draw(0, 1)]
    assert one.regions.tolist() != two.regions.tolist()
    seen = [sorted(int(i) for batch in epoch(data, n) for i in batch.index) for n in (0, 1)]
    assert seen == [list(range(18))] * 2


def test_processes_see_disjoint_samples(root: Path) -> None:
    data = folders(root)
    shares = [
        {int(i) for batch in epoch(data, processes=2, rank=rank) for i in batch.index}
        for rank in (0, 1)
    ]
    assert not shares[0] & shares[1]
    assert shares[0] | shares[1] == set(range(18))


@pytest.mark.parametrize(
    ("view", "shape", "expected"),
    [
        # A picture of 40x60 brought to 22x22, or to 22x33; then 16x20 from the middle.
        ("whole", "warp", [0, 0, 60, 40]),
        ("whole", "keep", [0, 0, 60, 40]),
        ("centre", "warp", [60 / 22, 3 * 40 / 22, 21 * 60 / 22, 19 * 40 / 22]),
        ("centre", "keep", [6 * 60 / 33, 3 * 40 / 22, 26 * 60 / 33, 19 * 40 / 22]),
    ],
)
def test_what_evaluation_sees(root: Path, view: str, shape: str, expected: list[float]) -> None:
    data = folders(root, view=view, shape=shape)
    sample = data.val[0]
    assert sample.image.shape == (3, 16, 20)
    assert sample.regions.tolist() == pytest.approx(expected)
    assert same(list(data.val_dataloader()), list(data.val_dataloader()))
    note = {
        "warp": "evaluation sees the centre crop of 16x20 from the picture (squashed to 22)",
        "keep": "evaluation sees the centre crop of 16x20 from the picture (short side 22)",
    }[shape]
    assert (note in data.notes()) == (view == "centre")


def test_protocols_can_share_one_pass_over_the_pictures(root: Path) -> None:
    together, whole, ten = (
        folders(root, view=view) for view in (["whole", "ten"], "whole", ["ten"])
    )
    assert together.val[0].image.shape == (11, 3, 16, 20)
    assert together.val[0].regions.shape == (11, 4)
    batches = zip(*(data.val_dataloader() for data in (together, whole, ten)), strict=True)
    for both, one, several in batches:
        assert torch.equal(both.images[:, 0], one.images)
        assert torch.equal(both.images[:, 1:], several.images)
        assert torch.equal(both.regions[:, 0], one.regions)
        assert torch.equal(both.regions[:, 1:], several.regions)
    assert together.notes()[-1] == (
        "evaluation sees the whole picture, squashed to 16x20; ten crops of 16x20 from the "
        "picture (squashed to 22)"
    )
    # Training crops do not depend on what evaluation sees.
    assert torch.equal(together.train[Draw(0, 0)].image, whole.train[Draw(0, 0)].image)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shape": "crop"}, r"data.shape must be one of warp, keep; got 'crop'"),
        ({"view": "five"}, r"data.view must be one of whole, centre, ten, or .*; got 'five'"),
        ({"view": ["ten", "five"]}, r"data.view must be .*; got \['ten', 'five'\]"),
        ({"view": ["ten", "ten"]}, r"a list of them without repeats; got \['ten', 'ten'\]"),
        ({"view": []}, r"data.view must be one of .*; got \[\]"),
        ({"view": [["ten"]]}, r"data.view must be one of .*; got \[\['ten'\]\]"),
        ({"view": None}, r"data.view must be one of .*; got None"),
        ({"resize": 19}, r"data.resize must be .* whole number, at least 20; got 19"),
        ({"batch_size": 0}, r"data.batch_size must be a whole number, at least 1; got 0"),
        (
            {"num_workers": -1},
            r"data.num_workers must be null \(one a core\) or a whole number, at least 0",
        ),
    ],
)
def test_settings_are_checked(root: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        folders(root, **settings)


def break_first(data: Folders, rows: Sequence[int]) -> None:
    for row in rows:
        data.train.path(row).write_bytes(b"broken")  # type: ignore[attr-defined]


def test_training_stops_at_a_broken_picture(root: Path) -> None:
    data = folders(root)
    break_first(data, [3])
    with pytest.raises(UserError, match=r"Cannot read a picture of the train split: .*skip_broken"):
        epoch(data)


@pytest.mark.parametrize("workers", [0, 2])
def test_training_can_skip_and_list_broken_pictures(
    root: Path, tmp_path: Path, workers: int
) -> None:
    listed = tmp_path / "lists" / "broken.txt"
    data = folders(root, skip_broken=listed, num_workers=workers)
    assert data.notes() == ["no true boxes: localization is not scored"]
    break_first(data, [3, 4, 17])
    batches = epoch(data)
    seen = sorted(int(i) for batch in batches for i in batch.index)
    # The next that can be read stands in: 5 for 3 and 4, 0 for the last.
    assert seen == sorted([*range(3), 5, 5, *range(5, 17), 0])
    names = {line.split("\t")[0] for line in listed.read_text().splitlines()}
    assert names == {data.train.name(row) for row in (3, 4, 17)}
    assert data.notes()[-1] == f"3 broken training pictures were left out, see {listed}"
    assert same(batches, epoch(data))


def test_evaluation_never_skips(root: Path, tmp_path: Path) -> None:
    data = folders(root, skip_broken=tmp_path / "broken.txt")
    data.val.path(0).write_bytes(b"broken")  # type: ignore[attr-defined]
    with pytest.raises(UserError, match=r"Cannot read a picture of the test split"):
        list(data.val_dataloader())


def test_skipping_gives_up_when_the_disk_is_gone(tmp_path: Path) -> None:
    root = make_folders(tmp_path / "many", each=40)
    data = folders(root, train_per_class=39, skip_broken=tmp_path / "broken.txt")
    break_first(data, range(78))
    with pytest.raises(UserError, match=r"50 pictures in a row of the train split cannot be read"):
        epoch(data)


def test_a_reduced_picture_gives_the_same_crop(tmp_path: Path) -> None:
    """Four times as large as needed: the JPEG is decoded at a quarter, and looks the same."""
    root = make_cub200(tmp_path / "cub")
    save_picture(root / "images" / "001.Black_footed_Albatross" / "bird 1.jpg", 1, (400, 600))
    common = {"batch_size": 2, "eval_batch_size": 2, "num_workers": 0, "seed": 0, "flip": True}
    data = CUB200(root=root, size=(64, 64), **common)
    data.setup()
    pixels, size = data.train.pixels(0, (73, 73))
    assert size == (400, 600)
    assert pixels.shape[0] <= 160
    reduced = data.train[Draw(0, 0)]
    whole = np.asarray(data.train.picture(0))
    exact = data.train.views.train(whole, size, np.random.default_rng([0, 0, 0]))
    # A pixel of the reduced picture is four of the original.
    assert reduced.regions.tolist() == pytest.approx(exact.region, abs=4)
    assert (reduced.image.float() - exact.image.float()).abs().mean() < 4
