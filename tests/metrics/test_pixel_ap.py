import cv2
import numpy as np
import pytest
import torch
from metric_samples import KINDS, Batch, plain, samples, take, updated

from gapcam.metrics import PixelAP
from gapcam.protocol import PUBLISHED


def published(batch: Batch) -> float:
    """PxAP image by image: wsolevaluation's resizing, normalisation, masks and histograms."""
    steps = PUBLISHED["wsolevaluation"].steps
    edges = np.append([step / steps for step in range(steps)], [1.0, 2.0, 3.0])
    true, false = np.zeros(steps + 2), np.zeros(steps + 2)
    for row in range(len(batch["maps"])):
        cam = batch["maps"][row, -1].double().numpy()
        heat = cv2.resize(cam, (224, 224), interpolation=cv2.INTER_CUBIC)
        heat = heat - heat.min()
        heat /= heat.max()
        mask, ignore = (
            cv2.resize(
                batch[name][row].numpy().astype(np.uint8),
                (224, 224),
                interpolation=cv2.INTER_NEAREST,
            )
            for name in ("masks", "ignore")
        )
        kinds = np.where(mask, 1, np.where(ignore, 255, 0))
        true += np.histogram(heat[kinds == 1], bins=edges)[0]
        false += np.histogram(heat[kinds == 0], bins=edges)[0]
    tp, fp = true[::-1].cumsum(), false[::-1].cumsum()
    area = 0.0
    for i in range(1, steps + 2):
        if tp[i] + fp[i] > 0:
            area += tp[i] / (tp[i] + fp[i]) * (tp[i] / tp[-1] - tp[i - 1] / tp[-1])
    return area


def test_equals_the_published_procedure() -> None:
    batch, metric = samples(5), PixelAP()
    metric.update(**KINDS["pixel_ap"].inputs(batch))
    expected = published(batch)
    assert 0.3 < expected < 0.5
    assert float(metric.curve().average_precision) == expected
    assert metric.compute()["pixel_ap"] == torch.tensor(expected).float()
    counted = batch["masks"] | ~batch["ignore"]
    share = float(batch["masks"].sum() / counted.sum())
    assert float(metric.compute()["floor_pixel_ap"]) == pytest.approx(share, abs=0.01)


def test_a_constant_map_gets_the_floor() -> None:
    batch = samples(4)
    batch["maps"] = torch.full_like(batch["maps"], 2.0)
    batch["maps"][0, :, 0, 0] = float("nan")
    numbers = updated("pixel_ap", batch).compute()
    assert numbers["pixel_ap"] == numbers["floor_pixel_ap"]


def test_a_map_of_the_mask_is_perfect() -> None:
    masks = torch.zeros(1, 224, 224, dtype=torch.uint8)
    masks[0, 50:90, 20:70] = 255
    metric = PixelAP()
    metric.update(maps=masks.float(), masks=masks)
    assert metric.compute()["pixel_ap"] == 1


def test_pixels_that_are_ignored_count_nowhere() -> None:
    masks = torch.zeros(1, 224, 224, dtype=torch.bool)
    masks[0, :, :100] = True
    maps = torch.zeros(1, 224, 224)
    maps[0, :, :150] = 1
    metric = PixelAP()
    ignore = maps > 0  # true pixels win
    metric.update(maps=maps, masks=masks, ignore=ignore)
    assert metric.compute()["pixel_ap"] == 1
    assert float(metric.compute()["floor_pixel_ap"]) == pytest.approx(100 / (224 - 50))


def test_masks_follow_the_region_that_a_view_shows() -> None:
    maps = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]]).repeat_interleave(8, 1).repeat_interleave(8, 2)
    masks = torch.zeros(1, 40, 80, dtype=torch.bool)
    masks[0, 10:20, 20:40] = True
    metric = PixelAP("exact", size=(16, 16))
    regions = torch.tensor([[10.0, 5.0, 30.0, 15.0]])  # of an image half as large as its mask
    metric.update(maps=maps, masks=masks, sizes=torch.tensor([[20, 40]]), regions=regions)
    assert metric.compute()["pixel_ap"] == 1


def test_memory_does_not_grow_but_for_indices() -> None:
    batch, metric = samples(12), KINDS["pixel_ap"].make()
    for start in range(0, 12, 3):
        metric(**KINDS["pixel_ap"].inputs(take(batch, slice(start, start + 3))))
        assert [len(counts) for counts in metric.last_counts] == [3]
        assert [index.tolist() for index in metric.last_index] == [[start, start + 1, start + 2]]
    assert metric.counts.shape == (2, 22)
    assert sum(index.numel() for index in metric.index) == 12


@pytest.mark.parametrize("rows", [[[0, 1], [1, 2], [3]], [[0], [1], [2], [0], [1]]])
def test_a_repetition_that_cannot_be_taken_back(rows: list[list[int]]) -> None:
    batch, metric = samples(4), KINDS["pixel_ap"].make()
    for some in rows:
        metric.update(**KINDS["pixel_ap"].inputs(take(batch, some)))
    with pytest.raises(
        ValueError, match=r"index must not repeat samples, .* came 2 times. Was reset"
    ):
        metric.compute()


def test_repetitions_at_the_end_are_taken_back() -> None:
    batch, metric = samples(5), KINDS["pixel_ap"].make()
    for some in ([0, 1], [2, 3, 4, 0, 1, 0]):
        metric.update(**KINDS["pixel_ap"].inputs(take(batch, some)))
    assert plain(metric.compute()) == plain(updated("pixel_ap", batch).compute())
