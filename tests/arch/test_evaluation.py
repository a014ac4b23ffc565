import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from metric_samples import CLASSES, EXACT, VIEW, samples
from networks import network
from torch import Tensor

from gapcam.arch.evaluation import Evaluation, main_threshold
from gapcam.arch.look import Look, look, rank_of_truth
from gapcam.batch import Batch
from gapcam.cam.localization import GUESSES
from gapcam.metrics import LocalizationError, MaxBoxAcc
from gapcam.protocol import PUBLISHED, Protocol

PAPER = PUBLISHED["paper"]
pytestmark = pytest.mark.filterwarnings("ignore:The ``compute`` method of metric")


def seen(count: int, seed: int = 3) -> tuple[Look, Batch]:
    """Generated samples as a network sees them, in one view."""
    some = samples(count, seed)
    batch = Batch(
        images=torch.zeros(count, 3, *VIEW, dtype=torch.uint8),
        **{name: some[name] for name in Batch._fields if name != "images"},
    )
    classes, maps = some["classes"], some["maps"]
    is_true = (classes == some["labels"][:, None])[..., None, None]
    maps = torch.where(is_true, maps[:, -1:], maps)  # a class has one map
    return Look(classes, torch.rand(classes.shape), maps, some["regions"]), batch


def evaluated(count: int, seed: int = 3, **protocols: Protocol) -> Evaluation:
    evaluation = Evaluation(protocols, VIEW, num_classes=CLASSES)
    look, batch = seen(count, seed)
    evaluation.update({"whole": look}, batch)
    return evaluation


def plain(numbers: dict[str, Tensor]) -> dict[str, Any]:
    return {name: None if v.isnan() else v.item() for name, v in numbers.items()}


@pytest.mark.parametrize("count", [0, 30])
def test_the_first_protocol_has_plain_names(count: int) -> None:
    found = plain(evaluated(count, paper=PAPER, exact=EXACT, mine=PAPER.at(0.5)).compute())
    alone = {
        "": plain(evaluated(count, paper=PAPER).compute()),
        "exact/": plain(evaluated(count, exact=EXACT).compute()),
        "mine/": plain(evaluated(count, mine=PAPER.at(0.5)).compute()),
    }
    assert found == {f"{prefix}{k}": v for prefix, part in alone.items() for k, v in part.items()}
    assert all(value is None for value in found.values()) == (count == 0)


def test_each_protocol_is_scored_by_its_metric() -> None:
    look, batch = seen(30)
    truth = {name: getattr(batch, name) for name in ("labels", "boxes", "counts", "sizes", "index")}
    errors, accuracies = LocalizationError(PAPER, VIEW), MaxBoxAcc(EXACT, VIEW)
    errors.update(maps=look.maps, classes=look.classes, regions=look.regions, **truth)
    ranks = rank_of_truth(look.classes)
    accuracies.update(maps=look.maps[:, -1], ranks=ranks, regions=look.regions, **truth)
    found = evaluated(30, paper=PAPER, exact=EXACT).compute()
    expected = errors.compute() | {f"exact/{k}": v for k, v in accuracies.compute().items()}
    assert plain(found) == plain(expected)


def test_chosen_thresholds_are_reported_beside_the_oracle() -> None:
    validation = evaluated(30, seed=5, paper=PAPER, exact=EXACT)
    validation.gather()
    look, batch = seen(30)
    evaluation = Evaluation({"paper": PAPER, "exact": EXACT}, VIEW, num_classes=CLASSES)
    evaluation.choose(validation.best, "the best of others")
    evaluation.update({"whole": look}, batch)
    found = plain(evaluation.compute())
    metric = evaluation.sweeps["exact"]
    best, at_chosen = plain(metric.compute()), plain(metric.compute_at(validation.best["exact"]))
    assert {key: found[f"exact/{key}"] for key in at_chosen} == at_chosen
    oracle = {key: value for key, value in found.items() if "oracle_" in key}
    assert oracle["exact/oracle_max_box_acc_v2"] == best["max_box_acc_v2"]
    assert oracle["exact/oracle_loc_gt_known"] == best["loc_gt_known"] <= at_chosen["loc_gt_known"]
    assert len(oracle) == sum(key.startswith(("max_box_acc", "loc_")) for key in best)
    # Boxes are cut there, too, so that there are rows and kinds of mistakes.
    assert evaluation.errors["exact"].protocol.threshold == validation.best["exact"]["threshold_50"]
    errors = plain(evaluation.errors["exact"].compute())
    assert errors["loc_top1"] == at_chosen["loc_top1"]
    assert errors["loc_top5"] == at_chosen["loc_top5"]
    assert errors["loc_gt_known"] == at_chosen["loc_gt_known"]


