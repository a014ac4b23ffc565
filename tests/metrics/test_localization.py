import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor

from gapcam.cam.boxes import box_iou
from gapcam.cam.localization import ranked_classes
from gapcam.cam.views import boxes_from_view
from gapcam.metrics import LocalizationError
from gapcam.metrics.localization import LocalizationRows
from gapcam.protocol import PaperProtocol

SIZE = (24, 32)


def samples(count: int) -> dict[str, Tensor]:
    """Random maps and boxes on images of different sizes, with one to three true boxes."""
    generator = torch.Generator().manual_seed(3)
    labels = torch.randint(7, (count,), generator=generator)
    corners = torch.rand(count, 3, 2, 2, generator=generator).sort(2).values
    sizes = torch.randint(20, 90, (count, 2), generator=generator)
    classes = ranked_classes(torch.randn(count, 7, generator=generator), labels)
    maps = torch.randn(*classes.shape, 6, 8, generator=generator)
    boxes = corners.flatten(2) * sizes[:, [1, 0, 1, 0]][:, None]
    # Every other image: the true class's map is right.
    regions = torch.cat([torch.zeros(count, 2), sizes.flip(1)], dim=1)
    found = PaperProtocol().boxes(maps[::2, -1:], SIZE)
    boxes[::2, :1] = boxes_from_view(found, SIZE, regions[::2])
    return {
        "maps": maps,
        "classes": classes,
        "labels": labels,
        "boxes": boxes,
        "counts": torch.randint(1, 4, (count,), generator=generator),
        "sizes": sizes,
        "regions": regions,
        "index": torch.arange(count),
    }


def take(batch: dict[str, Tensor], rows: list[int]) -> dict[str, Tensor]:
    return {name: value[rows] for name, value in batch.items()}


def metric(**kwargs: Any) -> LocalizationError:
    return LocalizationError(PaperProtocol(), SIZE, **kwargs)


def slow_errors(batch: dict[str, Tensor]) -> dict[str, float]:
    """One image and one class at a time."""
    wrong = dict.fromkeys(("loc_top1", "loc_top5", "loc_gt_known", "cls_top1", "cls_top5"), 0)
    count = len(batch["labels"])
    for i in range(count):
        height, width = batch["sizes"][i].tolist()
        boxes = PaperProtocol().boxes(batch["maps"][i : i + 1], SIZE)[0]
        scale = torch.tensor([width / 32, height / 24, width / 32, height / 24])
        truth = batch["boxes"][i, : int(batch["counts"][i])]
        placed = [max(float(box_iou(box * scale, t)) for t in truth) >= 0.5 for box in boxes]
        named = [int(c) == int(batch["labels"][i]) for c in batch["classes"][i]]
        wrong["loc_top1"] += not (placed[0] and named[0])
        wrong["loc_top5"] += not any(p and n for p, n in zip(placed[:-1], named[:-1], strict=True))
        wrong["loc_gt_known"] += not placed[-1]
        wrong["cls_top1"] += not named[0]
        wrong["cls_top5"] += not any(named[:-1])
    return {name: total / count for name, total in wrong.items()}


def test_equals_the_slow_loop() -> None:
    batch = samples(40)
    localization = metric()
    localization.update(**batch)
    errors = {name: float(value) for name, value in localization.compute().items()}
    expected = slow_errors(batch)
    assert 0 < expected["loc_gt_known"] < 1
    assert {name: errors[name] for name in expected} == pytest.approx(expected)


def test_batches_order_and_repeats_do_not_matter() -> None:
    batch = samples(9)
    whole, parts = metric(), metric()
    whole.update(**batch)
    for rows in ([8, 0, 3], [5], [1, 2, 4, 6, 7], [0, 8, 8]):  # the last are padding
        parts.update(**take(batch, rows))
    assert parts.compute() == whole.compute()
    assert all(torch.equal(a, b) for a, b in zip(parts.rows(), whole.rows(), strict=True))


def test_reset_and_pickle() -> None:
    batch = samples(6)
    localization = metric()
    localization.update(**take(batch, [0, 1]))
    localization.reset()
    localization.update(**take(batch, [2, 3, 4]))
    copy = pickle.loads(pickle.dumps(localization))
    assert copy.compute() == localization.compute()
    assert localization.rows().index.tolist() == [2, 3, 4]
    assert localization.state_dict() == {}


def test_running_errors_are_the_errors_so_far() -> None:
    batch = samples(6)
    localization = metric()
    localization.update(**batch)
    assert localization.running_errors()["loc_top1"] == localization.compute()["loc_top1"]


def test_images_without_boxes_count_for_classification_alone() -> None:
    batch = samples(40)
    batch["counts"][30:] = 0
    localization, with_boxes, all_images = metric(), metric(), metric()
    localization.update(**batch)
    with_boxes.update(**take(batch, list(range(30))))
    all_images.update(**samples(40))
    errors = localization.compute()
    for name, value in with_boxes.compute().items():
        other = all_images if name.startswith("cls") else with_boxes
        assert errors[name] == other.compute()[name], (name, value)


def test_without_any_box_there_is_no_localization_error() -> None:
    batch = take(samples(2), [0])
    localization = metric()
    localization.update(**{**batch, "boxes": torch.zeros(1, 0, 4), "counts": torch.tensor([0])})
    errors = localization.compute()
    missing = {name for name, value in errors.items() if value.isnan()}
    assert missing == set(errors) - {"cls_top1", "cls_top5"}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("maps", torch.zeros(2, 6, 4), r"needs maps .* got \(2, 6, 4\)"),
        ("classes", torch.zeros(2, 3), r"got .*\(2, 3\)"),
        ("boxes", torch.zeros(2, 4), r"got .*\(2, 4\)"),
    ],
)
def test_wrong_shapes_are_named(name: str, value: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metric().update(**{**samples(2), name: value})


def test_any_number_of_processes_gives_the_same(tmp_path: Path) -> None:
    """1, 2 and 3 gloo processes, with 7 images and with fewer images than processes."""
    mp.spawn(_evaluate_part, args=(tmp_path,), nprocs=3)
    for images in (7, 2):
        alone = metric()
        alone.update(**samples(images))
        for processes in (1, 2, 3):
            for rank in range(processes):
                errors, rows = torch.load(tmp_path / f"{images}-{processes}-{rank}.pt")
                assert errors == alone.compute()
                together = zip(rows, alone.rows(), strict=True)
                assert all(torch.equal(found, expected) for found, expected in together)


def _evaluate_part(rank: int, folder: Path) -> None:
    """A process of padded distributed evaluations, as Lightning arranges them."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=3)
    for processes in (1, 2, 3):
        group = dist.new_group(list(range(processes)))
        for images in (7, 2) if rank < processes else ():
            padded = [*range(images), *range(processes)][: -(-images // processes) * processes]
            localization = metric(process_group=group)
            for row in padded[rank::processes]:
                localization.update(**take(samples(images), [row]))
            rows = tuple(localization.rows())
            torch.save((localization.compute(), rows), folder / f"{images}-{processes}-{rank}.pt")
    dist.destroy_process_group()


def test_rows_name_their_columns() -> None:
    assert LocalizationRows._fields == (
        "index",
        "labels",
        "classes",
        "boxes",
        "iou",
        "floor_iou",
        "counts",
    )
