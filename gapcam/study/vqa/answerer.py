"""A linear model that answers questions: words and the pooled features of the picture.

iBOWIMG of Zhou et al., "Simple Baseline for Visual Question Answering" (arXiv 1512.02167), with the
training of the code that they published (github.com/zhoubolei/VQAbaseline).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gapcam.errors import UserError


class Asked(NamedTuple):
    """A batch of questions.

    `words` int64, places in the vocabulary, one question after the other; `begins` `(B,)` int64,
    where each begins; `features` `(B, K)`; `labels` `(B,)` int64, classes of the answers; `rows`
    `(B,)` int64 of the split.
    """

    words: Tensor
    begins: Tensor
    features: Tensor
    labels: Tensor
    rows: Tensor


@dataclass(frozen=True)
class Recipe:
    """How the answerer is trained; see `conf/study/vqa.yaml`.

    Raises:
        UserError: if a setting is out of range.
    """

    epochs: int
    batch_size: int
    word_dimension: int
    lr_words: float
    lr_softmax: float
    momentum: float
    weight_decay: float
    gradient_clip: float
    clip_words: float
    clip_softmax: float

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "word_dimension"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise UserError(f"study.{name} must be a whole number, at least 1; got {value!r}")
        for name in ("lr_words", "lr_softmax", "gradient_clip", "clip_words", "clip_softmax"):
            _require(name, getattr(self, name), "above 0", lambda value: value > 0)
        _require("momentum", self.momentum, "from 0 to below 1", lambda value: 0 <= value < 1)
        _require("weight_decay", self.weight_decay, "0 or above", lambda value: value >= 0)


def _require(name: str, value: Any, what: str, holds: Callable[[float], bool]) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not holds(value):
        raise UserError(f"study.{name} must be a number {what}; got {value!r}")


class Answerer(pl.LightningModule):
    """Logits of answers: `W [sum of the words' vectors, features]`.

    With words or picture alone the other part of `W` is left out, and a bias is added, as in the
    published code.

    Args:
        vocabulary: number of words; zero for the picture alone.
        features: number of units K of the picture's features; zero for words alone.
        answers: number of classes.
        recipe: of training.
        judge: accuracy in 0..1 of an answer, by the question's row and the class.
        seed: of the first weights.
    """

    def __init__(
        self,
        vocabulary: int,
        features: int,
        answers: int,
        recipe: Recipe,
        judge: Callable[[int, int], float],
        seed: int,
    ) -> None:
        super().__init__()
        self.recipe = recipe
        self._judge = judge
        self.dimension = recipe.word_dimension if vocabulary else 0
        self.words: nn.EmbeddingBag | None = None
        is_alone = not (vocabulary and features)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            if vocabulary:
                self.words = nn.EmbeddingBag(vocabulary, self.dimension, mode="sum")
                nn.init.uniform_(self.words.weight, -(vocabulary**-0.5), vocabulary**-0.5)
            self.softmax = nn.Linear(self.dimension + features, answers, bias=is_alone)

    def forward(self, asked: Asked) -> Tensor:
        """Logits `(B, C)`."""
        parts = []
        if self.words is not None:
            parts.append(self.words(asked.words, asked.begins))
        if self.softmax.in_features > self.dimension:
            parts.append(asked.features)
        logits: Tensor = self.softmax(torch.cat(parts, dim=1))
        return logits

    @torch.no_grad()
    def contributions(self, words: Tensor) -> Tensor:
        """What words `(W,)`, places in the vocabulary, add to the logits of answers, `(W, C)`."""
        assert self.words is not None
        return self.words.weight[words] @ self.softmax.weight[:, : self.dimension].T

    def image_weight(self) -> Tensor:
        """The part of the softmax's weights that the features meet, `(C, K)`: maps of answers."""
        return self.softmax.weight.detach()[:, self.dimension :]

    def training_step(self, asked: Asked, batch_idx: int) -> Tensor:
        # A sum, as published. Processes share a batch, and their gradients are averaged.
        loss = F.cross_entropy(self(asked), asked.labels, reduction="sum")
        self._log("train/loss", loss.detach(), len(asked.labels))
        return loss * self.trainer.world_size

    def validation_step(self, asked: Asked, batch_idx: int) -> None:
        guesses = self(asked).argmax(1).tolist()
        pairs = zip(asked.rows.tolist(), guesses, strict=True)
        self._log("val/vqa_accuracy", sum(self._judge(*pair) for pair in pairs), len(guesses))

    def _log(self, name: str, total: Tensor | float, count: int) -> None:
        """Average over the questions of an epoch; a share of the last batch may have none."""
        each = total / max(1, count)
        self.log(name, each, on_step=False, on_epoch=True, sync_dist=True, batch_size=count)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        groups = [{"params": list(layer.parameters()), "lr": lr} for layer, lr, _ in self._layers()]
        return torch.optim.SGD(groups, momentum=self.recipe.momentum)

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Each layer by its own norm."""
        for weights in self.parameters():
            nn.utils.clip_grad_norm_([weights], self.recipe.gradient_clip)

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """A step, then decay and clipping of the weights themselves."""
        super().optimizer_step(*args, **kwargs)
        with torch.no_grad():
            for layer, lr, most in self._layers():
                kept = 1 - lr * self.recipe.weight_decay
                for weights in layer.parameters():
                    weights.mul_((most / weights.norm()).clamp_max(kept))

    def _layers(self) -> list[tuple[nn.Module, float, float]]:
        """Each layer with its learning rate and the greatest norm of its weights."""
        recipe = self.recipe
        layers: list[tuple[nn.Module, float, float]] = [
            (self.softmax, recipe.lr_softmax, recipe.clip_softmax)
        ]
        if self.words is not None:
            layers.append((self.words, recipe.lr_words, recipe.clip_words))
        return layers
