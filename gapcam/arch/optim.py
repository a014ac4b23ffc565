"""How a network is trained: optimizer, learning rate over time, and what differs by parameter."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from gapcam.arch.schedule import Schedule
from gapcam.errors import UserError


@dataclass(frozen=True)
class Factors:
    """What to multiply learning rate and weight decay by where `match` is found in the name.

    Args:
        match: regular expression, searched in the parameter's full name (`classifier.bias`).
        where: `head` for what is new on a trained trunk (added convolutions, classifier), `trunk`
            for the rest, `all`.
        lr: factor on the learning rate.
        weight_decay: factor on the weight decay.

    Raises:
        UserError: if the expression is none, `where` unknown, or a factor negative.
    """

    match: str = ""
    where: str = "all"
    lr: float = 1.0
    weight_decay: float = 1.0

    def __post_init__(self) -> None:
        try:
            re.compile(self.match)
        except re.error as error:
            raise UserError(
                f"optim.groups: {self.match!r} is no regular expression: {error}"
            ) from error
        if self.where not in ("all", "head", "trunk"):
            raise UserError(f"optim.groups: where must be all, head or trunk; got {self.where!r}")
        if self.lr < 0 or self.weight_decay < 0:
            raise UserError(f"optim.groups: factors must not be negative; got {self}")


@dataclass(frozen=True)
class Optim:
    """A training recipe.

    Args:
        lr: base learning rate.
        weight_decay: base weight decay.
        optimizer: makes the optimizer from parameter groups.
        schedule: factor on the learning rate by fraction of the training done.
        groups: factors by name; where several match one parameter, they multiply.

    Raises:
        UserError: if `lr` is not positive or `weight_decay` negative.
    """

    lr: float
    weight_decay: float
    optimizer: Callable[[Iterable[dict[str, Any]]], torch.optim.Optimizer]
    schedule: Schedule
    groups: Mapping[str, Factors] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.lr > 0 or not self.weight_decay >= 0:
            raise UserError(
                "optim.lr must be positive and optim.weight_decay not negative; "
                f"got {self.lr!r} and {self.weight_decay!r}"
            )

    def parameter_groups(
        self, parameters: Iterable[tuple[str, nn.Parameter]], is_head: Callable[[str], bool]
    ) -> list[dict[str, Any]]:
        """Group named parameters that share their factors, in order of first appearance.

        Args:
            parameters: by full name.
            is_head: whether a parameter of that name belongs to the head.

        Returns:
            Groups for an optimizer, with `params`, `names`, `lr` and `weight_decay`.
        """
        groups: dict[tuple[float, float], dict[str, Any]] = {}
        for name, parameter in parameters:
            lr, weight_decay = self.lr, self.weight_decay
            here = ("all", "head" if is_head(name) else "trunk")
            for factors in self.groups.values():
                if factors and factors.where in here and re.search(factors.match, name):
                    lr *= factors.lr
                    weight_decay *= factors.weight_decay
            group = groups.setdefault(
                (lr, weight_decay),
                {"params": [], "names": [], "lr": lr, "weight_decay": weight_decay},
            )
            group["params"].append(parameter)
            group["names"].append(name)
        return list(groups.values())

    def make(self, network: nn.Module, is_head: Callable[[str], bool]) -> torch.optim.Optimizer:
        """Make the optimizer of a network's parameters; those with a rate of 0 are frozen.

        Raises:
            UserError: if the optimizer does not take its settings, or nothing is left to train.
        """
        trainable = [(n, p) for n, p in network.named_parameters() if p.requires_grad]
        every = self.parameter_groups(trainable, is_head)
        for group in every:
            if group["lr"] == 0:  # no gradient needs to go through what never moves
                for parameter in group["params"]:
                    parameter.requires_grad_(False)
        groups = [group for group in every if group["lr"] > 0]
        if not groups:
            raise UserError("optim.groups freeze every parameter: no factor lr is above 0")
        try:
            return self.optimizer(
                {key: value for key, value in group.items() if key != "names"} for group in groups
            )
        except (TypeError, ValueError) as error:
            raise UserError(f"optim.optimizer: {error}") from error
