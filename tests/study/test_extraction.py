"""Features: the same on any number of processes, in the data set's order, never another's."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from benches import bench, colour_network, save_network
from twins import make_folders, save_picture

from gapcam.data.dataset import LocalizationDataset
from gapcam.errors import UserError
from gapcam.study import extraction
from gapcam.study.bench import Bench
from gapcam.study.extraction import extract

NAMES = ["a cat", "dög"]


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Bench]:
    root = make_folders(tmp_path / "data")
    weights = save_network(tmp_path / "colours.ckpt", colour_network(NAMES))
    words = (
        *("arch=small_gap", "arch.units=8", "data=folders", "study=features"),
        *("data.train_per_class=3", f"data.root={root}", f"arch.weights={weights}"),
    )
    return lambda *more: bench(tmp_path / "runs", *words, *more)


def one_by_one(found: Bench, dataset: LocalizationDataset) -> np.ndarray:
    """The slow way: picture by picture, without any cache."""
    with torch.no_grad():
        rows = [
            found.network(dataset[row].image[None]).features.mean((-2, -1))[0]
            for row in range(len(dataset))
        ]
    return torch.stack(rows).numpy()


def test_features_are_in_the_order_of_the_data(made: Callable[..., Bench]) -> None:
    found = made()
    train, test = extract(found, [found.data.train, found.data.test])
    np.testing.assert_allclose(train, one_by_one(found, found.data.train), atol=1e-6)
    np.testing.assert_allclose(test, one_by_one(found, found.data.test), atol=1e-6)
    assert train.std() > 0


def test_pictures_of_two_splits_are_looked_at_once(
    made: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = made()
    first, again = extract(found, [found.data.test, found.data.test])
    assert (first == again).all()
    monkeypatch.setattr(found.trainer, "test", lambda *_, **__: pytest.fail("computed again"))
    (kept,) = extract(found, [found.data.test])
    assert (kept == first).all()


def test_a_changed_picture_is_looked_at_again(made: Callable[..., Bench]) -> None:
    found = made()
    (before,) = extract(found, [found.data.test])
    path = found.data.test.path(0)  # type: ignore[attr-defined]
    save_picture(path, shade=7)
    os.utime(path, ns=(1, 1))
    (after,) = extract(found, [found.data.test])
    assert (before[0] != after[0]).any()
    assert (before[1:] == after[1:]).all()


@pytest.mark.parametrize(
    "more", [("arch.size=[48,48]", "arch.weights=@"), ("data.view=centre",), ("data.batch=0",)]
)
def test_features_of_something_else_are_not_taken(
    made: Callable[..., Bench], more: tuple[str, ...], tmp_path: Path
) -> None:
    found = made()
    (before,) = extract(found, [found.data.test])
    if more == ("data.batch=0",):  # other weights
        with torch.no_grad():
            next(found.network.trunk.parameters()).mul_(2)
        other = found
    else:
        weights = tmp_path / "colours.ckpt"
        other = made(*(word.replace("@", str(weights)) for word in more))
    (after,) = extract(other, [other.data.test])
    assert not np.array_equal(before, after)


def test_it_goes_on_after_a_crash(
    made: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = made()
    (whole,) = extract(replace(found, features=found.folder / "other"), [found.data.test])
    monkeypatch.setattr(extraction, "_PART", 1)
    looked = []
    test_step = extraction._Extractor.test_step

    def crashing(self, batch, batch_idx):  # type: ignore[no-untyped-def]
        looked.append(batch.index.tolist())
        if len(looked) == 2:
            raise RuntimeError("power cut")
        return test_step(self, batch, batch_idx)

    monkeypatch.setattr(extraction._Extractor, "test_step", crashing)
    with pytest.raises(RuntimeError, match="power cut"):
        extract(found, [found.data.test])
    (after,) = extract(found, [found.data.test])
    assert looked == [[0, 1, 2, 3], [4, 5], [4, 5]]
    assert (after == whole).all()


@pytest.mark.parametrize(
    ("layer", "match"),
    [
        ("", r"no layer ''|SmallGAP has no"),
        ("conv9_9", r"SmallGAP has no layer 'conv9_9'; among its layers are conv3_2"),
        ("classifier", r"layer classifier of SmallGAP has random weights"),
    ],
)
def test_layers_that_are_not_there(made: Callable[..., Bench], layer: str, match: str) -> None:
    found = replace(made(), fresh=("classifier",))
    if not layer:
        assert extract(found, [found.data.test], "")[0].shape == (6, 8)
        return
    with pytest.raises(UserError, match=match):
        extract(found, [found.data.test], layer)


def test_any_layer_by_name(made: Callable[..., Bench]) -> None:
    found = made()
    (by_name,) = extract(found, [found.data.test], "added")
    (pooled,) = extract(found, [found.data.test], "gap")
    np.testing.assert_allclose(by_name, pooled, atol=1e-6)
    (peak,) = extract(found, [found.data.test], "gap", pool="max")
    assert (peak >= pooled).all()
    assert (peak > pooled).any()
