"""Training of the answerer against the published steps, written plainly; and going on with it."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from gapcam.errors import UserError
from gapcam.execution import keep_lightning_quiet
from gapcam.study.vqa import answer_training
from gapcam.study.vqa.answer_batches import AskedQuestions, ordered_loader, training_loader
from gapcam.study.vqa.answer_training import answer, fit
from gapcam.study.vqa.answerer import Answerer, Recipe
from gapcam.study.vqa.question_words import Bags

WORDS, UNITS, ANSWERS, COUNT, PICTURES = 6, 4, 3, 23, 9
PUBLISHED: dict[str, Any] = {
    **{"epochs": 4, "batch_size": 5, "word_dimension": 8, "lr_words": 0.8, "lr_softmax": 0.01},
    **{"momentum": 0.9, "weight_decay": 5e-6, "gradient_clip": 0.1},
    **{"clip_words": 1500, "clip_softmax": 20},
}


def questions(seed: int = 0) -> AskedQuestions:
    random = np.random.default_rng(seed)
    lengths = random.integers(0, 4, COUNT)
    bags = [np.sort(random.permutation(WORDS)[:length]) for length in lengths]
    return AskedQuestions(
        Bags(np.concatenate(bags).astype(np.int64), np.cumsum(lengths), 0.0),
        random.integers(0, PICTURES, COUNT),
        random.random((PICTURES, UNITS), np.float32),
        random.integers(0, ANSWERS, COUNT),
    )


def answerer(kind: str = "both", **changed: Any) -> Answerer:
    return Answerer(
        vocabulary=0 if kind == "picture" else WORDS,
        features=0 if kind == "words" else UNITS,
        answers=ANSWERS,
        recipe=Recipe(**PUBLISHED | changed),
        judge=lambda row, guess: float(guess == 1),
        seed=3,
    )


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., Answerer]:
    keep_lightning_quiet()
    said: list[str] = []

    def _train(module: Answerer, key: str = "data", **changed: Any) -> Answerer:
        bench: Any = SimpleNamespace(
            trainer=pl.Trainer(
                accelerator="cpu",
                devices=1,
                logger=False,
                enable_progress_bar=False,
                enable_checkpointing=False,
            ),
            seed=7,
            folder=tmp_path,
            say=said.append,
        )
        asked = questions()
        rows = np.arange(COUNT)[1:]  # the first has no known answer
        fit(bench, module, asked, rows, asked, tmp_path / "kept", key, 2, is_logged=False)
        return module

    _train.said = said  # type: ignore[attr-defined]
    return _train


def dense(asked: AskedQuestions) -> tuple[Tensor, Tensor, Tensor]:
    """Bags as rows of zeros and ones, features, labels of all questions."""
    (batch,) = list(ordered_loader(asked, COUNT))
    bags = torch.zeros(COUNT, WORDS)
    ends = [*batch.begins[1:].tolist(), len(batch.words)]
    for row, (start, end) in enumerate(zip(batch.begins.tolist(), ends, strict=True)):
        bags[row, batch.words[start:end]] = 1
    return bags, batch.features, batch.labels


def plainly(module: Answerer, kind: str, recipe: dict[str, Any]) -> list[Tensor]:
    """The published loop: for each layer clip the gradient, add momentum, decay, clip weights."""
    bags, features, labels = dense(questions())
    layers = dict(module.named_parameters())
    weights = {name: value.detach().clone().double() for name, value in layers.items()}
    speed = {name: torch.zeros_like(value) for name, value in weights.items()}
    for epoch in range(recipe["epochs"]):
        order = np.random.default_rng([7, epoch]).permutation(np.arange(1, COUNT))
        for start in range(0, len(order), recipe["batch_size"]):
            rows = order[start : start + recipe["batch_size"]]
            for value in weights.values():
                value.requires_grad_()
            parts = []
            if kind != "picture":
                parts.append(bags[rows].double() @ weights["words.weight"])
            if kind != "words":
                parts.append(features[rows].double())
            logits = torch.cat(parts, 1) @ weights["softmax.weight"].T
            if "softmax.bias" in weights:
                logits = logits + weights["softmax.bias"]
            loss = -logits.log_softmax(1)[torch.arange(len(rows)), labels[rows]].sum()
            gradients = torch.autograd.grad(loss, list(weights.values()))
            for (name, value), gradient in zip(list(weights.items()), gradients, strict=True):
                is_words = name.startswith("words")
                lr = recipe["lr_words"] if is_words else recipe["lr_softmax"]
                most = recipe["clip_words"] if is_words else recipe["clip_softmax"]
                clipped = gradient * min(1.0, recipe["gradient_clip"] / float(gradient.norm()))
                speed[name] = recipe["momentum"] * speed[name] - lr * clipped
                moved = (value.detach() + speed[name]) * (1 - lr * recipe["weight_decay"])
                weights[name] = moved * min(1.0, most / float(moved.norm()))
    return list(weights.values())


TIGHT = {"clip_words": 2.0, "clip_softmax": 0.7, "weight_decay": 0.1}


@pytest.mark.parametrize(
    ("kind", "changed"), [("both", {}), ("both", TIGHT), ("words", {}), ("picture", TIGHT)]
)
def test_steps_are_the_published_ones(
    train: Callable[..., Answerer], kind: str, changed: dict[str, Any]
) -> None:
    module = answerer(kind, **changed)
    assert (module.softmax.bias is None) == (kind == "both")
    expected = plainly(module, kind, PUBLISHED | changed)
    train(module)
    for found, value in zip(module.parameters(), expected, strict=True):
        torch.testing.assert_close(found.detach().double(), value, atol=2e-5, rtol=0)


def test_it_learns(train: Callable[..., Answerer]) -> None:
    quickly = {"batch_size": COUNT, "lr_words": 0.1, "lr_softmax": 1.0, "gradient_clip": 1.0}
    module = train(answerer(epochs=60, **quickly, clip_softmax=200))
    bench: Any = SimpleNamespace(
        trainer=SimpleNamespace(strategy=SimpleNamespace(root_device=torch.device("cpu"))),
        progress=lambda title, count: _Silent(),
    )
    guesses, scores = answer(bench, module, questions())
    _, _, labels = dense(questions())
    assert (guesses[1:] == labels[1:].numpy()).mean() > 0.9
    assert (scores > 1 / ANSWERS).all()


class _Silent:
    def __enter__(self) -> Callable[[int], None]:
        return lambda more: None

    def __exit__(self, *_: object) -> None:
        pass


def test_training_goes_on_after_a_crash(
    train: Callable[..., Answerer], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = train(answerer())
    (tmp_path / "kept" / "last.ckpt").unlink()
    step = Answerer.training_step
    steps = []

    def crashing(self: Answerer, asked: Any, batch_idx: int) -> Tensor:
        steps.append(batch_idx)
        if len(steps) == 13:  # in the middle of the third epoch of five steps
            raise RuntimeError("power cut")
        return step(self, asked, batch_idx)

    monkeypatch.setattr(Answerer, "training_step", crashing)
    monkeypatch.setattr(answer_training, "_SECONDS", 0)
    with pytest.raises(RuntimeError, match="power cut"):
        train(answerer())
    resumed = train(answerer())
    assert steps[13:] == [0, 1, 2, 3, 4] * 2
    assert "last.ckpt, after 2 epochs" in train.said[-1]  # type: ignore[attr-defined]
    for found, value in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert torch.equal(found, value)
    again = train(answerer())
    assert len(steps) == 23, "what is finished is not trained again"
    assert torch.equal(again.softmax.weight, whole.softmax.weight)


def test_a_checkpoint_of_other_data_is_not_taken(train: Callable[..., Answerer]) -> None:
    train(answerer(epochs=2))
    fresh = train(answerer(), key="others")
    assert "trained on other data" in train.said[-1]  # type: ignore[attr-defined]
    said = len(train.said)  # type: ignore[attr-defined]
    assert torch.equal(train(answerer(), key="others").softmax.weight, fresh.softmax.weight)
    assert len(train.said) == said + 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("processes", [2, 7])
def test_processes_share_a_batch(processes: int) -> None:
    asked = questions()
    rows = np.arange(1, COUNT)
    alone = [batch.rows.tolist() for batch in training_loader(asked, rows, 5, 1, (0, 1), lambda: 2)]
    shares = [
        [
            batch.rows.tolist()
            for batch in training_loader(asked, rows, 5, 1, (rank, processes), lambda: 2)
        ]
        for rank in range(processes)
    ]
    for number, batch in enumerate(alone):
        assert sorted(row for share in shares for row in share[number]) == sorted(batch)
    assert sorted(row for batch in alone for row in batch) == rows.tolist()
    other = training_loader(asked, rows, 5, 1, (0, 1), lambda: 3)
    assert [batch.rows.tolist() for batch in other] != alone


@pytest.mark.parametrize("kind", ["both", "words", "picture"])
def test_a_share_may_be_empty(kind: str) -> None:
    module = answerer(kind)
    logits = module(questions()[np.empty(0, np.int64)])
    assert logits.shape == (0, ANSWERS)
    logits.sum().backward()
    assert all(value.grad is not None for value in module.parameters())


def test_parts_of_a_logit_add_up() -> None:
    module, asked = answerer(), questions()
    bags, features, _ = dense(asked)
    parts = bags @ module.contributions(torch.arange(WORDS)) + features @ module.image_weight().T
    (batch,) = list(ordered_loader(asked, COUNT))
    torch.testing.assert_close(module(batch).detach(), parts)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"epochs": None}, r"study\.epochs must be a whole number, at least 1; got None"),
        ({"epochs": 0}, r"study\.epochs must be a whole number, at least 1; got 0"),
        ({"batch_size": 2.5}, r"study\.batch_size must be a whole number"),
        ({"word_dimension": True}, r"study\.word_dimension must be a whole number"),
        ({"lr_words": 0}, r"study\.lr_words must be a number above 0; got 0"),
        ({"lr_softmax": "fast"}, r"study\.lr_softmax must be a number above 0; got 'fast'"),
        ({"momentum": 1}, r"study\.momentum must be a number from 0 to below 1"),
        ({"weight_decay": -1}, r"study\.weight_decay must be a number 0 or above"),
        ({"gradient_clip": float("nan")}, r"study\.gradient_clip must be a number above 0"),
        ({"clip_words": None}, r"study\.clip_words must be a number above 0"),
        ({"clip_softmax": False}, r"study\.clip_softmax must be a number above 0; got False"),
    ],
)
def test_settings_out_of_range(changed: dict[str, Any], match: str) -> None:
    with pytest.raises(UserError, match=match):
        Recipe(**PUBLISHED | changed)
