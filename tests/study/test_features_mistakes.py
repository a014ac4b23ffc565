"""Deep features: what cannot work is refused before any picture is looked at."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from benches import save_network
from planted_features import RGB, bench_of, make_features

from gapcam.errors import UserError
from gapcam.study.bench import Bench
from gapcam.study.features.study import Features


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_features(tmp_path_factory.mktemp("planted"))


@pytest.fixture
def made(root: Path, tmp_path: Path) -> Callable[..., Bench]:
    return partial(bench_of, root, tmp_path / "runs")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"c": 0}, r"study.c must be a number above 0, or a list of such numbers; got 0"),
        ({"c": []}, r"study.c must be .*; got \[\]"),
        ({"c": [1, -1]}, r"study.c must be .*; got \[1, -1\]"),
        ({"c": "x"}, r"study.c must be .*; got 'x'"),
        ({"c": True}, r"study.c must be .*; got True"),
        ({"c": float("nan")}, r"study.c must be .*; got nan"),
        ({"pool": "min"}, r"study.pool must be avg or max; got 'min'"),
        ({"splits": 2}, r"study.splits must be all or one; got 2"),
    ],
)
def test_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Features(**settings)


@pytest.mark.parametrize(
    ("words", "settings", "message"),
    [
        (
            (),
            {"layer": "con2_2"},
            r"SmallGAP has no layer 'con2_2'; among its layers are .*conv2_2",
        ),
        (
            (),
            {"layer": "classifier"},
            r"layer classifier of SmallGAP has random weights: it is one",
        ),
        (
            (),
            {"c": [1, 2]},
            None,
        ),
        (
            ("data.train_per_class=4",),
            {"c": [1, 2]},
            r"Class blue has 4 training pictures of split 1; several study.c are compared on 5",
        ),
    ],
)
def test_refused_before_a_picture_is_looked_at(
    made: Callable[..., Bench],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    settings: dict[str, Any],
    message: str | None,
) -> None:
    found = made(*words)
    monkeypatch.setattr(found.trainer, "test", lambda *_, **__: pytest.fail("computed"))
    if message is None:
        Features(**settings).check(found)
        return
    with pytest.raises(UserError, match=message):
        Features(**settings).check(found)


def test_weights_that_lack_a_layer(made: Callable[..., Bench]) -> None:
    """The added convolution of another number of units is left behind, so features are random."""
    found = made("arch.units=16")
    assert set(found.fresh) > {"classifier"}
    with pytest.raises(
        UserError, match=r"of SmallGAP has random weights: .*colours.ckpt holds none for it, and"
    ):
        Features().check(found)
    Features(layer="conv2_2").check(found)  # which lies before it


def test_one_unit_a_class(made: Callable[..., Bench], tmp_path: Path) -> None:
    from gapcam.arch.loading import load_weights
    from gapcam.build import build_module, data_facts

    found = made()
    config = {"_target_": "gapcam.arch.squeezenet.SqueezeNet", "size": [67, 67]}
    protocols = {"paper": {"_target_": "gapcam.protocol.Protocol"}}
    facts = {**data_facts(found.data), "size": [67, 67]}
    network = build_module(config, protocols, {**facts, "class_names": ["one", "two"]})
    path = save_network(tmp_path / "two.ckpt", network)
    config["weights"] = str(path)
    other = build_module(config, protocols, facts)
    report = load_weights(other)
    assert report is not None
    refused = replace(found, network=other, fresh=tuple(report.fresh))
    with pytest.raises(UserError, match=r"layer gap of SqueezeNet .* one unit a class, and these"):
        Features().check(refused)
    Features(layer="fire9").check(refused)


def test_a_class_without_training_pictures(made: Callable[..., Bench], root: Path) -> None:
    names = [f"{name}/{number}.png" for name in sorted(RGB) for number in range(8)]
    (root / "train.txt").write_text("\n".join(n for n in names if "red" not in n and "/1" in n))
    (root / "test.txt").write_text("\n".join(n for n in names if "/2" in n))
    found = made(
        "data.train_per_class=null", "data.train_list=train.txt", "data.test_list=test.txt"
    )
    with pytest.raises(
        UserError, match=r"Class red has 0 training pictures; a classifier needs one of each class"
    ):
        Features().check(found)


def test_shards(made: Callable[..., Bench]) -> None:
    found = made()
    found.data.stream = "s3://shards"  # type: ignore[attr-defined]
    with pytest.raises(UserError, match=r"data.stream has shards: leave it out"):
        Features().check(found)