def test_a_new_start() -> None:
    evaluation = evaluated(9, paper=PAPER, exact=EXACT)
    assert any(value is not None for value in plain(evaluation.compute()).values())
    evaluation.reset()
    assert all(value is None for value in plain(evaluation.compute()).values())


@pytest.mark.parametrize(
    ("classes", "rank"),
    [
        ([], []),
        ([[3, 3]], [0]),
        ([[1, 3, 3], [1, 3, 1]], [1, 0]),
        ([[1, 2, 4, 5, 3, 3]], [4]),
        ([[1, 2, 4, 5, 6, 3]], [GUESSES]),
    ],
)
def test_rank_of_truth(classes: list[list[int]], rank: list[int]) -> None:
    classes_BM = torch.tensor(classes, dtype=torch.int64).view(len(classes), -1 if classes else 6)
    assert rank_of_truth(classes_BM).tolist() == rank


@pytest.mark.parametrize(
    ("protocol", "name"),
    [
        (EXACT, "threshold_50"),
        (replace(EXACT, iou=(0.3,)), "threshold_30"),
        (replace(EXACT, iou=(0.125, 0.5)), "threshold_50"),
    ],
)
def test_the_threshold_of_boxes(protocol: Protocol, name: str) -> None:
    assert main_threshold(protocol) == name
    validation = evaluated(20, mine=protocol)
    validation.gather()
    assert name in validation.best["mine"]


def test_pictures_are_drawn_at_a_threshold() -> None:
    assert evaluated(9, paper=PAPER).for_pictures() is PAPER
    released = PUBLISHED["released"]  # tries no threshold: its grey levels are given
    assert Evaluation({"released": released}, VIEW).for_pictures() is released
    evaluation = evaluated(20, exact=EXACT)
    assert evaluation.for_pictures().threshold == 0.2  # nothing is known yet
    evaluation.gather()
    assert evaluation.for_pictures().threshold == evaluation.best["exact"]["threshold_50"]
    evaluation.choose({"exact": evaluation.best["exact"] | {"threshold_50": 0.95}}, "a test")
    assert evaluation.for_pictures() == EXACT.at(0.95)
    nothing = evaluated(0, exact=EXACT)
    nothing.gather()
    assert nothing.for_pictures().threshold == 0.2


def test_details() -> None:
    evaluation = evaluated(30, paper=PAPER, exact=EXACT)
    evaluation.gather_details()
    paper, exact = evaluation.details["paper"], evaluation.details["exact"]
    assert len(paper.index) == len(exact.index) == 30
    assert paper.rows is not None
    assert paper.rows.index.tolist() == list(range(30))
    assert paper.curves is None
    assert sum(paper.kinds.values()) == pytest.approx(1)
    assert exact.rows is None
    assert exact.kinds == {}
    assert exact.curves is not None
    assert exact.curves.thresholds.tolist() == EXACT.thresholds.tolist()
    for details in (paper, exact):
        assert (
            details.slices["class"].images.tolist()
            == torch.bincount(seen(30)[1].labels, minlength=CLASSES).tolist()
        )
        low, high = details.intervals["loc_gt_known"]
        assert 0 <= low < high <= 1


def test_details_at_chosen_thresholds() -> None:
    """Numbers, slices and intervals are of the same thresholds."""
    evaluation = evaluated(30, exact=EXACT)
    evaluation.choose(
        {"exact": dict.fromkeys(evaluation.sweeps["exact"].best_thresholds(), 0.95)}, "a test"
    )
    evaluation.update({"whole": seen(30)[0]}, seen(30)[1])
    evaluation.gather_details()
    details, numbers = evaluation.details["exact"], evaluation.compute()
    assert details.rows is not None
    groups = details.slices["size"]
    for name in ("max_box_acc", "loc_gt_known", "max_box_acc_v2_70"):
        mean = (groups.numbers[name] * groups.with_boxes).nansum() / groups.with_boxes.sum()
        assert mean.item() == pytest.approx(numbers[name].item(), abs=1e-6)
        assert details.intervals[name].low <= numbers[name] <= details.intervals[name].high


@pytest.mark.parametrize("count", [0, 1, 30])
def test_facts_are_json(count: int) -> None:
    """Which has no NaN."""
    evaluation = evaluated(count, paper=PAPER, exact=EXACT)
    evaluation.gather_details()
    facts = json.loads(json.dumps(evaluation.facts(), allow_nan=False))
    assert set(facts["intervals"]) == {"paper", "exact"}
    assert ("loc_top1" in facts["intervals"]["paper"]) == (count > 0)
    assert set(facts["mistakes"]) == ({"paper"} if count else set())


