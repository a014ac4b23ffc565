"""Features: the same on any number of processes, in the data set's order, never another's."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from benches import QUICK, bench, colour_network, save_network
from planted_features import make_features
from support import type_in
from twins import make_folders, save_picture

from gapcam.build import build_module, data_facts
from gapcam.data.dataset import LocalizationDataset
from gapcam.errors import UserError
from gapcam.study import extraction
from gapcam.study.bench import Bench
from gapcam.study.extraction import extract

NAMES = ["a cat", "dög"]
PROTOCOL = {"paper": {"_target_": "gapcam.protocol.Protocol"}}


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


@pytest.mark.parametrize("word", ["", "arch.size=[48,48]", "data.view=centre"])
def test_features_of_another_view_are_not_taken(made: Callable[..., Bench], word: str) -> None:
    found, other = made(), made(*([word] if word else []))
    (before,), (after,) = (extract(one, [one.data.test]) for one in (found, other))
    assert np.array_equal(before, after) is not bool(word)


def test_features_of_other_weights_are_not_taken(made: Callable[..., Bench]) -> None:
    found = made()
    (before,) = extract(found, [found.data.test])
    with torch.no_grad():
        next(found.network.trunk.parameters()).mul_(2)
    (after,) = extract(found, [found.data.test])
    assert not np.array_equal(before, after)


@pytest.mark.slow
def test_features_of_another_stride_are_not_taken(made: Callable[..., Bench]) -> None:
    """No tensor tells of it: the weights are the same."""
    found = made()
    nets = []
    for stride in (2, 1):
        arch = {"_target_": "gapcam.arch.torchvision_gap.TorchvisionGAP", "size": [64, 64]}
        arch |= {"name": "resnet18", "units": None, "stride_last": stride}
        torch.manual_seed(0)
        nets.append(build_module(arch, PROTOCOL, data_facts(found.data)).eval())
    one, other = (network.state_dict() for network in nets)
    assert all(torch.equal(one[name], other[name]) for name in one)
    before, after = (extract(found, [found.data.test], network=net)[0] for net in nets)
    assert not np.array_equal(before, after)


@pytest.mark.parametrize(
    ("layer", "fresh", "is_same"),
    [
        ("gap", ("classifier",), True),  # a random classifier for the data's classes
        ("classifier", (), False),  # two trained ones
        ("gap", (), False),  # not told apart from those that matter
    ],
)
def test_features_behind_another_classifier(
    made: Callable[..., Bench],
    monkeypatch: pytest.MonkeyPatch,
    layer: str,
    fresh: tuple[str, ...],
    is_same: bool,
) -> None:
    """On the same trunk: taken where it has no part in them, never where it has."""
    found = replace(made(), fresh=fresh)
    calls = []
    test = found.trainer.test
    monkeypatch.setattr(found.trainer, "test", lambda *a, **k: calls.append(1) or test(*a, **k))
    features = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        torch.nn.init.normal_(found.network.get_submodule("classifier").weight)  # type: ignore[arg-type]
        features.append(extract(found, [found.data.test], layer)[0])
    assert len(calls) == (1 if is_same else 2)
    assert np.array_equal(*features) is (layer == "gap")


def test_answers_that_are_no_numbers(made: Callable[..., Bench]) -> None:
    found = made()
    with torch.no_grad():
        next(found.network.trunk.parameters()).fill_(torch.nan)
    match = r"Layer gap of SmallGAP has answers that are no numbers .*precision=32-true"
    with pytest.raises(UserError, match=match):
        extract(found, [found.data.test])
    assert not list(found.features.rglob("*.np*"))


def test_a_shortened_look(made: Callable[..., Bench]) -> None:
    """No picture has features of zeros because nobody looked at it."""
    found = made()
    found.trainer.limit_test_batches = 1
    with pytest.raises(UserError, match=r"Only 4 of 6 pictures .* such as trainer.fast_dev_run"):
        extract(found, [found.data.test])
    found.trainer.limit_test_batches = 1.0
    assert len(extract(found, [found.data.test])[0]) == 6  # it goes on with the others


@pytest.mark.parametrize(
    ("batches", "shares"),
    [
        (1, [[0], [0], [0]]),  # nobody goes without: Lightning would refuse
        (2, [[0], [1], [1]]),
        (3, [[0], [1], [2]]),
        (7, [[0, 3, 6], [1, 4], [2, 5]]),
    ],
)
def test_shares_of_three_processes(batches: int, shares: list[list[int]]) -> None:
    found = [extraction._Share(range(batches), 3, rank) for rank in range(3)]  # type: ignore[arg-type]
    assert [list(share) for share in found] == shares
    assert [len(share) for share in found] == [len(share) for share in shares]


@pytest.mark.slow
def test_more_processes_than_batches(tmp_path: Path) -> None:
    root = make_features(tmp_path / "planted", each=2)
    words = ["study=features", "arch=small_gap", "arch.units=8", "data=folders", *QUICK[:3]]
    words += [f"data.root={root}", "data.pictures=pictures", "data.train_per_class=1"]
    words += [f"arch.weights={root}/colours.ckpt", "data.eval_batch_size=16", "gallery=0"]
    several = ("trainer=ddp", "trainer.devices=2")
    done = type_in(*words, *several, f"runs={tmp_path / 'two'}", module="gapcam.study")
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (tmp_path / "two").rglob("features.npy")
    alone = bench(tmp_path / "one", *words)
    whole = np.concatenate(extract(alone, [alone.data.train, alone.data.test]))
    np.testing.assert_allclose(np.load(path), whole, atol=1e-6)
    assert whole.std() > 0


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
        ("val_evaluation", r"val_evaluation of SmallGAP is no layer whose answers .*study.layer"),
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
