"""What torchmetrics means by a metric, and what holds of all of ours."""

import pickle
from dataclasses import replace
from typing import Any

import pytest
import torch
from metric_samples import CLASSES, EXACT, KINDS, VIEW, plain, samples, take, updated
from torch import Tensor
from torchmetrics import MetricCollection

from gapcam.metrics import LocalizationError, MaxBoxAcc, PixelAP, PointingGame

every_kind = pytest.mark.parametrize("kind", KINDS)


def compute(metric: Any) -> dict[str, Any]:
    return plain(metric.compute())


@every_kind
def test_before_any_sample_all_numbers_are_nan(kind: str) -> None:
    metric = KINDS[kind].make()
    with pytest.warns(UserWarning, match="before the ``update`` method"):
        numbers = metric.compute()
    metric.update(**KINDS[kind].inputs(samples(0)))
    assert {name: plain(numbers)[name] for name in numbers} == compute(metric)
    missing = {name for name, value in compute(metric).items() if value is None}
    assert missing == set(numbers) - {"classes_without_boxes"}
    assert all(value.ndim == 0 for value in numbers.values())


@every_kind
def test_forward_gives_the_batch_and_adds_it_up(kind: str) -> None:
    batch, metric = samples(9), KINDS[kind].make()
    for rows in (slice(0, 4), slice(4, 4), slice(4, 9)):
        of_batch = metric(**KINDS[kind].inputs(take(batch, rows)))
        assert plain(of_batch) == compute(updated(kind, take(batch, rows)))
    assert compute(metric) == compute(updated(kind, batch))


@every_kind
def test_batches_and_order_do_not_matter_and_repeats_count_once(kind: str) -> None:
    batch, metric = samples(9), KINDS[kind].make()
    for rows in ([8, 0, 3], [5], [1, 2, 4, 6, 7, 0]):  # the last one is padding
        metric.update(**KINDS[kind].inputs(take(batch, rows)))
    assert compute(metric) == compute(updated(kind, batch))


@every_kind
def test_without_an_index_every_sample_counts(kind: str) -> None:
    batch, metric = samples(4), KINDS[kind].make()
    twice = KINDS[kind].inputs(take(batch, [0, 1, 2, 3, 1]))
    twice.pop("index")
    metric.update(**twice)
    renamed = take(batch, [0, 1, 2, 3, 1]) | {"index": torch.arange(5)}
    assert compute(metric) == compute(updated(kind, renamed)) != compute(updated(kind, batch))


@every_kind
def test_reset_pickle_clone_and_merge(kind: str) -> None:
    batch = samples(8)
    metric = updated(kind, take(batch, slice(0, 2)))
    metric.reset()
    metric.update(**KINDS[kind].inputs(take(batch, slice(2, 5))))
    expected = compute(updated(kind, take(batch, slice(2, 5))))
    for same in (metric, pickle.loads(pickle.dumps(metric)), metric.clone()):
        assert compute(same) == expected
    assert metric.state_dict() == {}
    assert isinstance(hash(metric), int)
    metric.merge_state(updated(kind, take(batch, [0, 1, 5, 6, 7])))
    metric._computed = None  # torchmetrics keeps the number from before merging
    assert compute(metric) == compute(updated(kind, batch))


@every_kind
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_maps_of_any_floating_type(kind: str, dtype: torch.dtype) -> None:
    batch = samples(6)
    rough = batch["maps"].to(dtype)
    metric = updated(kind, {**batch, "maps": rough})
    assert compute(metric) == compute(updated(kind, {**batch, "maps": rough.float()}))


@every_kind
def test_features_and_weights_are_as_good_as_maps(kind: str) -> None:
    batch, one_view, two_views = samples(6), KINDS[kind].make(), KINDS[kind].make()
    features, weight = torch.rand(6, 4, 6, 8), torch.randn(CLASSES, 4)
    every = torch.einsum("ck,bkhw->bchw", weight, features)
    chosen = every.take_along_dim(batch["classes"][:, :, None, None], 1)
    inputs = KINDS[kind].inputs(batch) | {"labels": batch["labels"], "weight": weight}
    inputs.pop("maps")
    one_view.update(**inputs, features=features)
    assert compute(one_view) == pytest.approx(compute(updated(kind, {**batch, "maps": chosen})))
    inputs["regions"] = inputs["regions"][:, None].expand(-1, 2, -1)
    two_views.update(**inputs, features=features[:, None].expand(-1, 2, -1, -1, -1))
    assert compute(two_views) == pytest.approx(compute(one_view), abs=0.02)  # equal views


@every_kind
def test_defaults(kind: str) -> None:
    batch, metric = samples(6), KINDS[kind].make()
    inputs = KINDS[kind].inputs(batch)
    inputs.pop("regions")
    if "counts" in inputs:
        counts = inputs.pop("counts").tolist()
        inputs["boxes"] = [boxes[:count] for boxes, count in zip(inputs["boxes"], counts)]  # noqa: B905
    metric.update(**inputs)
    assert compute(metric) == compute(updated(kind, batch))


@every_kind
def test_no_gradient_is_kept(kind: str) -> None:
    batch, metric = samples(3), KINDS[kind].make()
    inputs = KINDS[kind].inputs(batch)
    inputs["maps"] = inputs["maps"].clone().requires_grad_()
    metric(**inputs)
    states = metric.metric_state.values()
    kept = [value for state in states for value in (state if isinstance(state, list) else [state])]
    assert not any(value.requires_grad for value in kept)


@every_kind
def test_the_precision_of_a_network_does_not_change_the_numbers(kind: str) -> None:
    batch = samples(6)
    metric = torch.nn.Sequential(KINDS[kind].make()).half()[0].set_dtype(torch.float16)
    metric.update(**KINDS[kind].inputs(batch))
    assert compute(metric.to(torch.device("cpu"))) == compute(updated(kind, batch))


def test_a_collection_shares_arguments_and_keeps_metrics_apart() -> None:
    batch = samples(5)
    batch["counts"].zero_()  # a first batch that all metrics see alike
    metrics = {
        "paper": LocalizationError("paper", VIEW),
        "coarse": LocalizationError("paper", (12, 16)),
        "eight": MaxBoxAcc(EXACT, VIEW),
        "four": MaxBoxAcc(replace(EXACT, connectivity=4), VIEW),
        "near": PointingGame(1, size=VIEW),
        "far": PointingGame(9, size=VIEW),
        "pixels": PixelAP(EXACT, VIEW),
    }
    collection = MetricCollection(metrics, prefix="val/")
    inputs: dict[str, Tensor] = {
        name: batch[name] for name in ("classes", "labels", "boxes", "counts", "sizes", "masks")
    }
    features = torch.rand(5, 4, 6, 8)
    collection.update(**inputs, features=features, weight=torch.rand(CLASSES, 4))
    assert len(collection.compute_groups) == len(metrics)
    assert {"val/far_pointing", "val/pixels_pixel_ap"} <= set(collection.compute())


@every_kind
def test_metrics_have_bounds_and_directions(kind: str) -> None:
    metric = KINDS[kind].make()
    assert metric.higher_is_better is (kind != "localization")
    assert (metric.is_differentiable, metric.full_state_update) == (False, False)
    assert (metric.plot_lower_bound, metric.plot_upper_bound) == (0, 1)


@every_kind
def test_states_on_the_cpu(kind: str) -> None:
    batch = samples(5)
    assert compute(updated(kind, batch, compute_on_cpu=True)) == compute(updated(kind, batch))