def test_facts_without_true_boxes() -> None:
    look, batch = seen(9)
    evaluation = Evaluation({"paper": PAPER, "exact": EXACT}, VIEW)
    evaluation.update({"whole": look}, batch._replace(counts=torch.zeros(9, dtype=torch.int64)))
    evaluation.gather_details()
    facts = json.loads(json.dumps(evaluation.facts(), allow_nan=False))
    assert set(facts["intervals"]["paper"]) == {"cls_top1", "cls_top5"}
    assert facts["mistakes"] == {}


def test_each_protocol_gets_its_kind_of_view() -> None:
    mine = replace(PAPER, view="centre")
    evaluation = Evaluation({"paper": PAPER, "mine": mine, "released": PUBLISHED["released"]}, VIEW)
    assert evaluation.kinds == {"whole", "centre", "ten"}
    look, batch = seen(30)
    ten = look._replace(
        maps=look.maps[:, None].expand(-1, 10, -1, -1, -1),
        regions=look.regions[:, None].expand(-1, 10, -1),
    )
    blind = look._replace(maps=torch.zeros_like(look.maps))
    evaluation.update({"whole": look, "centre": blind, "ten": ten}, batch)
    found = plain(evaluation.compute())
    assert found["loc_gt_known"] < found["mine/loc_gt_known"] == 1
    assert found["released/loc_gt_known"] < 1
    assert "released/loc_top5_heuristic" in found


def test_alone_it_asks_nobody() -> None:
    """One process may score something that the others do not."""
    validation = evaluated(9, exact=EXACT)
    validation.gather()
    for alone in (False, True):
        evaluation = Evaluation({"paper": PAPER, "exact": EXACT}, VIEW, alone=alone)
        evaluation.choose(validation.best, "the best of others")
        metrics = [*evaluation.errors.values(), *evaluation.sweeps.values()]
        assert [metric.sync_on_compute for metric in metrics] == [not alone] * 3


KINDS = {"whole": 1, "centre": 1, "ten": 10}


def views(*kinds: str) -> Batch:
    """Three images in these kinds of views, which show the same whenever they are asked for."""
    images, regions = [], []
    for kind, count in KINDS.items():
        generator = torch.Generator().manual_seed(count + len(kind))
        pixels = torch.rand(3, count, 3, 4, 4, generator=generator).repeat_interleave(4, -1)
        corners = torch.rand(3, count, 2, 2, generator=generator).sort(2).values.flatten(2)
        if kind in kinds:
            images.append((pixels.repeat_interleave(4, -2) * 255).byte())
            regions.append(corners * 40)
    one = [torch.cat(images, 1), torch.cat(regions, 1)]
    if sum(KINDS[kind] for kind in kinds) == 1:
        one = [part[:, 0] for part in one]
    return Batch(
        images=one[0],
        labels=torch.tensor([3, 0, 1]),
        boxes=torch.zeros(3, 0, 4),
        counts=torch.zeros(3, dtype=torch.int64),
        sizes=torch.full((3, 2), 40),
        regions=one[1],
        index=torch.arange(3),
    )


@pytest.mark.parametrize("cam", ["cam", "saliency", "gradcam", "layercam"])
def test_kinds_of_views_seen_together_are_seen_as_alone(cam: str) -> None:
    torch.manual_seed(0)
    module = network("arch.size=[16,16]", f"cam={cam}", classes=4).eval()
    for kind, count in KINDS.items():
        module.views = (kind,)
        alone = look(module, views(kind), kind)
        assert alone.maps.shape[:-2] == ((3, 5) if count == 1 else (3, 10, 5))
        assert alone.regions.shape == ((3, 4) if count == 1 else (3, 10, 4))
        module.views = tuple(KINDS)
        for found, expected in zip(look(module, views(*KINDS), kind), alone, strict=True):
            torch.testing.assert_close(found, expected)


def test_ten_crops_are_scored_by_their_mean() -> None:
    torch.manual_seed(0)
    module = network("arch.size=[16,16]", classes=4).eval()
    module.views = ("ten",)
    batch = views("ten")
    ten = look(module, batch, "ten")
    with torch.no_grad():
        each = [module(batch.images[:, view]).logits.softmax(1) for view in range(10)]
    mean = torch.stack(each).mean(0)
    assert ten.classes[:, :-1].tolist() == mean.argsort(1, descending=True).tolist()
    assert ten.classes[:, -1].tolist() == [3, 0, 1]
    torch.testing.assert_close(ten.scores, mean.gather(1, ten.classes))
    with torch.no_grad():
        output = module(batch.images[:, 7])
        maps = module.maps(batch.images[:, 7], output, ten.classes)
    torch.testing.assert_close(ten.maps[:, 7], maps)
