from typing import Any

import pytest
import torch
from networks import network
from torch import nn

from gapcam.arch.optim import Factors, Optim
from gapcam.arch.schedule import Constant, Cosine, Step
from gapcam.errors import UserError


def recipe(**groups: Factors) -> Optim:
    return Optim(0.1, 0.01, torch.optim.SGD, Constant(), groups)


def grouped(optim: Optim, network: nn.Module) -> dict[tuple[float, float], list[str]]:
    groups = optim.parameter_groups(network.named_parameters(), lambda name: name.startswith("1."))
    return {(round(g["lr"], 9), round(g["weight_decay"], 9)): g["names"] for g in groups}


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ({}, {(0.1, 0.01): ["0.weight", "0.bias", "1.weight", "1.bias"]}),
        (
            {"biases": Factors(r"\.bias$", lr=2, weight_decay=0)},
            {(0.1, 0.01): ["0.weight", "1.weight"], (0.2, 0.0): ["0.bias", "1.bias"]},
        ),
        (
            {"biases": Factors(r"\.bias$", lr=2), "last": Factors(r"^1\.", lr=10)},
            {
                (0.1, 0.01): ["0.weight"],
                (0.2, 0.01): ["0.bias"],
                (1.0, 0.01): ["1.weight"],
                (2.0, 0.01): ["1.bias"],
            },
        ),
        (
            {"nothing": Factors("xyz", lr=3)},
            {(0.1, 0.01): ["0.weight", "0.bias", "1.weight", "1.bias"]},
        ),
        (
            {"head": Factors(where="head", lr=10), "trunk": Factors(where="trunk", weight_decay=0)},
            {(0.1, 0.0): ["0.weight", "0.bias"], (1.0, 0.01): ["1.weight", "1.bias"]},
        ),
        ({"off": None}, {(0.1, 0.01): ["0.weight", "0.bias", "1.weight", "1.bias"]}),
    ],
)
def test_factors_multiply_where_names_match(groups: Any, expected: Any) -> None:
    two = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    assert grouped(recipe(**groups), two) == expected


def test_paper_recipe_is_the_released_solver() -> None:
    module = network("arch=vgg_gap", "optim=paper", classes=3)
    optimizer = module.optim.make(module, module.is_head)
    assert isinstance(optimizer, torch.optim.SGD)
    weights, biases = optimizer.param_groups
    assert (weights["lr"], weights["momentum"], weights["weight_decay"]) == (0.001, 0.9, 0.0005)
    assert (biases["lr"], biases["momentum"], biases["weight_decay"]) == (0.002, 0.9, 0.0)
    assert not weights["nesterov"]
    assert len(weights["params"]) == len(biases["params"]) == 15
    # A tenth after every 40 of 160 thousand iterations.
    factors = [
        module.optim.schedule(step / 160_000) for step in (0, 39_999, 40_000, 80_000, 120_000)
    ]
    assert factors == pytest.approx([1, 1, 0.1, 0.01, 0.001])


@pytest.mark.parametrize(("name", "lr"), [("modern", 0.001), ("adamw", 0.0001)])
def test_modern_recipes_hurry_the_new_head(name: str, lr: float) -> None:
    module = network("arch=vgg_gap", f"optim={name}", classes=3)
    rates = {
        name: group["lr"]
        for group in module.optim.parameter_groups(module.named_parameters(), module.is_head)
        for name in group["names"]
    }
    assert rates["trunk.conv1_1.weight"] == lr
    assert rates["added.CAM_conv.weight"] == rates["classifier.bias"] == pytest.approx(10 * lr)
    assert isinstance(module.optim.schedule, Cosine)
    optimizer = module.optim.make(module, module.is_head)
    assert optimizer.defaults.get("nesterov", True)


@pytest.mark.parametrize(
    ("arch", "head"),
    [
        ("alexnet", {"fc8"}),
        ("googlenet", {"classifier", "loss1.classifier", "loss2.classifier"}),
        ("nin", {"trunk.cccp8-1024"}),
        ("squeezenet", {"trunk.conv10"}),
        ("alexnet_star_gap", {"added.conv6", "added.conv7", "classifier"}),
        ("torchvision_gap arch.name=squeezenet1_1", {"trunk.classifier.1"}),
        ("torchvision_gap arch.name=resnet18 arch.units=8", {"added.added", "classifier"}),
    ],
)
def test_what_the_head_is(arch: str, head: set[str]) -> None:
    module = network(*f"arch={arch}".split(), classes=3)
    parameters = [name for name, _ in module.named_parameters() if module.is_head(name)]
    assert {name.rpartition(".")[0] for name in parameters} == head


@pytest.mark.parametrize(
    ("arch", "trained"),
    [
        ("small_gap", {"classifier"}),
        ("alexnet", {"fc8"}),
        ("nin", {"trunk.cccp8-1024"}),
        ("squeezenet", {"trunk.conv10"}),
        ("googlenet", {"classifier"}),
        ("googlenet_gap", {"classifier"}),
        ("torchvision_gap arch.name=squeezenet1_1", {"trunk.classifier.1"}),
        ("torchvision_gap arch.name=resnet18 arch.units=8", {"classifier"}),
    ],
)
def test_linear_trains_the_classifier_alone(arch: str, trained: set[str]) -> None:
    module = network(*f"arch={arch}".split(), "optim=linear", classes=3)
    optimizer = module.optim.make(module, module.is_head)
    names = {name.rpartition(".")[0] for name, p in module.named_parameters() if p.requires_grad}
    assert names == trained
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 2


def test_nothing_left_to_train() -> None:
    with pytest.raises(UserError, match="freeze every parameter"):
        recipe(all=Factors(lr=0.0)).make(nn.Linear(1, 1), bool)


def test_frozen_parameters_are_left_out() -> None:
    two = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    two[0].requires_grad_(False)
    assert sum(len(g["params"]) for g in recipe().make(two, bool).param_groups) == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Factors("("), r"optim.groups: '\(' is no regular expression"),
        (lambda: Factors(where="tail"), "where must be all, head or trunk; got 'tail'"),
        (lambda: Factors("x", lr=-1), "factors must not be negative"),
        (lambda: Optim(0, 0, torch.optim.SGD, Constant()), "optim.lr must be positive"),
        (lambda: Optim(1, -1, torch.optim.SGD, Constant()), "weight_decay not negative"),
    ],
)
def test_impossible_recipes(make: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        (Constant(), {0.0: 1.0, 1.0: 1.0}),
        (Step(), {0.0: 1.0, 0.24: 1.0, 0.25: 0.1, 0.5: 0.01, 0.99: 0.001}),
        (Cosine(warmup=0.1), {0.1: 1.0, 0.55: 0.5, 1.0: 0.0, 1.5: 0.0}),
    ],
)
def test_schedules(schedule: Any, factors: dict[float, float]) -> None:
    for done, factor in factors.items():
        assert schedule(done) == pytest.approx(factor, abs=1e-9)


def test_warm_up_rises() -> None:
    schedule = Cosine(warmup=0.2)
    values = [schedule(done / 100) for done in range(21)]
    assert values == sorted(values)
    assert 0 < values[0] < 0.01
